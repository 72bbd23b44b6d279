"""Schedules: how they are written, and when the next time is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.schedule import first_time, next_time, parse_schedule

NOW = datetime(2026, 11, 22, 10, 0, 30, tzinfo=UTC)
START, END = datetime(2020, 1, 1), datetime(2035, 1, 1)  # noqa: DTZ001 (hypothesis adds the zone itself)


def at(text: str) -> datetime:
    """A time as it is written, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("once 2026-12-01T09:00:00+01:00", "2026-12-01T08:00:00Z"),
        ("every 15m", "2026-11-22T10:15:30Z"),
        ("every 10s", "2026-11-22T10:00:40Z"),
        ("EVERY 2d", "2026-11-24T10:00:30Z"),
        ("cron 0 9 * * 1-5", "2026-11-23T09:00:00Z"),
        ("cron 0 9 * * 1-5 Europe/Berlin", "2026-11-23T08:00:00Z"),
        ("cron */5 * * * *", "2026-11-22T10:05:00Z"),
    ],
)
def test_first(text: str, first: str):
    """Each form is due first where it says."""
    assert at(first) == first_time(parse_schedule(text), NOW)


def test_once_that_is_over():
    """A single time that is over is never due, and one that has come is not due again."""
    once = parse_schedule("once 2026-11-22T10:00:00Z")
    assert (None, None) == (first_time(once, NOW), next_time(once, NOW, NOW))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read"),
        ("daily", "cannot be read"),
        ("once tomorrow", "names no time"),
        ("once 2026-12-01T09:00:00", "no time zone"),
        ("every 0m", "no interval"),
        ("every 15", "no interval"),
        ("every -5m", "no interval"),
        ("every 9s", "shortest"),
        ("cron * * * *", "five fields"),
        ("cron 61 * * * *", "cannot be read"),
        ("cron 0 9 30 2 *", "cannot be read"),
        ("cron 0 9 * * * Mars/Base", "no time zone"),
        ("cron 0 9 * * * ../../etc/passwd", "no time zone"),
        ("cron 0 0 9 * * * Europe/Berlin", "five fields"),
    ],
)
def test_refused(text: str, says: str):
    """What is no schedule is refused with the way to write one."""
    with pytest.raises(PlanError, match=says):
        parse_schedule(text)


@pytest.mark.parametrize(
    ("text", "now", "following"),
    [
        # Europe/Berlin skips 02:00 to 03:00 on 2027-03-28 and repeats it on 2027-10-31
        ("cron 30 2 * * * Europe/Berlin", "2027-03-27T12:00:00Z", ["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]),
        ("cron 30 2 * * * Europe/Berlin", "2027-10-30T12:00:00Z", ["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]),
        ("cron 0 * * * * Europe/Berlin", "2027-10-30T23:30:00Z",
         ["2027-10-31T00:00:00Z", "2027-10-31T01:00:00Z", "2027-10-31T02:00:00Z"]),
        ("cron 0 * * * * Europe/Berlin", "2027-03-28T00:30:00Z", ["2027-03-28T01:00:00Z", "2027-03-28T02:00:00Z"]),
    ],
)  # fmt: skip
def test_clock_changes(text: str, now: str, following: list[str]):
    """A fixed time that the clocks skip comes right after the gap, a repeated one once; `*` goes by the real hour."""
    schedule, moment, found = parse_schedule(text), at(now), []
    for _ in following:
        moment = next_time(schedule, moment, moment) or moment
        found.append(moment)
    assert [at(each) for each in following] == found


def test_missed_times_are_one():
    """After a stop of an hour, an interval goes on in its own steps, with the next time after now."""
    assert at("2026-11-22T11:15:30Z") == next_time(parse_schedule("every 15m"), NOW, NOW + timedelta(minutes=62))


@given(
    text=st.sampled_from(
        ["every 15m", "every 10s", "cron 30 2 * * * Europe/Berlin", "cron 5,35 1-3 * * * America/New_York",
         "cron */7 * * * * Australia/Lord_Howe", "cron 0 9 * * 1-5"]
    ),
    due=st.datetimes(START, END, timezones=st.just(UTC)),
    late=st.timedeltas(timedelta(0), timedelta(days=3)),
)  # fmt: skip
def test_always_forwards(text: str, due: datetime, late: timedelta):
    """Whenever it is asked, the next time is after now."""
    now = due + late
    assert (next_time(parse_schedule(text), due, now) or due) > now
