"""Events."""

from msgspec import UNSET, UnsetType, field

from crosswalk.insightly.links import Link
from crosswalk.insightly.record import Custom, Flag, Record, Text, Time, Whole


class Event(Record, frozen=True, kw_only=True):
    """An event."""

    event_id: Whole = UNSET
    title: Text = UNSET
    location: Text = UNSET
    start_date_utc: Time = UNSET
    end_date_utc: Time = UNSET
    all_day: Flag = UNSET
    details: Text = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    reminder_date_utc: Time = UNSET
    reminder_sent: Flag = UNSET
    owner_user_id: Whole = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")
    links: tuple[Link, ...] | UnsetType | None = UNSET
    publicly_visible: Flag = UNSET
    etag: Text = field(default=UNSET, name="ETag")
