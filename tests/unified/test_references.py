"""References: fetched once, shared, kept for a while."""

import asyncio

from crosswalk.insightly import Insightly
from crosswalk.unified.references import MAX_AGE, References


class Clock:
    """Time as a test wants it."""

    seconds = 0.0

    def __call__(self) -> float:
        """Seconds since some start."""
        return self.seconds


async def test_fetched_once_and_kept(insightly):
    """Two who want one reference share a fetch; later ones read what is kept, until it is too old."""
    clock = Clock()
    references = References(clock=clock)
    async with Insightly(insightly.key, base_url=insightly.base_url, allow_hosts=[insightly.host]) as crm:
        both = await asyncio.gather(
            *(references.learn(crm, "a", ["users", "pipelines"], resource="Contacts") for _ in range(2))
        )
        assert (2, 0.0) == (crm.calls, both[0].age)
        assert both[0].known.references["users"][0]["USER_ID"]
        clock.seconds = MAX_AGE
        kept = await references.learn(crm, "a", ["users"], resource="Contacts")
        assert (2, MAX_AGE) == (crm.calls, kept.age)
        clock.seconds += 1
        await references.learn(crm, "a", ["users"], resource="Contacts")
        assert 3 == crm.calls


async def test_custom_fields_belong_to_a_resource(insightly):
    """The custom fields of contacts are not those of leads, and singles are lists of one."""
    references = References()
    async with Insightly(insightly.key, base_url=insightly.base_url, allow_hosts=[insightly.host]) as crm:
        contacts = await references.learn(crm, "a", ["custom_fields", "instance"], resource="Contacts")
        leads = await references.learn(crm, "a", ["custom_fields"], resource="Leads")
    assert {"CONTACT"} == {str(each.field_for).upper() for each in contacts.known.custom.fields.values()}
    assert contacts.known.custom != leads.known.custom
    assert contacts.known.references["instance"][0]["INSTANCE_NAME"]


async def test_forgotten(insightly):
    """What is forgotten is fetched again."""
    references = References()
    async with Insightly(insightly.key, base_url=insightly.base_url, allow_hosts=[insightly.host]) as crm:
        await references.learn(crm, "a", ["users"], resource="Contacts")
        references.forget("a")
        await references.learn(crm, "a", ["users"], resource="Contacts")
        assert 2 == crm.calls
