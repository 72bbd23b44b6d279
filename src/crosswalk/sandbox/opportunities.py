"""Opportunities: what they are worth, and how their state changes."""

import msgspec

from crosswalk.contract import load
from crosswalk.sandbox.answers import answer_record, find_in_path, success, table_of
from crosswalk.sandbox.bodies import read_object, take_shape
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.mailboxes import give_mailbox
from crosswalk.sandbox.query import answer_rows
from crosswalk.sandbox.refusals import Invalid
from crosswalk.sandbox.rules import Draft, change
from crosswalk.sandbox.table import Row
from crosswalk.sandbox.values import format_moment, tame

HEAD = "apiOpportunityState"
CLOSED = frozenset({"WON", "LOST", "ABANDONED"})
STATES = (*sorted(CLOSED), "OPEN", "SUSPENDED")


def prepare(draft: Draft) -> None:
    """Reckon the value, close or open with the state, and give a new opportunity its mailbox."""
    amount, duration = draft["BID_AMOUNT"], draft["BID_DURATION"]
    times = duration if isinstance(duration, int) and draft["BID_TYPE"] != "Fixed Bid" else 1
    draft["OPPORTUNITY_VALUE"] = tame(amount * times) if isinstance(amount, int | float) else None
    if draft.changes("OPPORTUNITY_STATE"):
        draft["ACTUAL_CLOSE_DATE"] = _close_date(draft)
    give_mailbox(draft, "O")


def settle(draft: Draft, row: Row) -> None:
    """Write a new state into the history."""
    if draft.changes("OPPORTUNITY_STATE"):
        _note_state(draft, row, reason=None)


def _close_date(draft: Draft) -> object:
    if draft["OPPORTUNITY_STATE"] not in CLOSED:
        return None
    given = draft["ACTUAL_CLOSE_DATE"] if "ACTUAL_CLOSE_DATE" in draft.given else None
    return given or f"{format_moment(draft.now)[:10]} 00:00:00"


def _note_state(draft: Draft, row: Row, *, reason: Row | None) -> dict[str, object]:
    reasons, history = draft.instance.tables["opportunity_state_reasons"], draft.instance.tables["state_history"]
    shown: dict[str, object] = {
        "OPPORTUNITY_ID": row.id,
        "DATE_CHANGED_UTC": format_moment(draft.now),
        "FOR_OPPORTUNITY_STATE": draft["OPPORTUNITY_STATE"],
        "STATE_REASON_ID": None if reason is None else reason.id,
        "STATE_REASON": None if reason is None else reasons.get(reason, "STATE_REASON"),
    }
    history.add(list(shown.values()), version=draft.instance.next_version(), born=draft.now.timestamp())
    return shown


def change_state(instance: Instance, call: Call) -> Answer:
    """Give an opportunity another state, with a reason if there is one."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    body = take_shape(load().shape("OpportunityState"), read_object(call, HEAD), HEAD)
    state = str(body["FOR_OPPORTUNITY_STATE"] or "").strip().upper()
    if state not in STATES:
        message = f"The value '{state}' is not valid. Valid values: {', '.join(STATES)}."
        raise Invalid((f"{HEAD}.FOR_OPPORTUNITY_STATE", message))
    reason = _find_reason(instance, state, body["STATE_REASON_ID"])
    draft = Draft(instance, table, row.values, list(row.values), call.user, call.now)
    draft["OPPORTUNITY_STATE"] = state
    if draft.changes("OPPORTUNITY_STATE"):
        draft["ACTUAL_CLOSE_DATE"] = _close_date(draft)
    draft.save(row)
    return Answer(success(call), msgspec.json.encode(_note_state(draft, row, reason=reason)))


def _find_reason(instance: Instance, state: str, number: object) -> Row | None:
    if not number:
        return None
    table = instance.tables["opportunity_state_reasons"]
    row = table.rows.get(number) if isinstance(number, int) else None
    if row is None or table.get(row, "FOR_OPPORTUNITY_STATE") != state:
        raise Invalid((f"{HEAD}.STATE_REASON_ID", f"The value '{number}' is not a valid STATE_REASON_ID for {state}."))
    return row


def list_states(instance: Instance, call: Call) -> Answer:
    """Answer an opportunity's states, oldest first."""
    row = find_in_path(instance, table_of(instance, call), call)
    history = instance.tables["state_history"]
    return answer_rows(instance, call, history, ids=[r.id for r in history.where("OPPORTUNITY_ID", row.id)])


def change_pricebook(instance: Instance, call: Call) -> Answer:
    """Give an opportunity another price book, or none."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    number = take_shape(load().shape("PricebookChange"), read_object(call, "apiPricebookChange"), "apiPricebookChange")[
        "PRICEBOOK_ID"
    ]
    if number and number not in instance.tables["pricebook"].rows:
        raise Invalid(("apiPricebookChange.PRICEBOOK_ID", f"The value '{number}' is not a valid PRICEBOOK_ID."))
    change(instance, call, table, row=row, values={"PRICEBOOK_ID": number or None})
    return answer_record(instance, call, table, row=row)
