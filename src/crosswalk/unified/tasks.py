"""Tasks: what somebody is to do."""

from crosswalk.unified.dates import ASSIGNEE, ETAG, LINKS, OWNER, STAMPS
from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.links import Linked
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Acted, Choice, Custom, Plain, Ref, pick
from crosswalk.unified.place import Place
from crosswalk.unified.plan import Draft

STATUSES = tuple(
    (text.lower().replace(" ", "_"), text)
    for text in ("NOT STARTED", "IN PROGRESS", "WAITING", "DEFERRED", "COMPLETED")
)
TWO = (("open", "NOT STARTED"), ("completed", "COMPLETED"))


def _read_status(wire: Wire, known: Known) -> JSON:
    return "completed" if wire.get("COMPLETED") or wire.get("STATUS") == "COMPLETED" else "open"


def _write_status(value: JSON, draft: Draft, place: Place) -> None:
    _put(pick(TWO, value), draft)


def _read_native(wire: Wire, known: Known) -> JSON:
    return next((ours for ours, theirs in STATUSES if theirs == wire.get("STATUS")), None)


def _equal_native(path: tuple[str, ...], value: str) -> tuple[str, str] | None:
    return next((("STATUS", theirs) for ours, theirs in STATUSES if ours == value and not path), None)


def _write_native(value: JSON, draft: Draft, place: Place) -> None:
    _put(pick(STATUSES, value), draft)


def _put(status: JSON, draft: Draft) -> None:
    """Insightly keeps both, and believes whichever it is sent: always set both."""
    draft.wire |= {"STATUS": status, "COMPLETED": status == "COMPLETED"}


TASKS = Noun(
    name="tasks",
    wire="Tasks",
    object="Task",
    preset=(("STATUS", "NOT STARTED"), ("COMPLETED", False)),
    rows=(
        Plain(name="id", field="TASK_ID", kind="id", writes=False),
        Plain(name="subject", field="TITLE", required=True),
        Plain(name="content", field="DETAILS"),
        Ref(name="type", field="CATEGORY_ID", reference="task_categories"),
        Acted(name="status", shown=_read_status, act=_write_status, natives=("STATUS", "COMPLETED")),
        Acted(
            name="native_status",
            shown=_read_native,
            act=_write_native,
            natives=("STATUS", "COMPLETED"),
            equal=_equal_native,
        ),
        OWNER,
        ASSIGNEE,
        Ref(name="team", field="ASSIGNED_TEAM_ID", reference="teams"),
        Ref(name="assigned_by", field="ASSIGNED_BY_USER_ID", reference="users", writes=False),
        Plain(name="due_date", field="DUE_DATE", kind="day"),
        Plain(name="start_date", field="START_DATE", kind="day"),
        Plain(name="completed_at", field="COMPLETED_DATE_UTC", kind="moment", writes=False),
        Choice(name="priority", field="PRIORITY", values=(("low", 1), ("normal", 2), ("high", 3))),
        Plain(name="percent_complete", field="PERCENT_COMPLETE", kind="integer"),
        Ref(name="project", field="PROJECT_ID", object="Project"),
        Ref(name="milestone", field="MILESTONE_ID", object="Milestone"),
        Ref(name="parent_task", field="PARENT_TASK_ID", object="Task"),
        Linked(
            name="opportunity",
            object="Opportunity",
            field="OPPORTUNITY_ID",
            unless="PROJECT_ID",
            note="linked, so that they show it; the first is the task's own, unless it has a project",
        ),
        Linked(name="contact", object="Contact"),
        Linked(name="account", object="Organisation", many=False),
        Linked(name="lead", object="Lead"),
        LINKS,
        Plain(name="reminder_at", field="REMINDER_DATE_UTC", kind="moment"),
        Plain(name="recurrence", field="RECURRENCE"),
        Plain(name="is_public", field="PUBLICLY_VISIBLE", kind="boolean"),
        Plain(name="is_owner_visible", field="OWNER_VISIBLE", kind="boolean"),
        Plain(name="assigned_at", field="ASSIGNED_DATE_UTC", kind="moment", writes=False),
        Custom(),
        *STAMPS,
        ETAG,
    ),
)
