"""Projects, their milestones and categories."""

from msgspec import UNSET, UnsetType, field

from crosswalk.insightly.links import Link, Tag
from crosswalk.insightly.record import Custom, Flag, Record, Text, Time, Whole


class Project(Record, frozen=True, kw_only=True):
    """A project."""

    project_id: Whole = UNSET
    project_name: Text = UNSET
    status: Text = UNSET
    project_details: Text = UNSET
    started_date: Time = UNSET
    completed_date: Time = UNSET
    opportunity_id: Whole = UNSET
    category_id: Whole = UNSET
    pipeline_id: Whole = UNSET
    stage_id: Whole = UNSET
    image_url: Text = UNSET
    owner_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    last_activity_date_utc: Time = UNSET
    next_activity_date_utc: Time = UNSET
    created_user_id: Whole = UNSET
    responsible_user_id: Whole = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")
    tags: tuple[Tag, ...] | UnsetType | None = UNSET
    links: tuple[Link, ...] | UnsetType | None = UNSET
    linked_email_address: Text = UNSET
    etag: Text = field(default=UNSET, name="ETag")


class Milestone(Record, frozen=True, kw_only=True):
    """A milestone."""

    milestone_id: Whole = UNSET
    title: Text = UNSET
    completed: Flag = UNSET
    due_date: Time = UNSET
    owner_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    completed_date_utc: Time = UNSET
    project_id: Whole = UNSET
    responsible_user: Whole = UNSET


class ProjectCategory(Record, frozen=True, kw_only=True):
    """A project category."""

    category_id: Whole = UNSET
    category_name: Text = UNSET
    active: Flag = UNSET
    background_color: Text = UNSET
