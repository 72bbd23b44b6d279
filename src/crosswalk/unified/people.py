"""Names of people: in parts on the wire, whole and in parts here."""

from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.maps import Acted
from crosswalk.unified.place import Place
from crosswalk.unified.plan import Draft
from crosswalk.unified.value import write_value


def read_name(wire: Wire, known: Known) -> JSON:
    """First and last name together."""
    return " ".join(str(part) for name in ("FIRST_NAME", "LAST_NAME") if (part := wire.get(name))) or None


def _write_name(value: JSON, draft: Draft, place: Place) -> None:
    """Split a whole name at its last space, for callers that have no parts; parts that are given win."""
    first, _, last = str(write_value("text", value) or "").strip().rpartition(" ")
    draft.wire |= {"FIRST_NAME": first or last, "LAST_NAME": last if first else None}


NAME = Acted(
    name="name",
    shown=read_name,
    act=_write_name,
    natives=("FIRST_NAME", "LAST_NAME"),
    note="made of first_name and last_name; written, it is split at its last space unless the parts are given",
)
SOCIAL = (("linkedin", "SOCIAL_LINKEDIN"), ("facebook", "SOCIAL_FACEBOOK"), ("twitter", "SOCIAL_TWITTER"))
