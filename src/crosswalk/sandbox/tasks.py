"""Tasks: status and completion say the same; what a task belongs to must fit together (S5)."""

from crosswalk.sandbox.refusals import Invalid
from crosswalk.sandbox.rules import Draft
from crosswalk.sandbox.values import format_moment

WHOLE = 100


def prepare(draft: Draft) -> None:
    """Keep status, completion and percentage together, and check what the task belongs to."""
    _complete(draft)
    _check_place(draft)
    responsible = draft["RESPONSIBLE_USER_ID"]
    if responsible is not None and draft.changes("RESPONSIBLE_USER_ID"):
        draft["ASSIGNED_BY_USER_ID"] = draft.user.id
        draft["ASSIGNED_DATE_UTC"] = format_moment(draft.now)


def _complete(draft: Draft) -> None:
    done = _is_done(draft)
    if done and not (draft.before("COMPLETED") and draft.before("STATUS") == "COMPLETED"):
        draft["COMPLETED_DATE_UTC"] = format_moment(draft.now)
    if done:
        draft["STATUS"], draft["PERCENT_COMPLETE"] = "COMPLETED", WHOLE
    elif draft["STATUS"] == "COMPLETED":
        draft["STATUS"] = "NOT STARTED"
    if not done:
        draft["COMPLETED_DATE_UTC"] = None
        if draft["PERCENT_COMPLETE"] == WHOLE and draft.before("COMPLETED"):
            draft["PERCENT_COMPLETE"] = 0
    draft["COMPLETED"] = done


def _is_done(draft: Draft) -> bool:
    """Tell which of two contradicting fields counts: the one that this write changes."""
    if "STATUS" in draft.given and draft.changes("STATUS"):
        return draft["STATUS"] == "COMPLETED" or (
            "COMPLETED" in draft.given and draft.old is None and bool(draft["COMPLETED"])
        )
    return bool(draft["COMPLETED"])


def _check_place(draft: Draft) -> None:
    if draft["PROJECT_ID"] is not None and draft["OPPORTUNITY_ID"] is not None:
        raise Invalid((draft.name("OPPORTUNITY_ID"), "A task cannot have both PROJECT_ID and OPPORTUNITY_ID."))
    milestones, number = draft.instance.tables["milestones"], draft["MILESTONE_ID"]
    row = milestones.rows.get(number) if isinstance(number, int) else None
    if row is not None and milestones.get(row, "PROJECT_ID") != draft["PROJECT_ID"]:
        message = f"Milestone {number} does not belong to project {draft['PROJECT_ID']}."
        raise Invalid((draft.name("MILESTONE_ID"), message))
