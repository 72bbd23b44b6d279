"""Contacts and the dates on them."""

from msgspec import UNSET, UnsetType, field

from crosswalk.insightly.links import Link, Tag
from crosswalk.insightly.record import Custom, Flag, Record, Text, Time, Whole


class Date(Record, frozen=True, kw_only=True):
    """A date worth remembering, such as a birthday."""

    date_id: Whole = UNSET
    occasion_name: Text = UNSET
    occasion_date: Time = UNSET
    repeat_yearly: Flag = UNSET
    create_task_yearly: Flag = UNSET


class Contact(Record, frozen=True, kw_only=True):
    """A contact."""

    contact_id: Whole = UNSET
    salutation: Text = UNSET
    first_name: Text = UNSET
    last_name: Text = UNSET
    image_url: Text = UNSET
    background: Text = UNSET
    visible_to: Text = UNSET
    owner_user_id: Whole = UNSET
    visible_team_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    social_linkedin: Text = UNSET
    social_facebook: Text = UNSET
    social_twitter: Text = UNSET
    date_of_birth: Time = UNSET
    phone: Text = UNSET
    phone_home: Text = UNSET
    phone_mobile: Text = UNSET
    phone_other: Text = UNSET
    phone_assistant: Text = UNSET
    phone_fax: Text = UNSET
    email_address: Text = UNSET
    assistant_name: Text = UNSET
    address_mail_street: Text = UNSET
    address_mail_city: Text = UNSET
    address_mail_state: Text = UNSET
    address_mail_postcode: Text = UNSET
    address_mail_country: Text = UNSET
    address_other_street: Text = UNSET
    address_other_city: Text = UNSET
    address_other_state: Text = UNSET
    address_other_postcode: Text = UNSET
    address_other_country: Text = UNSET
    last_activity_date_utc: Time = UNSET
    next_activity_date_utc: Time = UNSET
    created_user_id: Whole = UNSET
    organisation_id: Whole = UNSET
    title: Text = UNSET
    email_opted_out: Flag = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")
    tags: tuple[Tag, ...] | UnsetType | None = UNSET
    dates: tuple[Date, ...] | UnsetType | None = UNSET
    links: tuple[Link, ...] | UnsetType | None = UNSET
    etag: Text = field(default=UNSET, name="ETag")
