"""Notes, and the comments on notes, tasks and emails."""

from msgspec import UNSET, UnsetType, field

from crosswalk.insightly.links import Link
from crosswalk.insightly.record import Record, Text, Time, Whole


class Note(Record, frozen=True, kw_only=True):
    """A note."""

    note_id: Whole = UNSET
    title: Text = UNSET
    body: Text = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    owner_user_id: Whole = UNSET
    links: tuple[Link, ...] | UnsetType | None = UNSET
    etag: Text = field(default=UNSET, name="ETag")


class Comment(Record, frozen=True, kw_only=True):
    """A comment."""

    comment_id: Whole = UNSET
    body: Text = UNSET
    owner_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    note_id: Whole = UNSET
    task_id: Whole = UNSET
    email_id: Whole = UNSET
