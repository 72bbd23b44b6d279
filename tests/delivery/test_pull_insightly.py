"""Insightly's own records as batches, from a sandbox."""

import pytest

from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.pull_insightly import pull_insightly
from crosswalk.insightly import Insightly


@pytest.fixture
async def crm(sandbox):
    """A client of the sandbox."""
    async with Insightly(
        sandbox.key, base_url=sandbox.base_url, allow_hosts=[sandbox.base_url.split("/")[2]], rate=None
    ) as opened:
        yield opened


async def pull(crm, resource="Contacts", **options):
    """All batches of a pull."""
    return [batch async for batch in pull_insightly(crm, resource, **options)]


def ids(batches, name="CONTACT_ID"):
    """The ids of their records."""
    return [record[name] for batch in batches for record in batch.records]


async def test_first_pull_brings_everything_the_next_what_changed(crm):
    """A cursor of one pull makes the next bring what was changed or made since, once."""
    everything = [record.contact_id async for record in crm.contacts.iterate()]
    first = await pull(crm, batch=7)
    assert everything == ids(first)
    assert {7} == {len(batch.records) for batch in first[:-1]}
    assert [None] * (len(first) - 1) == [batch.cursor for batch in first[:-1]]
    await crm.contacts.update(everything[3], {"FIRST_NAME": "Changed"})
    made = await crm.contacts.create({"FIRST_NAME": "New"})
    second = await pull(crm, after=first[-1].cursor)
    assert [everything[3], made.contact_id] == ids(second)
    assert [] == ids(await pull(crm, after=second[-1].cursor))


async def test_full_pull_has_no_cursor(crm):
    """What is read in full each time says so by having no cursor; so does a resource that cannot be searched."""
    assert {None} == {batch.cursor for batch in await pull(crm, full=True)}
    users = await pull(crm, "Countries")
    assert {None} == {batch.cursor for batch in users}
    assert users[0].records


async def test_records_are_as_insightly_sends_them(crm):
    """Custom fields, links and unknown fields are all there, in Insightly's spelling."""
    record = (await pull(crm))[0].records[0]
    assert record == (await crm.contacts.get(record["CONTACT_ID"])).raw


async def test_nonsense_is_no_cursor(crm):
    """A cursor of another source is refused."""
    with pytest.raises(SourceError, match="no cursor"):
        await pull(crm, after="7")
