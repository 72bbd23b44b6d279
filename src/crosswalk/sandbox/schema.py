"""A resource of the contract, compiled: where each field stands in a stored row and who may write it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from crosswalk.contract import Field, load
from crosswalk.sandbox.values import Coerce, compile_coerce

SUB_COLLECTIONS = ("CUSTOMFIELDS", "TAGS", "DATES", "EMAILDOMAINS", "LINKS", "TEAMMEMBERS", "ACTIVITIES")
# Kept by the server, whatever a body says: the official write models list the dates of events and notes by mistake.
OWN = frozenset({"DATE_UPDATED_UTC", "LINKS", "ETag"})
# Marked read-only in the record, and the only way to say what a new line item or price is of.
CHOSEN_ONCE = frozenset({"PRICEBOOK_ID", "PRODUCT_ID", "PRICEBOOK_ENTRY_ID", "OPPORTUNITY_ITEM_ID"})


@dataclass(frozen=True, slots=True)
class Slot:
    """One writable field of a body: its place in the row and how a value is taken."""

    place: int
    field: Field
    coerce: Coerce


@dataclass(frozen=True, slots=True)
class Model:
    """What one verb may write: slots by lower-case name (US spelling included), and what must be there."""

    slots: Mapping[str, Slot]
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """One table's shape. `place` finds a field by name in any case; `id` is `None` where records have no number."""

    key: str
    record: str
    id: str | None
    fields: tuple[Field, ...]
    names: tuple[str, ...]
    place: Mapping[str, int]
    subs: tuple[tuple[int, str], ...]
    blank: tuple[object, ...]
    numbered: bool
    visible_to: int | None
    etag: bool
    post: Model
    put: Model

    @property
    def head(self) -> str:
        """The first name of a body in error messages: `apiContact`."""
        return f"api{self.record}"


def compile_schema(key: str, record: str, *, id_name: str | None, fields: Sequence[Field]) -> Schema:
    """Compile one table's shape from the contract's fields."""
    names = tuple(field.name for field in fields)
    place = {name.lower(): i for i, name in enumerate(names)}
    if key == "organisations":  # publiq writes ORGANIZATION_ID and ORGANIZATION_NAME in production (S38)
        place |= {name.replace("organisation", "organization"): i for name, i in place.items()}
    return Schema(
        key=key,
        record=record,
        id=id_name,
        fields=tuple(fields),
        names=names,
        place=place,
        subs=tuple((i, name) for i, name in enumerate(names) if name in SUB_COLLECTIONS),
        blank=tuple(False if field.type == "boolean" else None for field in fields),
        visible_to=place.get("visible_to"),
        numbered=any(field.name == id_name and field.type == "integer" for field in fields),
        etag="ETag" in names,
        post=_model(fields, place, id_name=id_name, verb="post"),
        put=_model(fields, place, id_name=id_name, verb="put"),
    )


def _model(fields: Sequence[Field], place: Mapping[str, int], *, id_name: str | None, verb: str) -> Model:
    flagged = {f.name for f in fields if getattr(f, verb)} or {f.name for f in fields if f.put}
    unmarked = not any(f.post or f.put for f in fields)
    writable = {f.name for f in fields if (f.name in flagged or unmarked) and not f.read_only and f.name not in OWN}
    if verb == "post":
        writable |= {f.name for f in fields if f.name in CHOSEN_ONCE and f.read_only and unmarked}
    writable.discard(id_name or "")
    slots = {
        name: Slot(i, fields[i], compile_coerce(fields[i])) for name, i in place.items() if fields[i].name in writable
    }
    return Model(slots, tuple(f.name for f in fields if f.required and f.name in writable))


@cache
def load_schemas() -> Mapping[str, Schema]:
    """Compile every resource and every shape that is stored, once a process."""
    contract = load()
    stored = {"ticket_comments": ("TicketComment", "TICKET_COMMENT_ID"), "state_history": ("OpportunityState", None)}
    stored["quotation_documents"] = ("QuotationDocument", "QUOTE_DOCUMENT_ID")
    found = {
        r.key: compile_schema(r.key, r.record or r.name, id_name=r.id, fields=r.fields)
        for r in contract.resources.values()
    }
    return found | {
        key: compile_schema(key, shape, id_name=name, fields=contract.shape(shape))
        for key, (shape, name) in stored.items()
    }
