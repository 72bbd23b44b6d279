"""What can be wrong with an order before a row of it is sent.

DeliveryError
├── SourceError       the file cannot be used at all
├── PlanError         the settings cannot work for any row
├── UnknownTemplate   no template has this name
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
