"""Names where ids are needed, and names of ids: the small collections of an account. Pure."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from msgspec import Struct

from crosswalk.unified.known import JSON, Known, Reference, Wire
from crosswalk.unified.value import Unfit, read_value, write_id

NEAR = 3


class Book(Struct, frozen=True):
    """How a reference names its records: the id's field, the fields of its name, and of an e-mail address."""

    id: str
    name: tuple[str, ...]
    email: str | None = None


BOOKS: Mapping[Reference, Book] = {
    "users": Book("USER_ID", ("FIRST_NAME", "LAST_NAME"), "EMAIL_ADDRESS"),
    "teams": Book("TEAM_ID", ("TEAM_NAME",)),
    "lead_sources": Book("LEAD_SOURCE_ID", ("LEAD_SOURCE",)),
    "lead_statuses": Book("LEAD_STATUS_ID", ("LEAD_STATUS",)),
    "opportunity_categories": Book("CATEGORY_ID", ("CATEGORY_NAME",)),
    "project_categories": Book("CATEGORY_ID", ("CATEGORY_NAME",)),
    "task_categories": Book("CATEGORY_ID", ("CATEGORY_NAME",)),
    "pipelines": Book("PIPELINE_ID", ("PIPELINE_NAME",)),
    "stages": Book("STAGE_ID", ("STAGE_NAME",)),
    "state_reasons": Book("STATE_REASON_ID", ("STATE_REASON",)),
}


def name_of(known: Known, reference: Reference, record_id: JSON) -> str | None:
    """The name of one record of a reference, where it was fetched."""
    book = BOOKS[reference]
    for record in known.references.get(reference, ()):
        if record.get(book.id) == record_id:
            return label(book, record)
    return None


def label(book: Book, record: Wire) -> str:
    """A record's name: `Ada Lovelace`."""
    return " ".join(str(part) for name in book.name if (part := record.get(name)))


def wants_names(value: JSON) -> bool:
    """Whether a value names its record otherwise than by an id, so that the reference must be fetched."""
    match value:
        case {"id": given} if given is not None:
            return False
        case dict():
            return True
        case str():
            return not value.isdigit()
        case _:
            return False


def find_id(known: Known, reference: Reference, value: JSON, *, within: Mapping[str, JSON] | None = None) -> int:
    """The id that `"7"`, `7`, `{"id": "7"}`, `{"name": …}`, `{"email": …}` or a bare name stands for.

    `within` are fields that the record must have too, such as a stage's pipeline. Raises `Unfit`, with near names.
    """
    match value:
        case {"id": given} if given is not None:
            return write_id(given)
        case {"email": str(text)}:
            return _find(known, reference, text, by_email=True, within=within)
        case {"name": str(text)}:
            return _find(known, reference, text, by_email=False, within=within)
        case str() if not value.isdigit():
            return _find(known, reference, value, by_email="@" in value, within=within)
        case dict():
            raise Unfit("wrong_type", f'{value!r} names nothing; give {{"id": …}} or {{"name": …}}')
        case _:
            return write_id(value)


def _find(known: Known, reference: Reference, text: str, *, by_email: bool, within: Mapping[str, JSON] | None) -> int:
    book = BOOKS[reference]
    named = list(_names(known, reference, book, by_email=by_email, within=within or {}))
    hits = {found for name, found in named if name.casefold() == text.strip().casefold()}
    what = reference.replace("_", " ")
    if len(hits) == 1:
        return hits.pop()
    if hits:
        ids = ", ".join(map(str, sorted(hits)))
        raise Unfit("ambiguous_value", f"{text!r} is the name of several {what}: {ids}. Give the id")
    near = get_close_matches(text, [name for name, _ in named], n=NEAR, cutoff=0.4)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    raise Unfit("unknown_value", f"{text!r} is none of this account's {what}.{hint}", tuple(near))


def _names(
    known: Known, reference: Reference, book: Book, *, by_email: bool, within: Mapping[str, JSON]
) -> Iterator[tuple[str, int]]:
    for record in known.references.get(reference, ()):
        if any(record.get(name) != value for name, value in within.items()):
            continue
        text = str(record.get(book.email) or "") if by_email and book.email else label(book, record)
        found = record.get(book.id)
        if text and isinstance(found, int):
            yield text, found


def read_reference(known: Known, reference: Reference, value: JSON) -> JSON:
    """An id as `{"id": "7", "name": "Ada"}`, the name null where the reference was not fetched."""
    text = read_value("id", value)
    return None if text is None else {"id": text, "name": name_of(known, reference, value)}
