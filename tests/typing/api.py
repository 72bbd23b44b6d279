"""The client's types as programs see them: never run, only checked by mypy."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import assert_type

from msgspec import UnsetType

from crosswalk.insightly import (
    Changes,
    Contact,
    CustomObjectRecord,
    FieldTypes,
    FileAttachment,
    Insightly,
    Link,
    Mark,
    Note,
    Opportunity,
    Record,
    Resource,
    Slot,
    Turns,
    User,
)
from crosswalk.insightly.call import Answer, Call
from crosswalk.insightly.pacer import Pacer
from crosswalk.insightly.wire import JSON


async def read(crm: Insightly) -> None:
    """Nouns give their own records."""
    assert_type(crm.contacts, Resource[Contact])
    assert_type(await crm.contacts.get(7), Contact)
    assert_type(await crm.contacts.list(top=5, updated_after=datetime.now(UTC)), tuple[Contact, ...])
    assert_type(await crm.opportunities.search("OPPORTUNITY_STATE", "WON"), tuple[Opportunity, ...])
    assert_type(await crm.users.me(), User)
    assert_type(await crm.contacts.count(), int)
    async for contact in crm.contacts.iterate(brief=True):
        assert_type(contact, Contact)
        assert_type(contact.first_name, str | UnsetType | None)
        assert_type(contact.date_updated_utc, datetime | UnsetType | None)
        assert_type(contact.raw, dict[str, JSON])
        assert_type(contact.wire, bytes)
    async for page in crm.contacts.pages():
        assert_type(page, Sequence[Contact])


async def write(crm: Insightly) -> None:
    """Writes take a record or a mapping."""
    assert_type(await crm.contacts.create({"first_name": "Ada"}), Contact)
    assert_type(await crm.contacts.update(7, Contact(phone=None, custom_fields={"Tier__c": "Gold"})), Contact)
    await crm.contacts.delete("7")
    await crm.contacts.create(Note(title="x"))  # type: ignore[arg-type]  # a note is no contact


async def below(crm: Insightly) -> None:
    """What hangs below a record is typed as well."""
    one = crm.contacts.at(7)
    assert_type(await one.notes.create(Note(title="Call")), Note)
    assert_type(await one.links.list(), tuple[Link, ...])
    assert_type(await one.attach("a.txt", b""), FileAttachment)
    assert_type(await one.image(), bytes)
    assert_type(await one.following(), bool)


async def anything(crm: Insightly) -> None:
    """Any resource, any custom object, any call."""
    assert_type(crm.resource("Ticket"), Resource[Record])
    assert_type(crm.custom_object("Fruit__c"), Resource[CustomObjectRecord])
    assert_type(await crm.custom_fields("Contacts"), FieldTypes)
    assert_type(await crm.request("GET", "/Contacts", params={"top": "1"}), Answer)


async def changes(crm: Insightly, since: Mark) -> Mark:
    """Changes are read from a mark to a mark."""
    reading = crm.leads.changes(since)
    async for lead in reading:
        assert_type(lead.last_name, str | UnsetType | None)
    return reading.mark


class Own:
    """A pacer of another room."""

    async def slot(self, call: Call) -> Slot:
        """Wait for leave."""
        return await Turns().slot(call)


def paced(pacer: Pacer) -> Insightly:
    """A client with a pacer of one's own."""
    return Insightly("key", pod="na1", pacer=pacer)


paced(Own())
READING: type[Changes[Contact]]
