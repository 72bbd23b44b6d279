"""The purse that machines share: what leaves keeps to the second and the day, whoever asks, and whatever comes back."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from crosswalk.gate.budget import Shares
from crosswalk.gate.clock import read_clock
from crosswalk.gate.day import Day, Told
from crosswalk.gate.proof import replay
from crosswalk.gate.purse import AHEAD, Ask, Purse, Wish, grant
from crosswalk.insightly.pace import WINDOW

NOON = 1_790_000_000.0
FREE = Shares()
PERSON, LANE = Ask("person", firm=True), Ask("lane", firm=False)
STEPS = st.lists(
    st.tuples(
        st.floats(min_value=0, max_value=1.5),
        st.lists(st.sampled_from([PERSON, LANE, Ask("probe", firm=True)]), max_size=6),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=40,
)


def wish(*asks: Ask, **more: object) -> Wish:
    """Ask at Insightly's pace."""
    return Wish(calls=10, window=WINDOW, shares=FREE, **{"asks": asks, **more})


@given(steps=STEPS)
def test_no_second_holds_eleven(steps):
    """Whoever asks and whatever comes back unused: no window holds more than ten, and the day counts what left."""
    purse, now, out = Purse(), NOON, []
    for wait, asks, returned in steps:
        now += wait
        back = [at for at in out if at > now][:returned]
        granted = grant(purse, wish(*asks, back=back), now)
        for at in back:
            out.remove(at)
        out += [at for _, at in granted.places]
        purse = granted.purse
        assert all(at >= now for _, at in granted.places)
    assert replay(out, span=WINDOW - 1e-6).most <= 10
    assert len(out) == purse.day.spent


@given(calls=st.lists(st.integers(1, 5), min_size=1, max_size=40), daily=st.integers(1, 60))
def test_the_day_is_never_overdrawn(calls, daily):
    """However many ask for however much, no more is given than the account has for a day."""
    purse, given_out = Purse(), 0
    for number, count in enumerate(calls):
        asked = Wish(calls=None, window=WINDOW, shares=Shares(daily, 0), asks=[PERSON] * count)
        granted = grant(purse, asked, NOON + number)
        purse, given_out = granted.purse, given_out + len(granted.places)
        assert (len(granted.places) < count) == bool(granted.refused)
    assert min(daily, sum(calls)) == given_out


def test_what_is_not_firm_is_taken_only_for_the_next_moment():
    """A lane takes what it will use at once, and hears when to come again."""
    granted = grant(Purse(), wish(*[LANE] * 6), NOON)
    assert all(at <= NOON + AHEAD for _, at in granted.places)
    assert 2 <= len(granted.places) <= 3
    assert granted.again is not None
    assert granted.again > NOON + AHEAD


def test_a_lane_leaves_half_to_people():
    """While a person was there a moment ago, lanes go at half the pace."""
    purse = grant(Purse(), wish(PERSON), NOON).purse
    first, second = (at for _, at in grant(purse, wish(*[Ask("lane", firm=True)] * 2), NOON).places)
    assert second - first >= WINDOW / 5 - 1e-6


def test_places_of_a_clock_that_was_set_are_void():
    """When the database's clock was set back, nobody waits for the old one's places."""
    purse = replace(Purse(), places=tuple(NOON + 3600 + step for step in range(10)))
    assert ((("person", NOON),)) == grant(purse, wish(PERSON), NOON).places


def test_a_higher_rate_is_kept_too():
    """The row remembers as many places as the rate needs."""
    asked = Wish(calls=100, window=WINDOW, shares=FREE, asks=[PERSON] * 101)
    assert NOON + WINDOW <= max(at for _, at in grant(Purse(), asked, NOON).places)


def test_foreign_calls_are_told_once():
    """What another client took of the day is counted for all and told once."""
    granted = grant(Purse(), wish(told=Told(9_000, 10_000, NOON, NOON)), NOON)
    assert 1000 == granted.foreign == granted.purse.day.foreign
    assert grant(granted.purse, wish(), NOON + 1).foreign is None


def test_a_reset_that_is_known():
    """The hour that the operator names is the day's."""
    granted = grant(Purse(day=Day()), wish(PERSON, resets=5 * 3600), NOON)
    assert 5 * 3600 == granted.purse.day.began % 86_400


READINGS = st.lists(st.tuples(*[st.floats(min_value=0, max_value=0.3)] * 3), min_size=1, max_size=30)


@given(readings=READINGS, offset=st.floats(min_value=-1e6, max_value=1e6))
def test_the_databases_time_is_always_between(readings, offset):
    """However long a reading takes, either way, the true time lies between the earliest and the latest."""
    known, here = None, 100.0
    for wait, there, back in readings:
        before = here + wait
        here = before + there + back
        known, was_set = read_clock(known, before, before + there + offset, here)
        assert not was_set
        assert known.earliest(here) - 1e-6 <= here + offset <= known.latest(here) + 1e-6
        assert known.earliest(known.soonest(here + offset)) >= here + offset - 1e-6


def test_a_clock_that_was_set_is_noticed():
    """Readings that cannot be of one clock: the new one counts, and it is told."""
    known, _ = read_clock(None, 10.0, 500.0, 10.001)
    known, was_set = read_clock(known, 11.0, 800.0, 11.001)
    assert was_set
    assert 800.0 <= known.latest(11.001) <= 800.01
