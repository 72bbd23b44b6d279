"""Names to ids: every table is read from Insightly whole, in pages, and not beyond its bound."""

import pytest

from crosswalk.delivery import references
from crosswalk.delivery.cell import BadValue
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.mapping import LOOKUP_TABLES, Lookup
from crosswalk.delivery.references import LISTINGS, list_tables, load_references
from crosswalk.insightly import Insightly


@pytest.fixture
async def crm(sandbox):
    """A client of the sandbox."""
    host = sandbox.url.removeprefix("http://")
    async with Insightly(sandbox.key, base_url=sandbox.base_url, allow_hosts=[host], rate=None) as crm:
        yield crm


@pytest.mark.parametrize("table", LOOKUP_TABLES)
async def test_every_table_is_read(crm, table):
    """Each table answers the id of each of its names, unless several have it, and of each of its ids."""
    found = await load_references(crm, [table])
    entries = {name: ids for name, ids in found.tables[table].items() if not name.startswith("#")}
    for name, ids in entries.items():
        numbers = {entry.id for entry in ids}
        assert all(found.find(Lookup(table=table), str(number)) == number for number in numbers)
        if len(numbers) == 1:
            assert numbers == {found.find(Lookup(table=table), f" {name.upper()} ")}
        else:
            with pytest.raises(BadValue, match="a name of"):
                found.find(Lookup(table=table), name)
    assert entries or table == "teams"


async def test_a_name_that_is_not_there(crm):
    """A name that no entry has is answered with those that are like it."""
    found = await load_references(crm, ["lead_sources"])
    some = next(entries[0].name for name, entries in found.tables["lead_sources"].items() if not name.startswith("#"))
    with pytest.raises(BadValue, match=f"Near: .*{some}"):
        found.find(Lookup(table="lead_sources"), f"{some}s")


async def test_a_large_table_is_refused(crm, monkeypatch):
    """A table beyond its bound ends the run before its first row, and says what to do instead."""
    monkeypatch.setattr(references, "MOST_PAGES", 0)  # the sandbox holds no hundred thousand users
    with pytest.raises(PlanError, match="Map a column that holds the id instead"):
        await load_references(crm, ["users"])


def test_tables_that_are_needed():
    """Each table is read once; stages of a named pipeline need the pipelines too."""
    lookups = [Lookup(table="stages", pipeline="Sales"), Lookup(table="users"), Lookup(table="users")]
    assert ("stages", "pipelines", "users") == list_tables(lookups)
    assert {*LOOKUP_TABLES} == {*LISTINGS}
