"""Times survive the store whole, and ids sort by time."""

from datetime import UTC, datetime, timedelta, timezone
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from crosswalk.store.columns import UTCDateTime
from crosswalk.store.ids import new_id

DIALECT = sqlite.dialect()
times = st.datetimes(timezones=st.timezones())


@given(times)
def test_time_survives(time: datetime):
    """Any aware time comes back as the same instant, to the microsecond, in UTC."""
    kept = UTCDateTime().process_bind_param(time, DIALECT)
    back = UTCDateTime().process_result_value(kept, DIALECT)
    assert (time.astimezone(UTC), UTC) == (back, back.tzinfo)


def test_naive_time():
    """A time without a zone is refused before it is stored."""
    with pytest.raises(ValueError, match="has no time zone"):
        UTCDateTime().process_bind_param(datetime(2026, 1, 1), DIALECT)  # noqa: DTZ001 (the case)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1)), st.integers())  # noqa: DTZ001 (zone given below)
def test_ids_sort_by_time(time: datetime, seed: int):
    """Of two ids, the one made a microsecond later sorts later, whatever the chance in them."""
    time = time.replace(tzinfo=UTC)
    assert new_id(time, Random(seed)) < new_id(time + timedelta(microseconds=1), Random(~seed))


def test_id_is_a_uuid():
    """An id is a UUID of version 7 that begins with its milliseconds."""
    made = UUID(new_id(datetime(2026, 11, 22, 10, tzinfo=timezone(timedelta(hours=1))), Random(1)))
    assert (7, 1795338000000) == (made.version, made.int >> 80)
