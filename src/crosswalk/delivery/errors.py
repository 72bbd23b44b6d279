"""What can be wrong with an order before a row of it is sent.

DeliveryError
├── SourceError       the file cannot be used at all
├── PlanError         the settings cannot work for any row
├── UnknownTemplate   no template has this name
├── UnknownRun        no run has this id, or the reader may not see it
├── UnknownDelivery   the run has no such row, or the reader may not see it
├── UnknownDestination   no destination has this name or id
├── DestinationTaken     another destination has this name
├── WrongState           a destination cannot be brought from its state to the one asked for
└── UnfinishedRun     a run of this order is unfinished, and nobody said what to do about it
"""


class DeliveryError(Exception):
    """The order cannot be carried out as asked."""


class SourceError(DeliveryError):
    """The file cannot be used: what, which file, what to do."""


class PlanError(DeliveryError):
    """The settings cannot work for any row: what, where, what to do."""


class UnknownTemplate(DeliveryError):
    """No template has this name."""


class UnfinishedRun(DeliveryError):
    """A run of this file, account and mapping is unfinished, and nobody said what to do about it."""


class UnknownRun(DeliveryError):
    """No run has this id, or the reader may not see it."""


class UnknownDelivery(DeliveryError):
    """The run has no such row, or the reader may not see it."""


class UnknownDestination(DeliveryError):
    """No destination has this name or id, or the reader may not see it."""


class DestinationTaken(DeliveryError):
    """Another destination has this name already."""


class WrongState(DeliveryError):
    """A destination cannot be brought from the state that it is in to the one asked for."""
