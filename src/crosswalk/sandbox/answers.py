"""Answers that carry one record, and the concurrency token that goes with it."""

from collections.abc import Sequence
from typing import assert_never

import msgspec

from crosswalk.sandbox.call import Answer, Call, Refusal, User
from crosswalk.sandbox.instance import RECORDS, Instance, etag_of
from crosswalk.sandbox.refusals import Invalid, forbidden, missing, refuse
from crosswalk.sandbox.table import Row, Table

MAX_DIGITS = 19
NOWHERE = "No HTTP resource was found that matches the request URI"
DELETED = Answer(202, content_type=None)


def table_of(instance: Instance, call: Call) -> Table:
    """Find the table that a call is about. Raises `Refusal` (404) for a custom object that does not exist."""
    if call.resource.key != RECORDS:
        return instance.tables[call.resource.key]
    name = call.object_name or call.params.get("objectName", "")
    found = instance.tables.get(f"{RECORDS}:{name.lower()}")
    if found is None:
        raise Refusal(Answer(404, msgspec.json.encode({"Message": f"{NOWHERE} '/{name}'."})))
    return found


def read_id(text: str, name: str = "id") -> int:
    """Read an id out of a path or a query. Raises `Invalid` (S34)."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        raise Invalid((name, f"The value '{text}' is not valid for Int64."))
    return int(text)


def find(table: Table, number: int) -> Row:
    """Find a record by id. Raises `Refusal` (404)."""
    row = table.rows.get(number)
    if row is None:
        raise missing(table.schema.record, number)
    return row


def find_in_path(instance: Instance, table: Table, call: Call) -> Row:
    """Find the record that the path names. Raises `Invalid` or `Refusal` (404, 403)."""
    return find_visible(instance, call, table, number=read_id(call.params["id"]))


def find_visible(instance: Instance, call: Call, table: Table, *, number: int) -> Row:
    """Find a record that the caller may see. Raises `Refusal` (404, 403)."""
    row = find(table, number)
    if row.id in table.private and not sees(instance, call.user, table, row=row):
        raise forbidden("Record")
    return row


def sees(instance: Instance, user: User, table: Table, *, row: Row) -> bool:
    """Whether a user may see a record that is not for everyone: its owner, its team, an administrator."""
    if user.administrator or table.get(row, "OWNER_USER_ID") == user.id:
        return True
    if table.get(row, "VISIBLE_TO") == "OWNER":
        return False
    members = instance.tables["team_members"]
    team = members.where("TEAM_ID", table.get(row, "VISIBLE_TEAM_ID"))
    return any(members.get(member, "MEMBER_USER_ID") == user.id for member in team)


def visible_ids(instance: Instance, call: Call, table: Table) -> Sequence[int]:
    """Give the ids of every record that the caller may see, in ascending order."""
    if not table.private or call.user.administrator:
        return table.order
    hidden = {number for number in table.private if not sees(instance, call.user, table, row=table.rows[number])}
    return [number for number in table.order if number not in hidden]


def success(call: Call) -> int:
    """Give the status of this operation's success, contested ones by their switch."""
    operation, switches = call.operation, call.switches
    if operation.verb == "POST" and operation.status == 201:  # noqa: PLR2004 (created)
        return switches.post_status
    if operation.verb == "PUT" and operation.documented_status == 201:  # noqa: PLR2004 (created)
        return switches.put_status
    return operation.status


def answer_record(instance: Instance, call: Call, table: Table, *, row: Row) -> Answer:
    """Answer one record as the operation says: alone, or in an array of one."""
    json = row.json or instance.render(table, row)
    headers: tuple[tuple[str, str], ...] = ()
    if table.schema.etag and call.switches.etag == "present":
        headers = (("ETag", f'"{etag_of(row)}"'),)
    return Answer(success(call), b"[" + json + b"]" if call.operation.many else json, headers=headers)


def check_if_match(call: Call, table: Table, row: Row) -> None:
    """Hold a write back when the record is no longer the one that its writer read. Raises `Refusal`."""
    asked = call.headers.get("if-match", "").strip()
    if not asked or asked == "*" or not table.schema.etag or call.switches.etag == "absent":
        return
    if etag_of(row) in {part.strip().removeprefix("W/").strip('"') for part in asked.split(",")}:
        return
    match call.switches.if_match_stale:
        case 400:  # S2, probed twice; the document says 412
            raise refuse(400, f"If-Match header value {asked} is not valid.")
        case 412:
            raise refuse(412, f"If-Match header value {asked} is not valid.")
        case _:
            assert_never(call.switches.if_match_stale)
