"""Leads, their sources and statuses."""

from msgspec import UNSET, UnsetType, field

from crosswalk.insightly.links import Link, Tag
from crosswalk.insightly.record import Custom, Flag, Record, Text, Time, Whole


class Lead(Record, frozen=True, kw_only=True):
    """A lead."""

    lead_id: Whole = UNSET
    salutation: Text = UNSET
    first_name: Text = UNSET
    last_name: Text = UNSET
    lead_source_id: Whole = UNSET
    lead_status_id: Whole = UNSET
    title: Text = UNSET
    converted: Flag = UNSET
    converted_contact_id: Whole = UNSET
    converted_date_utc: Time = UNSET
    converted_opportunity_id: Whole = UNSET
    converted_organisation_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    email: Text = UNSET
    employee_count: Whole = UNSET
    fax: Text = UNSET
    industry: Text = UNSET
    lead_description: Text = UNSET
    lead_rating: Whole = UNSET
    mobile: Text = UNSET
    owner_user_id: Whole = UNSET
    phone: Text = UNSET
    responsible_user_id: Whole = UNSET
    website: Text = UNSET
    address_street: Text = UNSET
    address_city: Text = UNSET
    address_state: Text = UNSET
    address_postcode: Text = UNSET
    address_country: Text = UNSET
    last_activity_date_utc: Time = UNSET
    next_activity_date_utc: Time = UNSET
    visible_to: Text = UNSET
    visible_team_id: Whole = UNSET
    organisation_name: Text = UNSET
    created_user_id: Whole = UNSET
    image_url: Text = UNSET
    email_opted_out: Flag = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")
    tags: tuple[Tag, ...] | UnsetType | None = UNSET
    links: tuple[Link, ...] | UnsetType | None = UNSET
    linked_email_address: Text = UNSET
    etag: Text = field(default=UNSET, name="ETag")


class LeadSource(Record, frozen=True, kw_only=True):
    """A lead source."""

    lead_source_id: Whole = UNSET
    lead_source: Text = UNSET
    default_value: Flag = UNSET
    field_order: Whole = UNSET


class LeadStatus(Record, frozen=True, kw_only=True):
    """A lead status."""

    lead_status_id: Whole = UNSET
    lead_status: Text = UNSET
    default_status: Flag = UNSET
    status_type: Whole = UNSET
    field_order: Whole = UNSET
