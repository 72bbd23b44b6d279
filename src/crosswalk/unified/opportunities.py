"""Opportunities: deals, with their pipeline, stage and state."""

from collections.abc import Sequence
from difflib import get_close_matches

from crosswalk.unified.dates import ACTIVITY, ASSIGNEE, ETAG, LINKS, OWNER, STAMPS, VISIBILITY
from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.links import Linked
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Acted, Below, Choice, Custom, Plain, Ref, pick
from crosswalk.unified.parts import Tags
from crosswalk.unified.place import Place
from crosswalk.unified.plan import Draft, Step
from crosswalk.unified.reference import find_id, name_of
from crosswalk.unified.stage_moves import pipeline_rows
from crosswalk.unified.value import Kind, Unfit, read_value, write_value

STATES = (("open", "OPEN"), ("won", "WON"), ("lost", "LOST"), ("abandoned", "ABANDONED"), ("suspended", "SUSPENDED"))
FIXED = "Fixed Bid"
CLOSED = frozenset({"WON", "LOST", "ABANDONED"})
BASES = tuple(
    (text.lower().replace(" ", "_"), text)
    for text in (FIXED, "Per Hour", "Per Day", "Per Week", "Per Month", "Per Year")
)
CHANGE = "change state"


def _read_currency(wire: Wire, known: Known) -> JSON:
    return read_value("text", wire.get("BID_CURRENCY"))


def _equal_currency(path: tuple[str, ...], value: str) -> tuple[str, str] | None:
    return None if path else ("BID_CURRENCY", value.upper())


def _write_currency(value: JSON, draft: Draft, place: Place) -> None:
    """Write a currency that Insightly has, where its list was fetched."""
    text = write_value("text", value, place.resource.field.get("BID_CURRENCY"))
    codes = [str(each.get("CURRENCY_CODE")) for each in place.known.references.get("currencies", ())]
    code = text.upper() if isinstance(text, str) else text
    if isinstance(code, str) and codes and code not in codes:
        near = tuple(get_close_matches(code, codes, n=3, cutoff=0.5))
        raise Unfit("unknown_value", f"Insightly has no currency {code}", near)
    draft.wire["BID_CURRENCY"] = code


def _read_amount(wire: Wire, known: Known) -> JSON:
    return read_value("number", wire.get("OPPORTUNITY_VALUE"))


def _write_amount(value: JSON, draft: Draft, place: Place) -> None:
    """Write the price of one hour, day, … where the value is made of several; Insightly takes no value itself."""
    amount = write_value("number", value, place.resource.field.get("BID_AMOUNT"))
    merged = (place.present or {}) | draft.wire
    times = merged.get("BID_DURATION") if merged.get("BID_TYPE") not in (None, FIXED) else 1
    if isinstance(amount, int | float) and isinstance(times, int) and times > 1:
        amount = amount // times if amount % times == 0 else amount / times
    draft.wire["BID_AMOUNT"] = amount


def _read_state(wire: Wire, known: Known) -> JSON:
    state = str(wire.get("OPPORTUNITY_STATE") or "").upper()
    return next((ours for ours, theirs in STATES if theirs == state), None)


def _equal_state(path: tuple[str, ...], value: str) -> tuple[str, str] | None:
    return next((("OPPORTUNITY_STATE", theirs) for ours, theirs in STATES if ours == value and not path), None)


def _write_state(value: JSON, draft: Draft, place: Place) -> None:
    """A new record is made in its state; a record's state is changed by the call that keeps its history."""
    state = None if value is None else pick(STATES, value)
    if draft.creates:
        draft.wire["OPPORTUNITY_STATE"] = state
    elif state is not None:
        _change(draft, place, {"FOR_OPPORTUNITY_STATE": state})


def _read_reason(wire: Wire, known: Known) -> JSON:
    text = read_value("id", wire.get("STATE_REASON_ID"))
    if text is None:
        return None
    return {"id": text, "name": name_of(known, "state_reasons", wire.get("STATE_REASON_ID"))}


def _write_reason(value: JSON, draft: Draft, place: Place) -> None:
    if value is None:
        return
    given = draft.wire.get("OPPORTUNITY_STATE") if draft.creates else _changed_state(draft)
    within = {"FOR_OPPORTUNITY_STATE": given} if given else None
    reason = find_id(place.known, "state_reasons", value, within=within)
    found = (each for each in place.known.references.get("state_reasons", ()) if each.get("STATE_REASON_ID") == reason)
    state = given or next(found, {}).get("FOR_OPPORTUNITY_STATE")
    _change(draft, place, {"FOR_OPPORTUNITY_STATE": state, "STATE_REASON_ID": reason})


def _changed_state(draft: Draft) -> JSON:
    return next((step.body["FOR_OPPORTUNITY_STATE"] for step in draft.steps if step.name == CHANGE and step.body), None)


def _change(draft: Draft, place: Place, body: Wire) -> None:
    """Put values into the one call that changes the state."""
    present = next((step.body for step in draft.steps if step.name == CHANGE), None)
    if present is not None:
        present.update(body)
        return
    path = f"{place.resource.path}/{{id}}/StateChange"
    draft.steps.append(Step(name=CHANGE, method="PUT", path=path, body=body))


def _read_close(wire: Wire, known: Known) -> JSON:
    """When it closed, else when it is expected to."""
    closed = str(wire.get("OPPORTUNITY_STATE") or "").upper() in CLOSED
    field = "ACTUAL_CLOSE_DATE" if closed and wire.get("ACTUAL_CLOSE_DATE") else "FORECAST_CLOSE_DATE"
    return read_value("day", wire.get(field))


def _write_close(value: JSON, draft: Draft, place: Place) -> None:
    state = (draft.wire.get("OPPORTUNITY_STATE") if draft.creates else _changed_state(draft)) or (
        (place.present or {}).get("OPPORTUNITY_STATE")
    )
    field = "ACTUAL_CLOSE_DATE" if str(state).upper() in CLOSED else "FORECAST_CLOSE_DATE"
    draft.wire.setdefault(field, write_value("day", value))


def _changed_at(items: Sequence[Wire], known: Known) -> JSON:
    """The newest change of state."""
    found = [moment for item in items if (moment := read_value("moment", item.get("DATE_CHANGED_UTC"))) is not None]
    return max(map(str, found), default=None)


ITEM: Sequence[tuple[str, str, Kind]] = (
    ("id", "OPPORTUNITY_ITEM_ID", "id"),
    ("pricebook_entry_id", "PRICEBOOK_ENTRY_ID", "id"),
    ("description", "DESCRIPTION", "text"),
    ("currency", "CURRENCY_CODE", "text"),
    ("quantity", "QUANTITY", "number"),
    ("list_price", "LIST_PRICE", "number"),
    ("unit_price", "UNIT_PRICE", "number"),
    ("discount", "DISCOUNT", "number"),
    ("subtotal", "SUBTOTAL", "number"),
    ("total_price", "TOTAL_PRICE", "number"),
    ("service_date", "SERVICE_DATE", "day"),
)


def _items(items: Sequence[Wire], known: Known) -> JSON:
    return [{ours: read_value(kind, item.get(theirs)) for ours, theirs, kind in ITEM} for item in items]


OPPORTUNITIES = Noun(
    name="opportunities",
    wire="Opportunities",
    object="Opportunity",
    match=("name",),
    rows=(
        Plain(name="id", field="OPPORTUNITY_ID", kind="id", writes=False),
        Plain(name="name", field="OPPORTUNITY_NAME", required=True),
        Plain(name="description", field="OPPORTUNITY_DETAILS"),
        Acted(
            name="currency",
            shown=_read_currency,
            act=_write_currency,
            reference="currencies",
            natives=("BID_CURRENCY",),
            equal=_equal_currency,
            note="one of Insightly's",
        ),
        Choice(name="amount_basis", field="BID_TYPE", values=BASES),
        Plain(
            name="amount_duration", field="BID_DURATION", kind="integer", note="how many hours, days, … of the basis"
        ),
        Acted(
            name="amount",
            shown=_read_amount,
            act=_write_amount,
            natives=("OPPORTUNITY_VALUE", "BID_AMOUNT"),
            goes_with=("amount_basis", "amount_duration"),
            note="the whole value, BID_AMOUNT times amount_duration; written, it is divided again",
        ),
        OWNER,
        ASSIGNEE,
        Ref(name="account", field="ORGANISATION_ID", object="Organisation"),
        Linked(name="contact", object="Contact"),
        Linked(name="project", object="Project"),
        LINKS,
        *pipeline_rows(),
        Acted(
            name="status",
            shown=_read_state,
            act=_write_state,
            natives=("OPPORTUNITY_STATE",),
            equal=_equal_state,
            note="changed by StateChange, which keeps the history",
        ),
        Acted(
            name="status_reason",
            shown=_read_reason,
            act=_write_reason,
            reference="state_reasons",
            references=("state_reasons",),
            wanted_to_create=True,
            note="sent with StateChange",
        ),
        Below(name="status_changed_at", path="StateHistory", shape=_changed_at),
        Plain(name="probability", field="PROBABILITY", kind="integer"),
        Plain(name="forecast_close_date", field="FORECAST_CLOSE_DATE", kind="day"),
        Plain(name="actual_close_date", field="ACTUAL_CLOSE_DATE", kind="day"),
        Acted(
            name="close_date",
            shown=_read_close,
            act=_write_close,
            natives=("ACTUAL_CLOSE_DATE", "FORECAST_CLOSE_DATE"),
            goes_with=("status",),
            note="the actual date once it is closed, the forecast before",
        ),
        Ref(name="category", field="CATEGORY_ID", reference="opportunity_categories"),
        Plain(name="image_url", field="IMAGE_URL"),
        Ref(name="pricebook", field="PRICEBOOK_ID", object="Pricebook", writes=False),
        Below(
            name="line_items",
            path="OpportunityLineItem",
            shape=_items,
            note="of some plans; shown where it is expanded",
        ),
        Plain(name="linked_email", field="LINKED_EMAIL_ADDRESS", writes=False),
        Tags(),
        Custom(),
        *ACTIVITY,
        *VISIBILITY,
        *STAMPS,
        ETAG,
    ),
)
