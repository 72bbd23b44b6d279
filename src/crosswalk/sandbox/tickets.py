"""Tickets: numbered, commented, merged."""

from crosswalk.contract import load
from crosswalk.sandbox.answers import answer_record, find_in_path, table_of
from crosswalk.sandbox.bodies import read_object, take_shape
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.refusals import Invalid
from crosswalk.sandbox.rules import Draft, change
from crosswalk.sandbox.table import Row
from crosswalk.sandbox.values import format_moment

SETTLED = {"SOLVED": ("DATE_SOLVED_UTC",), "CLOSED": ("DATE_SOLVED_UTC", "DATE_CLOSED_UTC")}


def prepare(draft: Draft) -> None:
    """Number a new ticket; date its solution and its closing."""
    if draft.old is None:
        draft["TICKET_NUMBER"] = str(draft.instance.next_number("ticket", 1001))
        draft["SOURCE"] = "API"
    reached = str(draft["TICKET_STATUS"]).upper() if draft.changes("TICKET_STATUS") else ""
    for name in SETTLED.get(reached, ()):
        draft[name] = draft[name] or format_moment(draft.now)


def settle(draft: Draft, row: Row) -> None:
    """Turn the first message of a new ticket into its first comment."""
    text = draft["TicketCommentBodyHtml"]
    if not isinstance(text, str):
        return
    draft.table.amend(row, "TicketCommentBodyHtml", value=None)
    table = draft.instance.tables["ticket_comments"]
    facts = {
        "TICKET_ID": row.id,
        "BODY_HTML": text,
        "PUBLIC_COMMENT": True,
        "CHANNEL": "API",
        "CREATED_USER_ID": draft.user.id,
        "DATE_CREATED_UTC": format_moment(draft.now),
    }
    values = [facts.get(name) for name in table.schema.names]
    table.add(values, version=draft.instance.next_version(), born=draft.now.timestamp())


def merge(instance: Instance, call: Call) -> Answer:
    """Move a ticket's comments to another, named by its number, and close it; answers the other."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    body = take_shape(load().shape("TicketMerge"), read_object(call, "apiTicketMerge"), "apiTicketMerge")
    number = body["TARGET_TICKET_NUMBER"]
    target = next(table.where("TICKET_NUMBER", str(number)), None)
    if target is None or target is row:
        message = f"The value '{number}' is not a valid TARGET_TICKET_NUMBER."
        raise Invalid(("apiTicketMerge.TARGET_TICKET_NUMBER", message))
    comments = instance.tables["ticket_comments"]
    for comment in list(comments.where("TICKET_ID", row.id)):
        change(instance, call, comments, row=comment, values={"TICKET_ID": target.id})
    now = format_moment(call.now)
    change(instance, call, table, row=row, values={"TICKET_STATUS": "CLOSED", "DATE_CLOSED_UTC": now})
    change(instance, call, table, row=target, values={})
    return answer_record(instance, call, table, row=target)
