"""Settling an unknown create by looking for what it would have made. Pure.

Presence is believed at once, when there is one hit, made no earlier than the first attempt, whose value occurs once
in the run. Absence is believed only late: after `settle_after`, by two look-ups a search lag apart. Everything else
is held for a person, with every hit.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from crosswalk.delivery.outcome import Absent, Adopt, Hold, LookAgain, Settlement

SETTLE_AFTER = timedelta(seconds=120)
"""How long after its last byte a call may still take effect."""
SEARCH_LAG = timedelta(seconds=2)
"""How long a record may be missing from a search after it was made."""


class Hit(Struct, frozen=True):
    """One record that a look-up found; `claimed` says that another row made it."""

    id: str
    created_at: datetime | None
    claimed: bool = False


class Doubt(Struct, frozen=True, kw_only=True):
    """What is known of an attempt whose outcome is unknown.

    `skew` is Insightly's clock less ours, at least; `empty_at` is when an earlier look-up after the settling time
    found nothing; `twins` are other rows of the run with the same value.
    """

    first_sent: datetime
    last_byte: datetime
    skew: timedelta = timedelta(0)
    empty_at: datetime | None = None
    twins: int = 0
    settle_after: timedelta = SETTLE_AFTER
    search_lag: timedelta = SEARCH_LAG

    @property
    def ripe(self) -> datetime:
        """When absence may first be believed."""
        return self.last_byte + self.settle_after


def first_look(doubt: Doubt, now: datetime) -> datetime:
    """When to look first: once a record just made would be found."""
    return max(now, doubt.last_byte + doubt.search_lag)


def settle(doubt: Doubt, hits: tuple[Hit, ...], now: datetime) -> Settlement:
    """Decide by what a look-up at `now` found."""
    match hits:
        case ():
            return _settle_empty(doubt, now)
        case (hit,) if doubt.twins == 0 and _is_ours(doubt, hit):
            return Adopt(hit.id)
        case _:
            return Hold(_tell(doubt, hits))


def _settle_empty(doubt: Doubt, now: datetime) -> Settlement:
    if now < doubt.ripe:
        return LookAgain(doubt.ripe)
    if doubt.empty_at is None:
        return LookAgain(now + doubt.search_lag)
    if now < doubt.empty_at + doubt.search_lag:
        return LookAgain(doubt.empty_at + doubt.search_lag)
    return Absent()


def _is_ours(doubt: Doubt, hit: Hit) -> bool:
    earliest = (doubt.first_sent + doubt.skew).replace(microsecond=0)  # Insightly's times have whole seconds
    return not hit.claimed and hit.created_at is not None and hit.created_at >= earliest


def _doubts(doubt: Doubt, hit: Hit) -> str:
    """When a hit was made, and why it cannot be this row's, where it cannot."""
    why = ", by another row" if hit.claimed else "" if _is_ours(doubt, hit) else ", before this row was sent"
    return "made at an unknown time" if hit.created_at is None else f"made {hit.created_at}{why}"


def _tell(doubt: Doubt, hits: tuple[Hit, ...]) -> str:
    found = ", ".join(f"{hit.id} ({_doubts(doubt, hit)})" for hit in hits[:10])
    twins = f"; {doubt.twins} more rows of this run have the same value" if doubt.twins else ""
    return f"its outcome is unknown, and a look-up found {found}{twins}: say which is its record, or send it again"
