"""Custom objects and their records."""

from msgspec import UNSET, field

from crosswalk.insightly.record import Custom, Flag, Record, Text, Time, Whole


class CustomObject(Record, frozen=True, kw_only=True):
    """A custom object."""

    object_name: Text = UNSET
    singular_label: Text = UNSET
    plural_label: Text = UNSET
    description: Text = UNSET
    record_name_label: Text = UNSET
    record_name_type: Text = UNSET
    record_name_display_format: Text = UNSET
    enable_navbar: Flag = UNSET
    enable_workflows: Flag = UNSET
    created_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET


class CustomObjectRecord(Record, frozen=True, kw_only=True):
    """A custom object record."""

    record_id: Whole = UNSET
    record_name: Text = UNSET
    owner_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    created_user_id: Whole = UNSET
    visible_to: Text = UNSET
    visible_team_id: Whole = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")
