"""Tasks and their categories."""

from msgspec import UNSET, UnsetType, field

from crosswalk.insightly.links import Link
from crosswalk.insightly.record import Custom, Flag, Record, Text, Time, Whole


class Task(Record, frozen=True, kw_only=True):
    """A task."""

    task_id: Whole = UNSET
    title: Text = UNSET
    category_id: Whole = UNSET
    due_date: Time = UNSET
    completed_date_utc: Time = UNSET
    completed: Flag = UNSET
    details: Text = UNSET
    status: Text = UNSET
    priority: Whole = UNSET
    percent_complete: Whole = UNSET
    start_date: Time = UNSET
    milestone_id: Whole = UNSET
    responsible_user_id: Whole = UNSET
    owner_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    email_id: Whole = UNSET
    project_id: Whole = UNSET
    reminder_date_utc: Time = UNSET
    reminder_sent: Flag = UNSET
    owner_visible: Flag = UNSET
    stage_id: Whole = UNSET
    assigned_by_user_id: Whole = UNSET
    parent_task_id: Whole = UNSET
    recurrence: Text = UNSET
    opportunity_id: Whole = UNSET
    assigned_team_id: Whole = UNSET
    assigned_date_utc: Time = UNSET
    created_user_id: Whole = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")
    links: tuple[Link, ...] | UnsetType | None = UNSET
    publicly_visible: Flag = UNSET
    etag: Text = field(default=UNSET, name="ETag")


class TaskCategory(Record, frozen=True, kw_only=True):
    """A task category."""

    category_id: Whole = UNSET
    category_name: Text = UNSET
    active: Flag = UNSET
    background_color: Text = UNSET
