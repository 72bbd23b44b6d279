"""Categories of files, opportunities, projects and tasks: a delete deactivates, what is in use stays."""

import re

from crosswalk.sandbox.answers import DELETED, find_in_path, table_of
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.refusals import Invalid, conflict
from crosswalk.sandbox.rules import Draft, change
from crosswalk.sandbox.writing import check_rights, rules_of

COLOR = re.compile(r"[0-9A-Fa-f]{6}")
USED_BY = {
    "file_categories": ("file_attachments", "FILE_CATEGORY_ID"),
    "opportunity_categories": ("opportunities", "CATEGORY_ID"),
    "project_categories": ("projects", "CATEGORY_ID"),
    "task_categories": ("tasks", "CATEGORY_ID"),
}


def prepare(draft: Draft) -> None:
    """Check the colour; a category in use stays active. Raises `Invalid` or `Refusal` (409)."""
    if not COLOR.fullmatch(str(draft["BACKGROUND_COLOR"])):
        raise Invalid((draft.name("BACKGROUND_COLOR"), "BACKGROUND_COLOR must be six hexadecimal digits."))
    if draft.before("ACTIVE") and not draft["ACTIVE"]:
        check_unused(draft.instance, draft.table.schema.key, draft[str(draft.table.schema.id)])


def deactivate(instance: Instance, call: Call) -> Answer:
    """Deactivate a category. Raises `Refusal` (409) when it is in use or inactive already."""
    table = table_of(instance, call)
    check_rights(call, rules_of(instance, table))
    row = find_in_path(instance, table, call)
    if not table.get(row, "ACTIVE"):
        raise conflict(f"{table.schema.record} {row.id} is already inactive.")
    check_unused(instance, table.schema.key, row.id)
    change(instance, call, table, row=row, values={"ACTIVE": False})
    return DELETED


def check_unused(instance: Instance, key: str, number: object) -> None:
    """Check that no record is of this category. Raises `Refusal` (409)."""
    user, field = USED_BY[key]
    if next(instance.tables[user].where(field, number), None) is not None:
        raise conflict(f"Category {number} is in use.")
