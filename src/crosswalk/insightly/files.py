"""Attached files, their categories, document templates."""

from msgspec import UNSET

from crosswalk.insightly.record import Flag, Record, Text, Time, Whole


class FileAttachment(Record, frozen=True, kw_only=True):
    """A file attachment."""

    file_id: Whole = UNSET
    file_name: Text = UNSET
    content_type: Text = UNSET
    file_size: Whole = UNSET
    file_category_id: Whole = UNSET
    owner_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    url: Text = UNSET


class FileCategory(Record, frozen=True, kw_only=True):
    """A file category."""

    category_id: Whole = UNSET
    category_name: Text = UNSET
    active: Flag = UNSET
    background_color: Text = UNSET


class DocumentTemplate(Record, frozen=True, kw_only=True):
    """A document template."""

    template_id: Whole = UNSET
    template_name: Text = UNSET
    template_file_type: Text = UNSET
    related_object_name: Text = UNSET
    date_created_utc: Time = UNSET
    active: Flag = UNSET
