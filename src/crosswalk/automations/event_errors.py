"""What can be wrong with a question about events, watches and subscriptions.

EventError
├── UnknownEvent         no event has this id, or it is kept no more
├── UnknownType          no event has this type, or no record this resource
├── UnknownWatch         nothing is watched under this name
├── WatchTaken           the account's resource is watched already
├── Unwatchable          changes of this resource cannot be found out
├── UnusableHint         what came to an address of hints names no record
├── HintRefused          its user or password is missing or wrong
├── UnknownSubscription  no subscription has this id
└── UnusableSubscription it would tell of what its maker or its endpoint may not hear of
"""


class EventError(Exception):
    """What is asked of events cannot be."""


class UnknownEvent(EventError):
    """No event has this id, or it is kept no more."""


class UnknownType(EventError):
    """No event has this type, or no record this resource."""


class UnknownWatch(EventError):
    """Nothing is watched under this name, or the reader may not see it."""


class WatchTaken(EventError):
    """The account's resource is watched already."""


class Unwatchable(EventError):
    """Changes of this resource cannot be found out, or not so often."""


class UnusableHint(EventError):
    """What came to an address of hints names no record."""


class HintRefused(EventError):
    """The user or the password of a hint is missing or wrong."""


class UnknownSubscription(EventError):
    """No subscription has this id, or the reader may not see it."""


class UnusableSubscription(EventError):
    """It would tell of what its maker, or its endpoint, may not hear of."""
