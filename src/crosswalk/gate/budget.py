"""What is left of an account's day, and for whom: lanes leave a share of it to people."""

from dataclasses import dataclass
from datetime import UTC, datetime

from crosswalk.gate.day import Day, left, total
from crosswalk.gate.purpose import Purpose

RESERVE = 10
"""Percent of a day's calls that lanes leave to people, unless the account says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """An account's day as it is known without asking Insightly.

    `quota` calls a day, as Insightly last told or as the account's own limit says; `spent` by this hub and `foreign` by
    other clients since the last reset; `remaining` until `resets_at`; lanes leave the last `reserved` to people.
    `None` where nobody knows.
    """

    quota: int | None
    spent: int
    remaining: int | None
    reserved: int
    resets_at: datetime
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class Shares:
    """How a day is shared: at most `daily` calls of ours, `reserve` percent of the day left to people."""

    daily: int | None = None
    reserve: int = RESERVE


def budget_of(day: Day, shares: Shares) -> Budget:
    """The budget that a day leaves."""
    quota = total(day, shares.daily)
    return Budget(
        quota=quota,
        spent=int(day.spent),
        remaining=left(day, shares.daily),
        reserved=_reserved(quota, shares),
        resets_at=datetime.fromtimestamp(day.ends, UTC),
        foreign=int(day.foreign),
    )


def kept_from(purpose: Purpose, day: Day, shares: Shares) -> int | None:
    """How many calls are kept from a call of this purpose when it may not go; `None` when it may.

    People may use everything, probes a fifth of what lanes leave.
    """
    if shares.daily is not None and day.spent >= shares.daily:
        return 0
    reserved, remaining = _reserved(total(day, shares.daily), shares), left(day, shares.daily)
    kept = {"person": -1, "probe": reserved * 4 // 5, "lane": reserved}[purpose]
    if remaining is None or day.lowest == 0:
        return None  # nothing is left to keep, as told: whether that still holds, Insightly's refusal says with a time
    return kept if remaining <= kept else None


def _reserved(quota: int | None, shares: Shares) -> int:
    return 0 if quota is None else quota * shares.reserve // 100
