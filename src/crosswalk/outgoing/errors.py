"""What can be wrong with something that is to be told to others.

OutgoingError
├── UnusableAddress    a URL or e-mail address that nothing is ever sent to
├── UnusableEndpoint   a name or secret that an endpoint cannot have
├── UnknownEndpoint    no endpoint has this name or id, or the reader may not see it
├── EndpointTaken      another endpoint has this name
├── UnknownMessage     the outbox has no such message, or the reader may not see it
└── StillWaiting       a message that has not ended cannot be sent once more
"""


class OutgoingError(Exception):
    """It cannot be told as asked."""


class UnusableAddress(OutgoingError):
    """Nothing is ever sent to this URL or e-mail address: which, why, what to do."""


class UnusableEndpoint(OutgoingError):
    """A name or secret that an endpoint cannot have."""


class UnknownEndpoint(OutgoingError):
    """No endpoint has this name or id, or the reader may not see it."""


class EndpointTaken(OutgoingError):
    """Another endpoint has this name already."""


class UnknownMessage(OutgoingError):
    """The outbox has no such message, or the reader may not see it."""


class StillWaiting(OutgoingError):
    """A message that has not ended cannot be sent once more."""
