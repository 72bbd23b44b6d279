"""What an attempt can come to: closed unions, so that nothing is forgotten where one is decided on."""

from datetime import datetime
from typing import TypeAlias

from msgspec import Struct


class Delivered(Struct, frozen=True):
    """It took effect. `remote_ids` are Insightly's, one a row, where it gave or kept any."""

    status: int | None
    remote_ids: tuple[str | None, ...]


class Rejected(Struct, frozen=True):
    """Insightly refuses it for good: nothing took effect."""

    status: int | None
    reason: str


class Retry(Struct, frozen=True):
    """Nothing took effect, or doing it twice does no harm: again, not before `at`."""

    at: datetime
    status: int | None
    reason: str


class Unknown(Struct, frozen=True):
    """It may have taken effect; `last_byte` is when the last of it went out. Find out before sending it again."""

    last_byte: datetime
    status: int | None
    reason: str


class Halt(Struct, frozen=True):
    """Nothing took effect, and the next call would fare no better before `until`; `None` is before a person acts."""

    until: datetime | None
    status: int | None
    reason: str


Outcome: TypeAlias = Delivered | Rejected | Retry | Unknown | Halt


class Adopt(Struct, frozen=True):
    """The look-up found the one record that the attempt made."""

    remote_id: str


class Absent(Struct, frozen=True):
    """It is not there, and has had its time: the attempt took no effect."""


class LookAgain(Struct, frozen=True):
    """Too early to say: look again, not before `at`."""

    at: datetime


class Hold(Struct, frozen=True):
    """Nobody can tell but a person; `reason` says what was found."""

    reason: str


Settlement: TypeAlias = Adopt | Absent | LookAgain | Hold
