"""Lead sources and lead statuses: lists with one default entry, whose deletes name the id in the query."""

from crosswalk.sandbox.answers import DELETED, find, read_id, table_of
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.query import answer_rows, says_yes
from crosswalk.sandbox.refusals import Invalid, conflict
from crosswalk.sandbox.removal import remove
from crosswalk.sandbox.rules import Draft
from crosswalk.sandbox.table import Row
from crosswalk.sandbox.writing import check_rights, rules_of

DEFAULTS = {"lead_sources": "DEFAULT_VALUE", "lead_statuses": "DEFAULT_STATUS"}
CONVERTED = 3  # STATUS_TYPE: 1 open, 2 disqualified, 3 converted (assumed; the numbers are not recorded)


def prepare(draft: Draft) -> None:
    """Put a new entry last, unless told where; the default stays one until another takes its place."""
    if draft["FIELD_ORDER"] is None:
        draft["FIELD_ORDER"] = len(draft.table) + 1
    flag = DEFAULTS[draft.table.schema.key]
    draft[flag] = draft[flag] or draft.before(flag) is True


def settle(draft: Draft, row: Row) -> None:
    """Keep one default: a new one takes the place of the old."""
    flag = DEFAULTS[draft.table.schema.key]
    for other in list(draft.table.where(flag, True)) if draft[flag] else ():
        if other is not row:
            draft.table.amend(other, flag, value=False)


def list_statuses(instance: Instance, call: Call) -> Answer:
    """Answer lead statuses; those of converted leads only when asked."""
    table = table_of(instance, call)
    all_of_them = says_yes(call.query, "include_converted")
    ids = [row.id for row in table.all() if all_of_them or table.get(row, "STATUS_TYPE") != CONVERTED]
    return answer_rows(instance, call, table, ids=ids)


def delete_setting(instance: Instance, call: Call) -> Answer:
    """Remove a source or status. Raises `Refusal` (409) when it is in use, the default, or the last one."""
    table = table_of(instance, call)
    check_rights(call, rules_of(instance, table))
    text = call.query.get("id") or call.params.get("id") or ""
    if not text:
        raise Invalid(("id", "The id field is required."))
    row = find(table, read_id(text))
    record, key = table.schema.record, table.schema.key
    if next(instance.tables["leads"].where(str(table.schema.id), row.id), None) is not None:
        raise conflict(f"{record} {row.id} is in use.")
    if len(table) == 1:
        raise conflict(f"{record} {row.id} is the last one.")
    if table.get(row, DEFAULTS[key]):
        raise conflict(f"{record} {row.id} is the default.")
    remove(instance, table, row, user=call.user)
    return DELETED
