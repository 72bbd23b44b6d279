"""What was sent, as readers find it: filtered, counted, within their reach."""

import pytest

from crosswalk.delivery.errors import UnknownDelivery, UnknownRun
from crosswalk.delivery.history import (
    DeadGroup,
    DeliveryFilter,
    Place,
    RunFilter,
    find_delivery,
    find_run,
    group_dead,
    list_deliveries,
    list_runs,
)
from crosswalk.delivery.reasons import group_of
from crosswalk.store.database import Database
from fixtures.history import DEAD, write_history

ONLY_OTHER = frozenset({"2"})


@pytest.fixture(autouse=True)
async def history(database: Database) -> None:
    """Two runs, of two accounts."""
    await write_history(database)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (RunFilter(), ["b", "a"]),
        (RunFilter(state="running"), ["a"]),
        (RunFilter(account="2"), ["b"]),
        (RunFilter(reach=ONLY_OTHER), ["b"]),
        (RunFilter(reach=frozenset()), []),
        (RunFilter(account="1", reach=ONLY_OTHER), []),
        (RunFilter(before="b"), ["a"]),
    ],
)
async def test_runs(database: Database, wanted: RunFilter, expected: list[str]):
    """Runs come newest first, narrowed by what is asked and by what may be seen."""
    assert expected == [run.id for run in await list_runs(database, wanted, most=10)]


async def test_most(database: Database):
    """No more runs come than are asked for."""
    assert ["b"] == [run.id for run in await list_runs(database, RunFilter(), most=1)]


async def test_counts(database: Database):
    """A run has a count for every state, and read is their sum."""
    run = await find_run(database, "a")
    expected = {"dead": 3, "delivered": 2, "held": 1}
    assert (6, 8, expected) == (run.read, len(run.counts), {name: n for name, n in run.counts.items() if n})


@pytest.mark.parametrize(("run", "reach"), [("c", None), ("a", ONLY_OTHER), ("a", frozenset())])
async def test_unknown_run(database: Database, run: str, reach: frozenset[str] | None):
    """A run of another account is as unknown as one that never was."""
    with pytest.raises(UnknownRun, match="There is no run"):
        await find_run(database, run, reach=reach)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (DeliveryFilter(), [("b", 1), *(("a", number) for number in (6, 5, 4, 3, 2, 1))]),
        (DeliveryFilter(run="a", state="dead"), [("a", 3), ("a", 2), ("a", 1)]),
        (DeliveryFilter(status=502), [("a", 6)]),
        (DeliveryFilter(remote_id="71"), [("b", 1)]),
        (DeliveryFilter(reason="first_name"), [("a", 2), ("a", 1)]),
        (DeliveryFilter(reason="50%"), [("a", 3)]),
        (DeliveryFilter(reason="5_%"), []),
        (DeliveryFilter(account="1", state="held"), [("a", 6)]),
        (DeliveryFilter(reach=ONLY_OTHER), [("b", 1)]),
        (DeliveryFilter(before=Place("a", 3)), [("a", 2), ("a", 1)]),
    ],
)
async def test_deliveries(database: Database, wanted: DeliveryFilter, expected: list[tuple[str, int]]):
    """Deliveries come newest first, narrowed by every filter that is given; reasons are plain text, in any case."""
    assert expected == [(each.run_id, each.number) for each in await list_deliveries(database, wanted, most=10)]


async def test_pages(database: Database):
    """Page after page, every delivery comes once."""
    seen: list[Place] = []
    while found := await list_deliveries(database, DeliveryFilter(before=seen[-1] if seen else None), most=2):
        seen += [Place(each.run_id, each.number) for each in found]
    assert (7, 7) == (len(seen), len(set(seen)))


async def test_body(database: Database):
    """One delivery comes with the body that goes out."""
    assert {"A": 1} == (await find_delivery(database, Place("a", 4))).call["body"]


@pytest.mark.parametrize(("place", "reach"), [(Place("a", 9), None), (Place("a", 1), ONLY_OTHER)])
async def test_unknown_delivery(database: Database, place: Place, reach: frozenset[str] | None):
    """A delivery of another account is as unknown as one that never was."""
    with pytest.raises(UnknownDelivery):
        await find_delivery(database, place, reach=reach)


async def test_groups(database: Database):
    """Dead letters that say the same but for values are one group, the largest first; held ones are none."""
    assert [
        DeadGroup(group_of(DEAD[0]), "FIRST_NAME holds …, not …", 2, min(DEAD[:2])),
        DeadGroup(group_of(DEAD[2]), "PHONE is …% wrong", 1, DEAD[2]),
    ] == await group_dead(database, DeliveryFilter())


async def test_groups_within_reach(database: Database):
    """Dead letters of other accounts are not counted."""
    assert [] == await group_dead(database, DeliveryFilter(reach=ONLY_OTHER))
