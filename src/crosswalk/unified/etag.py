"""Which version of a record somebody saw: the same text for the same record, another after any change. Pure."""

from hashlib import sha256

import msgspec

from crosswalk.insightly.wire import to_moment
from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.place import entries

DIGEST = 16
"""Hexadecimal digits of the digest: 64 bits tell two versions of one record apart."""
LEFT_OUT = frozenset({"ETag", "CUSTOMFIELDS"})
"""Insightly's own tag, which only some accounts have; custom fields stand in their own, ordered shape."""
EMPTY: tuple[JSON, ...] = (None, "", [])


def etag(wire: Wire, known: Known) -> JSON:
    """A record's version: when it was changed, and a digest of all that it holds.

    Fields without a value do not count, nor do custom fields with images, which lists leave out: a record has one
    version, wherever it was read.
    """
    images = (
        {name for name, field in known.custom.fields.items() if field.field_type == "IMAGE"} if known.custom else ()
    )
    held = {name: value for name, value in wire.items() if (value or value not in EMPTY) and name not in LEFT_OUT}
    custom = {
        str(entry.get("FIELD_NAME")): entry.get("FIELD_VALUE")
        for entry in entries(wire.get("CUSTOMFIELDS"))
        if entry.get("FIELD_VALUE") is not None and not (images and str(entry.get("FIELD_NAME")) in images)
    }
    whole = msgspec.json.encode([held, custom], order="deterministic")
    return f"{_stamp(wire.get('DATE_UPDATED_UTC'))}-{sha256(whole).hexdigest()[:DIGEST]}"


def _stamp(value: JSON) -> str:
    try:
        moment = to_moment(str(value))
    except ValueError:
        return "0"
    return moment.isoformat(timespec="seconds").replace("-", "").replace(":", "")[:15] + "Z"
