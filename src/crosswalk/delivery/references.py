"""Names to ids: an account's users, stages, organisations and the like, read once a run and then looked up in memory.

They are read whole, in pages of 500, before the first row: so a name that is not there, or twice, is a dead letter
before any call is spent on its row, and no row waits for a search of its own.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from msgspec import UNSET, Struct

from crosswalk.delivery.cell import JSON, BadValue, shorten
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.mapping import Lookup, Table
from crosswalk.insightly import Insightly

MOST_PAGES = 200
"""Calls that one table may cost: 100,000 records."""


class Listing(Struct, frozen=True):
    """Where a table is read, which field is its id, what its entries are called, and what they belong to."""

    resource: str
    id: str
    names: tuple[tuple[str, ...], ...]
    group: str | None = None
    noun: str = ""


LISTINGS: Mapping[Table, Listing] = {
    "users": Listing("Users", "user_id", (("email_address",), ("first_name", "last_name")), noun="user"),
    "teams": Listing("Teams", "team_id", (("team_name",),), noun="team"),
    "organisations": Listing("Organisations", "organisation_id", (("organisation_name",),), noun="organisation"),
    "contacts": Listing("Contacts", "contact_id", (("email_address",),), noun="contact"),
    "lead_sources": Listing("LeadSources", "lead_source_id", (("lead_source",),), noun="lead source"),
    "lead_statuses": Listing("LeadStatuses", "lead_status_id", (("lead_status",),), noun="lead status"),
    "task_categories": Listing("TaskCategories", "category_id", (("category_name",),), noun="task category"),
    "opportunity_categories": Listing(
        "OpportunityCategories", "category_id", (("category_name",),), noun="opportunity category"
    ),
    "project_categories": Listing("ProjectCategories", "category_id", (("category_name",),), noun="project category"),
    "pipelines": Listing("Pipelines", "pipeline_id", (("pipeline_name",),), noun="pipeline"),
    "stages": Listing("PipelineStages", "stage_id", (("stage_name",),), "pipeline_id", noun="stage"),
    "state_reasons": Listing("OpportunityStateReasons", "state_reason_id", (("state_reason",),), noun="state reason"),
    "relationships": Listing(
        "Relationships", "relationship_id", (("forward_title",), ("reverse_title",), ("forward",)), noun="relationship"
    ),
}


class Entry(Struct, frozen=True):
    """One thing that has an id and a name; `group` is the pipeline of a stage."""

    id: int
    name: str
    group: int | None = None


class References(Struct, frozen=True):
    """What was read of an account's tables, each entry under its names in small letters."""

    tables: Mapping[Table, Mapping[str, tuple[Entry, ...]]]

    def find(self, lookup: Lookup, value: JSON) -> int:
        """The id of a name, or of an id that the table has. Raises `BadValue` for none and for several."""
        table, noun = self.tables[lookup.table], LISTINGS[lookup.table].noun
        group = None if lookup.pipeline is None else self.find(Lookup(table="pipelines"), lookup.pipeline)
        text = str(value).strip()
        if text.isascii() and text.isdigit() and any(entry.id == int(text) for entry in table.get(f"#{int(text)}", ())):
            return int(text)
        named = [each for each in table.get(text.lower(), ()) if group is None or each.group == group]
        ids = sorted({entry.id for entry in named})
        if len(ids) == 1:
            return ids[0]
        if ids:
            raise BadValue(f"holds {shorten(value)}, a name of {len(ids)} {noun} ids: {_some(ids)}. Give the id")
        raise BadValue(f"holds {shorten(value)}, and no {noun} is called so.{self._near(text, lookup.table, group)}")

    def _near(self, text: str, table: Table, group: int | None) -> str:
        names = {
            name: entries[0].name
            for name, entries in self.tables[table].items()
            if not name.startswith("#") and (group is None or any(entry.group == group for entry in entries))
        }
        near = [names[name] for name in get_close_matches(text.lower(), names, n=3)]
        if near:
            return f" Near: {', '.join(near)}"
        return f" There are: {_some(sorted(set(names.values())))}" if names else " There is none at all"


def _some(things: list[Any]) -> str:
    most = 10
    more = f" and {len(things) - most:,} more" if len(things) > most else ""
    return f"{', '.join(map(str, things[:most]))}{more}"


def list_tables(lookups: Iterable[Lookup]) -> tuple[Table, ...]:
    """The tables that lookups need, each once; a stage of a named pipeline needs the pipelines too."""
    wanted: dict[Table, None] = {}
    for lookup in lookups:
        wanted[lookup.table] = None
        if lookup.pipeline is not None:
            wanted["pipelines"] = None
    return tuple(wanted)


async def load_references(crm: Insightly, tables: Iterable[Table]) -> References:
    """Read tables whole: a call for every 500 entries. Raises `PlanError` for one that is too large."""
    return References({table: await _read(crm, table) for table in tables})


async def _read(crm: Insightly, table: Table) -> Mapping[str, tuple[Entry, ...]]:
    listing = LISTINGS[table]
    resource = crm.resource(listing.resource)
    brief = "brief" in next(
        op.query for op in resource.about.operations if (op.verb, op.path) == ("GET", resource.path)
    )
    found: dict[str, tuple[Entry, ...]] = {}
    pages = 0
    async for records in resource.pages(brief=brief):
        pages += 1
        if pages > MOST_PAGES:
            raise PlanError(
                f"The account has more than {MOST_PAGES * 500:,} {table}, too many to look names up in. Map a column "
                "that holds the id instead."
            )
        for record in records:
            for name, entry in _name(listing, record):
                found[name] = (*found.get(name, ()), entry)
    return found


def _name(listing: Listing, record: object) -> Iterable[tuple[str, Entry]]:
    """An entry under each of its names, and under its id with `#` before it."""
    id_, group = getattr(record, listing.id), getattr(record, listing.group) if listing.group else None
    if not isinstance(id_, int):
        return
    entry = Entry(id_, str(id_), group if isinstance(group, int) else None)
    yield f"#{id_}", entry
    for fields in listing.names:
        values = [getattr(record, field, UNSET) for field in fields]
        name = " ".join(str(value).strip() for value in values if isinstance(value, str) and value.strip())
        if name:
            yield name.lower(), Entry(id_, name, entry.group)
