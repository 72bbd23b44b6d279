"""What is wrong with an automation, or with what it is asked for.

AutomationError
├── UnknownAutomation    no automation has this name or id
├── UnknownFiring        the automation has no such firing
├── AutomationTaken      another automation has this name
├── UnusableSettings     the settings cannot work: which, why
├── UnusableInput        what it is to fire for cannot be: why
├── FiringRefused        a firing cannot be brought from its state to the one asked for
├── FiringFailed         it fired, and came to no good end: the firing says at which step, and why
└── InputChanged         the key was used for another input
"""


class AutomationError(Exception):
    """An automation cannot do what is asked."""


class UnknownAutomation(AutomationError):
    """No automation has this name or id, or the reader may not see it."""


class UnknownFiring(AutomationError):
    """The automation has no such firing."""


class AutomationTaken(AutomationError):
    """Another automation has this name."""


class UnusableSettings(AutomationError):
    """The settings cannot work."""


class UnusableInput(AutomationError):
    """What it is to fire for cannot be."""


class FiringRefused(AutomationError):
    """A firing cannot be brought from its state to the one asked for."""


class FiringFailed(AutomationError):
    """It fired, and came to no good end."""


class InputChanged(AutomationError):
    """The key was used for another input."""
