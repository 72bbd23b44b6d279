"""Activity to note: a transcript, ticket or alert becomes a note on whoever it is about, once by the caller's id."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, ValidationError, convert

from crosswalk.automations.errors import UnusableInput, UnusableSettings
from crosswalk.automations.recipe import Occasion, Planned, Work
from crosswalk.automations.split import split
from crosswalk.insightly.errors import NotFound
from crosswalk.unified.filters import parse_filters
from crosswalk.unified.formats import from_html, from_markdown, from_text, to_text
from crosswalk.unified.known import JSON, Search, Wire
from crosswalk.unified.nouns import CRM
from crosswalk.unified.service import Wish, find, read_wire

Kind = Literal["contact", "lead", "account", "opportunity"]
Format = Literal["text", "markdown", "html"]
NOUNS: Mapping[Kind, str] = {
    "contact": "contacts",
    "lead": "leads",
    "account": "accounts",
    "opportunity": "opportunities",
}
EMAILS: Mapping[Kind, str] = {"contact": "EMAIL_ADDRESS", "lead": "EMAIL"}
SPELLINGS: Mapping[Format, Callable[[str], str]] = {"text": from_text, "markdown": from_markdown, "html": from_html}
SCANNED = 2000
"""Accounts that are looked through for a domain, since Insightly searches no domains."""
ROOM = 200
"""Characters that the mark of a note takes at most."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an address is looked for, in this order; what several of one address mean; how long a note may be."""

    look_in: Annotated[tuple[Literal["contact", "lead", "account"], ...], Meta(min_length=1)] = (
        "contact",
        "lead",
        "account",
    )
    several: Literal["refuse", "oldest"] = "refuse"
    link_account: bool = True
    most_characters: Annotated[int, Meta(ge=1000, le=100_000)] = 20_000


class About(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom it is about: one of an e-mail address, a domain, or the id of a record."""

    email: str | None = None
    domain: str | None = None
    contact: str | None = None
    lead: str | None = None
    account: str | None = None
    opportunity: str | None = None


class Given(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a call gives. `id` is the caller's own: the same makes one note, ever."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    about: About
    content: Annotated[str, Meta(min_length=1, max_length=2_000_000)]
    content_format: Format = "text"
    title: Annotated[str, Meta(max_length=255)] | None = None


class ActivityNote:
    """The recipe."""

    settings: type[Struct] = Settings
    watches = False

    def check(self, before: Settings | None, settings: Settings) -> None:
        """Raise `UnusableSettings` for a kind that is looked in twice."""
        if len(set(settings.look_in)) != len(settings.look_in):
            raise UnusableSettings("look_in names a kind twice")

    async def look(self, work: Work) -> tuple[Sequence[Occasion], datetime | None]:
        """Nothing: it fires when it is called."""
        return (), None

    async def admit(self, work: Work, given: Mapping[str, JSON], key: str | None) -> Occasion:
        """One activity, by the caller's own id for it. Raises `UnusableInput`."""
        read = _read(given)
        named = [name for name in About.__struct_fields__ if getattr(read.about, name) is not None]
        if len(named) != 1:
            raise UnusableInput(f"about: give one of {', '.join(About.__struct_fields__)}")
        return Occasion(key=key or read.id, subject=key or read.id, input=dict(given))

    async def plan(self, work: Work, given: Mapping[str, JSON]) -> Planned:
        """The notes, one for each part of the text, on the record that it is about."""
        read, settings = _read(given), _settings(work)
        kind, wire = await _find(work, settings, read.about)
        noun = CRM[NOUNS[kind]]
        record_id = str(wire.get(noun.id_field))
        title = read.title or _beginning(read.content, read.content_format)
        parts = _parts(read, settings.most_characters - ROOM)
        for number, part in enumerate(parts, start=1):
            count = f" ({number}/{len(parts)})" if len(parts) > 1 else ""
            body: dict[str, JSON] = {"title": title[: 255 - len(count)] + count, "content": part}
            about: JSON = {"id": record_id}
            body[kind] = about if kind == "account" else [about]
            organisation = wire.get("ORGANISATION_ID")
            if settings.link_account and kind in {"contact", "opportunity"} and organisation:
                body["account"] = {"id": str(organisation)}
            body["content_format"] = "html"
            await work.create(CRM["notes"], body, "note" if len(parts) == 1 else f"note {number}")
        return Planned(steps=tuple(work.steps), result={kind: record_id})


def _settings(work: Work) -> Settings:
    return convert(work.automation.settings, Settings)


def _read(given: Mapping[str, JSON]) -> Given:
    try:
        return convert(dict(given), Given)
    except ValidationError as error:
        raise UnusableInput(f"The input cannot be read: {error}. It is {{id, about, content, …}}") from error


def _parts(given: Given, most: int) -> list[str]:
    """The text as HTML that does no harm, in parts that fit; HTML that is too long goes on as plain text."""
    spell = SPELLINGS[given.content_format]
    if len(spell(given.content)) <= most:
        return [spell(given.content)]
    plain = given.content_format == "html"
    text, spell = (to_text(given.content), from_text) if plain else (given.content, spell)
    return [spell(part) for part in split(text, spell, most)]


def _beginning(content: str, how: Format) -> str:
    """A title out of the text: its first line that says something."""
    text = to_text(SPELLINGS[how](content))
    return next((line.strip() for line in text.splitlines() if line.strip()), "Note")[:60]


async def _find(work: Work, settings: Settings, about: About) -> tuple[Kind, Wire]:
    """The record that it is about. Raises `UnusableInput` where there is none, or one cannot tell which."""
    for kind in NOUNS:
        record_id = getattr(about, kind)
        if record_id is not None:
            return kind, await _read_record(work, kind, record_id)
    if about.domain is not None:
        return "account", await _by_domain(work, about.domain)
    email = (about.email or "").strip()
    for kind in settings.look_in:
        if kind == "account":
            if (found := await _account_of(work, email.rpartition("@")[2])) is not None:
                return kind, found
            continue
        hits = [wire for wire in await find(work.asker, Search(_object(kind), EMAILS[kind], email)) if _open(wire)]
        if len(hits) > 1 and settings.several == "refuse":
            noun = CRM[NOUNS[kind]]
            ids = ", ".join(str(wire.get(noun.id_field)) for wire in hits)
            raise UnusableInput(
                f"about: {len(hits)} of {noun.name} have this e-mail address: {ids}. Give the id of one"
            )
        if hits:
            return kind, hits[0]
    raise UnusableInput(f"about: nobody here has this e-mail address; looked among {', '.join(settings.look_in)}")


def _object(kind: Kind) -> str:
    return CRM[NOUNS[kind]].object


def _open(wire: Wire) -> bool:
    """A lead that became a contact is that contact."""
    return not wire.get("CONVERTED")


async def _read_record(work: Work, kind: Kind, record_id: str) -> Wire:
    if not record_id.isdigit():
        raise UnusableInput(f"about: {kind} {record_id!r} is no id")
    try:
        return await read_wire(work.asker, CRM[NOUNS[kind]], record_id)
    except NotFound as error:
        raise UnusableInput(f"about: there is no {kind} {record_id}") from error


async def _by_domain(work: Work, domain: str) -> Wire:
    found = await _account_of(work, domain)
    if found is None:
        raise UnusableInput(f"about: no account has the e-mail domain {domain!r}")
    return found


async def _account_of(work: Work, domain: str) -> Wire | None:
    noun = CRM["accounts"]
    filters = parse_filters(noun, [("email_domains", domain)])
    wish = Wish(limit=1, filters=filters, max_scan=SCANNED)
    listing = await work.service.list(work.asker, noun, wish, now=datetime.now(UTC))
    return next((shown.remote for shown in listing.records), None)
