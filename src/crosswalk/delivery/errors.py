"""What can be wrong with an order before a row of it is sent.

DeliveryError
├── SourceError       the file cannot be used at all
├── PlanError         the settings cannot work for any row
├── UnknownTemplate   no template has this name
├── UnknownRun        no run has this id, or the reader may not see it
├── UnknownDelivery   the run has no such row, or the reader may not see it
├── UnknownDataset       no dataset has this name or id
├── UnknownSource        no source has this name or id
├── SourceTaken          another source or dataset has this name
├── UnknownHook          no webhook has this address
├── SignatureRefused     a post's signature is missing or not its own
├── UnusablePost         what was posted is no record
├── UploadTooLarge       a file is larger than the operator lets it be
├── UnknownDestination   no destination has this name or id
├── DestinationTaken     another destination has this name
├── WrongState           a destination cannot be brought from its state to the one asked for
├── BacklogUndecided     records wait for a destination, and nobody said what becomes of them
├── TrialRefused         a test cannot be sent, or not be undone
├── UnknownNotice        no notice, or no kind of notice, has this name
├── UnknownChannel       notices do not go there
├── ChannelTaken         notices go there already
├── NoMailServer         an e-mail is asked for, and no mail server is set
└── UnfinishedRun     a run of this order is unfinished, and nobody said what to do about it
"""

from collections.abc import Iterator
from contextlib import contextmanager


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


class UnknownDataset(DeliveryError):
    """No dataset has this name or id, or the reader may not see it."""


class UnknownSource(DeliveryError):
    """No source has this name or id, or the reader may not see it."""


class SourceTaken(DeliveryError):
    """Another source, dataset or connection has this name already."""


class BacklogUndecided(DeliveryError):
    """Records wait for a destination that is to be activated, and nobody said what becomes of them."""


class TrialRefused(DeliveryError):
    """A test cannot be sent, or what it made cannot be deleted."""


class UnknownNotice(DeliveryError):
    """There is no notice, or no kind of notice, of this name."""


class UnknownChannel(DeliveryError):
    """Notices do not go there."""


class ChannelTaken(DeliveryError):
    """Notices go there already."""


class NoMailServer(DeliveryError):
    """An e-mail is asked for, and no mail server is set."""


class UnknownHook(DeliveryError):
    """No webhook has this address."""


class SignatureRefused(DeliveryError):
    """A post's signature is missing, or not its own."""


class UnusablePost(DeliveryError):
    """What was posted is no record: which, why."""


class UploadTooLarge(DeliveryError):
    """A file is larger than the operator lets uploads be."""


@contextmanager
def unwrapped() -> Iterator[None]:
    """Raise the first failure of a group of tasks as itself: the others were cancelled for its sake."""
    try:
        yield
    except ExceptionGroup as group:
        leaf: Exception = group
        while isinstance(leaf, ExceptionGroup):
            leaf = leaf.exceptions[0]
        raise leaf from group
