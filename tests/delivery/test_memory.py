"""Memory: what was delivered is recalled by its value, on both databases, until it is forgotten."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from crosswalk.delivery.journal import open_journal
from crosswalk.delivery.memory import Kept, Known, Memory, count_memory, digest_of, forget
from crosswalk.delivery.payload import Payload, fold
from crosswalk.store.accounts import ADD_ACCOUNT

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
WISH = Payload("POST", "/Contacts", {"PHONE": "1", "TITLE": "Dr"}, "ann@x.org", (), ("EMAIL_ADDRESS", "Ann@x.org"))


@pytest.fixture
async def memory(database):
    """The memory of one account's contacts by e-mail address."""
    row = {"id": "a", "name": "acme", "base_url": "https://x", "status": "active", "created_at": NOW}
    async with database.begin() as connection:
        await connection.execute(ADD_ACCOUNT, row)
    return Memory(database=database, account="a", name="Contacts", by="EMAIL_ADDRESS", destination="d")


async def remember(database, memory, rng, *records):
    """Remember records, given as (value, id), as the journal does."""
    async with open_journal(database, "r", rng) as journal:
        for value, remote in records:
            await journal.settle((), "delivered", at=NOW, remember=memory.note(value, remote, WISH, at=NOW))


async def test_recall(database, memory, rng):
    """What was remembered is recalled, and what was not is not there; the latest word counts."""
    await remember(database, memory, rng, ("ann@x.org", "7"), ("bo@x.org", "8"))
    await remember(database, memory, rng, ("bo@x.org", "9"))
    known = await memory.recall(["ann@x.org", "bo@x.org", "cy@x.org"])
    assert {"ann@x.org": Known("7", digest_of(WISH)), "bo@x.org": Known("9", digest_of(WISH))} == known


async def test_forget(database, memory, rng):
    """An object's memory is counted and forgotten; another's stays."""
    others = Memory(database=database, account="a", name="Leads", by="EMAIL")
    await remember(database, memory, rng, ("ann@x.org", "7"), ("bo@x.org", "8"))
    await remember(database, others, rng, ("ann@x.org", "1"))
    async with database.begin() as connection:
        assert 2 == await forget(connection, "a", "Contacts")
        assert [Kept("Leads", "EMAIL", 1)] == await count_memory(connection, "a")
    assert {} == await memory.recall(["ann@x.org"])


async def test_claims(database, memory):
    """One run at a time looks for a record; it lets go when it is done."""
    other = Memory(database=database, account="a", name="Contacts", by="EMAIL_ADDRESS", claims=memory.claims)
    assert memory.claim("ann@x.org")
    assert (True, False) == (memory.claim("ann@x.org"), other.claim("ann@x.org"))
    memory.leave()
    assert other.claim("ann@x.org")


async def test_alone(database, memory):
    """A run is alone from an epoch on when no other has begun since, and those before have left."""
    other = Memory(database=database, account="a", name="Contacts", by="EMAIL_ADDRESS", claims=memory.claims)
    memory.enter()
    began = memory.epoch
    assert memory.is_alone(began)
    other.enter()
    assert not memory.is_alone(memory.epoch)
    other.leave()
    assert (False, True) == (memory.is_alone(began), memory.is_alone(memory.epoch))


def test_digest():
    """A digest tells apart what is sent, and nothing else: the order of fields says nothing."""
    turned = replace(WISH, body=dict(reversed(WISH.body.items())))
    assert digest_of(WISH) == digest_of(turned)
    assert digest_of(WISH) != digest_of(replace(WISH, body={"PHONE": "1"}))
    assert digest_of(WISH) != digest_of(replace(WISH, if_empty=("PHONE",)))


@pytest.mark.parametrize(("value", "folded"), [(" Ann@X.org ", "ann@x.org"), (7.0, "7"), (None, ""), ("Ä", "ä")])
def test_fold(value, folded):
    """A value is remembered as searches compare it."""
    assert folded == fold(value)
