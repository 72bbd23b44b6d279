"""Notes: text on another record. Insightly makes one below its first parent, and links it with the others."""

from collections.abc import Callable, Mapping, Sequence

from crosswalk.unified.dates import ETAG, LINKS
from crosswalk.unified.formats import from_html, from_markdown, from_text, is_html, show, to_text
from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.links import Linked
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Acted, Below, Plain, Ref
from crosswalk.unified.place import Place
from crosswalk.unified.plan import Draft
from crosswalk.unified.reference import read_reference
from crosswalk.unified.value import Unfit, read_value, write_value

TITLE = 60
"""Characters of a title that is made from the text."""
FORMATS: Mapping[str, Callable[[str], str]] = {"text": from_text, "html": from_html, "markdown": from_markdown}


def _read_content(wire: Wire, known: Known) -> JSON:
    text = wire.get("BODY")
    return show(text, known.content_format) or None if isinstance(text, str) else None


def _write_content(value: JSON, draft: Draft, place: Place) -> None:
    """Write the text; a new note without a title is named by its beginning, since Insightly wants one."""
    text = write_value("text", value)
    draft.wire["BODY"] = text
    if draft.creates and text:
        draft.wire.setdefault("TITLE", _title(str(text)))


def _title(text: str) -> str:
    return " ".join(to_text(text).split())[:TITLE]


def _read_format(wire: Wire, known: Known) -> JSON:
    text = wire.get("BODY")
    if not isinstance(text, str) or not text:
        return None
    if known.content_format != "original":
        return known.content_format
    return "html" if is_html(text) else "text"


def _write_format(value: JSON, draft: Draft, place: Place) -> None:
    """Spell the content as HTML, out of what it is said to be; without a format it goes as it is."""
    if value is None:
        return
    if not isinstance(value, str) or value not in FORMATS:
        raise Unfit("unknown_value", f"{value!r} is none of {', '.join(FORMATS)}", tuple(FORMATS))
    raw = draft.wire.get("BODY")
    if not isinstance(raw, str):
        raise Unfit("required", "says how content is written; give content too")
    draft.wire["BODY"] = spelt = FORMATS[value](raw)
    if draft.wire.get("TITLE") == _title(raw):
        draft.wire["TITLE"] = _title(spelt)


def _comments(items: Sequence[Wire], known: Known) -> JSON:
    return [
        {
            "id": read_value("id", item.get("COMMENT_ID")),
            "content": item.get("BODY"),
            "owner": read_reference(known, "users", item.get("OWNER_USER_ID")),
            "created_at": read_value("moment", item.get("DATE_CREATED_UTC")),
        }
        for item in items
    ]


def _attachments(items: Sequence[Wire], known: Known) -> JSON:
    return [
        {
            "id": read_value("id", item.get("FILE_ID")),
            "name": item.get("FILE_NAME"),
            "content_type": item.get("CONTENT_TYPE"),
            "size": item.get("FILE_SIZE"),
            "created_at": read_value("moment", item.get("DATE_CREATED_UTC")),
        }
        for item in items
    ]


NOTES = Noun(
    name="notes",
    wire="Notes",
    object="Note",
    parents=(
        ("Contact", "/Contacts"),
        ("Lead", "/Leads"),
        ("Opportunity", "/Opportunities"),
        ("Organisation", "/Organisations"),
        ("Project", "/Projects"),
    ),
    rows=(
        Plain(name="id", field="NOTE_ID", kind="id", writes=False),
        Plain(name="title", field="TITLE", note="made of the text's beginning where none is given"),
        Acted(name="content", shown=_read_content, act=_write_content, natives=("BODY",), note="HTML or plain text"),
        Acted(
            name="content_format",
            shown=_read_format,
            act=_write_format,
            note="what content is; written, content is made HTML from text, markdown or html, without scripts",
        ),
        Ref(name="owner", field="OWNER_USER_ID", reference="users", writes=False, note="the key's own user"),
        Linked(name="contact", object="Contact"),
        Linked(name="account", object="Organisation", many=False),
        Linked(name="opportunity", object="Opportunity"),
        Linked(name="lead", object="Lead"),
        Linked(name="project", object="Project"),
        LINKS,
        Below(name="comments", path="Comments", shape=_comments),
        Below(name="attachments", path="FileAttachments", shape=_attachments),
        Plain(name="created_at", field="DATE_CREATED_UTC", kind="moment", writes=False),
        Plain(name="updated_at", field="DATE_UPDATED_UTC", kind="moment", writes=False),
        ETAG,
    ),
)
