"""Schedules: once, every so often, or cron in a time zone; when the next time is. Pure.

Cron follows Debian's on the two odd days of a year: a fixed time that the clocks skip comes right after the gap, one
that they repeat comes once; `*` in the hours goes on by the real hour.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from msgspec import Struct

from crosswalk.delivery.errors import PlanError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
INTERVAL = re.compile(r"([1-9]\d{0,5})([smhd])")
SHORTEST = timedelta(seconds=10)
CRON_FIELDS = 5
REMEDY = "Write `once 2026-12-01T09:00:00Z`, `every 15m`, or `cron 0 9 * * 1-5 Europe/Berlin`"


class Once(Struct, frozen=True):
    """One time."""

    at: datetime


class Every(Struct, frozen=True):
    """Every so often, counted from the first time, however long each pull takes."""

    interval: timedelta


class Cron(Struct, frozen=True):
    """By a cron expression, in a time zone."""

    expression: str
    zone: str


Schedule: TypeAlias = Once | Every | Cron


def parse_schedule(text: str) -> Schedule:
    """Read a schedule. Raises `PlanError` that says how one is written."""
    word, _, rest = text.strip().partition(" ")
    match word.lower():
        case "once":
            return Once(_read_moment(rest.strip()))
        case "every":
            return Every(_read_interval(rest.strip()))
        case "cron":
            return _read_cron(rest.split())
        case _:
            raise PlanError(f"The schedule {text!r} cannot be read. {REMEDY}")


def first_time(schedule: Schedule, now: datetime) -> datetime | None:
    """When a schedule that begins now is due first; a time that is over is due never."""
    match schedule:
        case Once(at):
            return at if at > now else None
        case Every(interval):
            return now + interval
        case Cron():
            return _next_tick(schedule, now)


def next_time(schedule: Schedule, due: datetime, now: datetime) -> datetime | None:
    """When a schedule is due after the time `due`, which has come: the first time after now. Missed ones are over."""
    match schedule:
        case Once():
            return None
        case Every(interval):
            return due + ((now - due) // interval + 1) * interval
        case Cron():
            return _next_tick(schedule, now)


def _next_tick(cron: Cron, now: datetime) -> datetime | None:
    # In the hour that the clocks repeat, the library answers the first of the two, which may be over.
    for tick in CronSim(cron.expression, now.astimezone(ZoneInfo(cron.zone))):
        moment = tick.astimezone(UTC)
        if moment > now:
            return moment
    return None


def _read_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise PlanError(f"`once {text}` names no time. {REMEDY}") from error
    if moment.tzinfo is None:
        raise PlanError(f"`once {text}` has no time zone. Add Z, or an offset such as +01:00")
    return moment.astimezone(UTC)


def _read_interval(text: str) -> timedelta:
    found = INTERVAL.fullmatch(text)
    if found is None:
        raise PlanError(f"`every {text}` names no interval. Write a number and s, m, h or d, such as 15m")
    interval = timedelta(**{UNITS[found[2]]: int(found[1])})
    if interval < SHORTEST:
        raise PlanError(f"`every {text}` is too often; the shortest interval is {SHORTEST.seconds}s")
    return interval


def _read_cron(parts: list[str]) -> Cron:
    if len(parts) not in {CRON_FIELDS, CRON_FIELDS + 1}:
        raise PlanError(f"`cron {' '.join(parts)}` needs five fields and at most a time zone. {REMEDY}")
    cron = Cron(" ".join(parts[:CRON_FIELDS]), parts[CRON_FIELDS] if len(parts) > CRON_FIELDS else "UTC")
    try:
        zone = ZoneInfo(cron.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise PlanError(f"There is no time zone {cron.zone!r}; write one such as Europe/Berlin") from error
    try:
        next(CronSim(cron.expression, datetime(2000, 1, 1, tzinfo=zone)), None)
    except CronSimError as error:
        raise PlanError(f"`cron {cron.expression}` cannot be read: {error}. {REMEDY}") from error
    return cron
