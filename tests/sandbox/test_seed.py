"""Seeds: the same from the same number, and sensible."""

import json
import uuid

import pytest

from crosswalk.sandbox.seed import make_instance
from crosswalk.sandbox.values import format_moment
from fixtures.caller import NOW, Caller, make_caller


def test_deterministic():
    """The same number gives the same instance to the byte; another gives another."""
    assert make_instance("a", seed=3, now=NOW).snapshot() == make_instance("a", seed=3, now=NOW).snapshot()
    assert make_instance("a", seed=3, now=NOW).snapshot() != make_instance("a", seed=4, now=NOW).snapshot()


def test_snapshot_restored():
    """A restored instance is what was snapshot, whatever happened in between, and goes on from there."""
    caller = make_caller()
    before = caller.instance.snapshot()
    caller.read("POST /Contacts", {"FIRST_NAME": "A"})
    caller.read("DELETE /Organisations/{id}", id=caller.first("organisations"))
    caller.instance.restore(before)
    assert before == caller.instance.snapshot()
    fresh = Caller(make_instance("other", now=NOW))
    fresh.instance.restore(before)
    assert caller("POST /Contacts", {"FIRST_NAME": "B"}) == fresh("POST /Contacts", {"FIRST_NAME": "B"})


def test_users():
    """The first user administers and has the key that was given, or one of the seed's; somebody does not."""
    given = make_instance("a", now=NOW, api_key="my-key").users
    made = make_instance("a", now=NOW).users
    assert ("my-key", True) == (given[0].key, given[0].administrator)
    assert str(uuid.UUID(made[0].key)) == made[0].key
    assert not all(user.administrator for user in made)
    assert len(made) == len({user.key for user in made})


def test_sizes():
    """Sizes are as asked, nothing included."""
    counts = make_instance("a", now=NOW, sizes={"contacts": 7, "organisations": 0, "leads": 0}).counts()
    assert [7, 0, 0] == [counts[key] for key in ("contacts", "organisations", "leads")]
    assert 0 == make_instance("a", now=NOW, sizes=dict.fromkeys(counts, 0)).counts()["contacts"]


def test_settled(caller: Caller):
    """There are settings of every kind, and a key field on the four main kinds of record."""
    for key in ("pipelines", "pipeline_stages", "lead_sources", "lead_statuses", "countries", "currencies", "teams"):
        assert caller.instance.tables[key].order
    for key in ("contacts", "leads", "organisations", "opportunities"):
        assert "crosswalk_key__c" in caller.instance.fields_of(key).known


@pytest.mark.parametrize("key", ["contacts", "organisations", "leads", "opportunities", "projects", "tasks", "notes"])
def test_past_and_ascending(key: str):
    """Seeded records lie in the past, older ones under smaller ids, none updated before it was made."""
    table = make_instance("a", now=NOW).tables[key]
    made = [str(table.get(row, "DATE_CREATED_UTC")) for row in table.all()]
    updated = [str(table.get(row, "DATE_UPDATED_UTC")) for row in table.all()]
    assert made == sorted(made)
    assert all(a <= b < format_moment(NOW) for a, b in zip(made, updated, strict=True))


def test_references_hold(caller: Caller):
    """Every id that a seeded record names exists."""
    for key, rules in caller.instance.rules.items():
        table = caller.instance.tables.get(key)
        for name, target in rules.refers.items() if table is not None else ():
            for row in table.all() if table is not None else ():
                value = None if table is None else table.get(row, name)
                assert value is None or int(str(value)) in caller.instance.tables[target].rows


def test_lists_encode(caller: Caller):
    """Every record of a seed can be shown, and its keys stand in the contract's order."""
    for table in caller.instance.tables.values():
        for row in table.all():
            assert list(table.schema.names) == list(json.loads(caller.instance.render(table, row)))
