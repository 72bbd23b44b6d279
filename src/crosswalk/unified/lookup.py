"""Who is this? One question by e-mail address, domain or phone number; several reads at once, none of them for long."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from msgspec import Struct

from crosswalk.insightly.call import Call
from crosswalk.insightly.errors import InsightlyError, KeyRefused, NotFound
from crosswalk.unified.filters import parse_filters
from crosswalk.unified.known import JSON, Search, Wire
from crosswalk.unified.mapping import Noun
from crosswalk.unified.nouns import CRM
from crosswalk.unified.service import Asker, Service, Wish, find, read_wire
from crosswalk.unified.wire_list import read_list

By = Literal["email", "domain", "phone"]
T = TypeVar("T")
MOST = 10
"""Records of each kind that an answer holds."""
SCANNED = 2000
"""Accounts that are looked through for a domain, since Insightly searches no domains."""
PHONES = {"Contact": ("PHONE", "PHONE_MOBILE", "PHONE_HOME", "PHONE_OTHER"), "Lead": ("PHONE", "MOBILE")}
EMAILS = {"Contact": ("EMAIL_ADDRESS",), "Lead": ("EMAIL",)}


class Found(Struct, frozen=True, kw_only=True):
    """Who it is and what belongs to them; `missing` are parts that could not be read in time."""

    contact: dict[str, Any] | None
    lead: dict[str, Any] | None
    account: dict[str, Any] | None
    opportunities: Sequence[dict[str, Any]]
    projects: Sequence[dict[str, Any]]
    notes: Sequence[dict[str, Any]]
    partial: bool
    missing: Sequence[str]


@dataclass(eq=False, slots=True)
class Hunt:
    """One look-up under way: until when, and what could not be read."""

    service: Service
    asker: Asker
    until: float
    missing: list[str] = field(default_factory=list)

    async def part(self, name: str, reading: Awaitable[T], otherwise: T) -> T:
        """One part in the time that is left. Raises `KeyRefused`: then no part can be read."""
        try:
            async with asyncio.timeout_at(self.until):
                return await reading
        except KeyRefused:
            raise
        except (TimeoutError, InsightlyError):
            self.missing.append(name)
            return otherwise

    async def show(self, noun: Noun, wires: Sequence[Wire]) -> list[dict[str, JSON]]:
        """Records in the unified shape."""
        return [(await self.service.show(self.asker, noun, wire)).record for wire in wires[:MOST]]


async def look_up(
    service: Service, asker: Asker, by: By, value: str, *, deadline: float, nouns: Mapping[str, Noun] = CRM
) -> Found:
    """Find a contact or a lead, its account, and their open opportunities, projects and recent notes.

    They are found as Insightly has them, and shown as `nouns` say. Raises `KeyRefused`; what else fails, or takes
    longer than `deadline` seconds in all, is told as missing.
    """
    hunt = Hunt(service, asker, asyncio.get_running_loop().time() + deadline)
    contact, lead, account = await _who(hunt, by, value)
    wires = await asyncio.gather(
        hunt.part("opportunities", _opportunities(hunt, contact, account), []),
        hunt.part("projects", _projects(hunt, contact, account), []),
        hunt.part("notes", _notes(hunt, contact, lead), []),
    )
    names = ("contacts", "leads", "accounts")
    heads = [
        await hunt.part(name, hunt.show(nouns[name], [wire] if wire else []), [])
        for name, wire in zip(names, (contact, lead, account), strict=True)
    ]
    tails = [
        await hunt.part(name, hunt.show(nouns[name], found), [])
        for name, found in zip(("opportunities", "projects", "notes"), wires, strict=True)
    ]
    first = [next(iter(each), None) for each in heads]
    return Found(
        contact=first[0],
        lead=first[1],
        account=first[2],
        opportunities=tails[0],
        projects=tails[1],
        notes=tails[2],
        partial=bool(hunt.missing),
        missing=sorted(set(hunt.missing)),
    )


async def _who(hunt: Hunt, by: By, value: str) -> tuple[Wire | None, Wire | None, Wire | None]:
    domain = value if by == "domain" else value.rpartition("@")[2] if by == "email" else ""
    if by == "domain":
        return None, None, await hunt.part("account", _by_domain(hunt, domain), None)
    fields = EMAILS if by == "email" else PHONES
    contact, lead = await asyncio.gather(
        hunt.part("contact", _first(hunt, "Contact", fields["Contact"], value), None),
        hunt.part("lead", _first(hunt, "Lead", fields["Lead"], value), None),
    )
    number = (contact or {}).get("ORGANISATION_ID")
    if isinstance(number, int) and number:
        account = await hunt.part("account", _read(hunt, CRM["accounts"], number), None)
    else:
        account = await hunt.part("account", _by_domain(hunt, domain), None) if domain else None
    return contact, lead, account


async def _first(hunt: Hunt, kind: str, fields: Sequence[str], value: str) -> Wire | None:
    found = await asyncio.gather(*(find(hunt.asker, Search(kind, name, value)) for name in fields))
    return next((wire for hits in found for wire in hits), None)


async def _read(hunt: Hunt, noun: Noun, number: int) -> Wire | None:
    try:
        return await read_wire(hunt.asker, noun, str(number))
    except NotFound:
        return None


async def _by_domain(hunt: Hunt, domain: str) -> Wire | None:
    noun = CRM["accounts"]
    wish = Wish(limit=1, filters=parse_filters(noun, [("email_domains", domain)]), max_scan=SCANNED)
    listing = await hunt.service.list(hunt.asker, noun, wish, now=datetime.now(UTC))
    if listing.partial:
        hunt.missing.append("account")
    return next((shown.remote for shown in listing.records), None)


async def _opportunities(hunt: Hunt, contact: Wire | None, account: Wire | None) -> list[Wire]:
    noun = CRM["opportunities"]
    found: dict[JSON, Wire] = {}
    if account is not None:
        search = Search(noun.object, "ORGANISATION_ID", str(account["ORGANISATION_ID"]))
        found |= {wire.get(noun.id_field): wire for wire in await find(hunt.asker, search)}
    found |= await _linked(hunt, noun, contact)
    return [wire for wire in found.values() if str(wire.get("OPPORTUNITY_STATE") or "").upper() == "OPEN"]


async def _projects(hunt: Hunt, contact: Wire | None, account: Wire | None) -> list[Wire]:
    both = await asyncio.gather(*(_linked(hunt, CRM["projects"], each) for each in (contact, account)))
    return list({key: wire for each in both for key, wire in each.items()}.values())


async def _linked(hunt: Hunt, noun: Noun, record: Wire | None) -> Mapping[JSON, Wire]:
    """The records of one kind that a record is linked with, on either side."""
    ids = list(dict.fromkeys(_ends(record, noun.object)))[:MOST]
    wires = await asyncio.gather(*(_read(hunt, noun, number) for number in ids))
    return {wire.get(noun.id_field): wire for wire in wires if wire is not None}


def _ends(record: Wire | None, kind: str) -> Sequence[int]:
    links = (record or {}).get("LINKS")
    return [
        number
        for link in (links if isinstance(links, list) else [])
        for name, key in (("LINK_OBJECT_NAME", "LINK_OBJECT_ID"), ("OBJECT_NAME", "OBJECT_ID"))
        if isinstance(link, dict) and link.get(name) == kind and isinstance(number := link.get(key), int)
    ]


async def _notes(hunt: Hunt, contact: Wire | None, lead: Wire | None) -> list[Wire]:
    """The newest notes of the contact, or else of the lead."""
    path = f"/Contacts/{contact['CONTACT_ID']}" if contact else f"/Leads/{lead['LEAD_ID']}" if lead else None
    if path is None:
        return []
    call = Call(method="GET", path=f"{path}/Notes", params={"top": "500"}, reads=True)
    wires = read_list(call, await hunt.asker.crm.call(call))
    return sorted(wires, key=lambda wire: str(wire.get("DATE_CREATED_UTC")), reverse=True)[:MOST]
