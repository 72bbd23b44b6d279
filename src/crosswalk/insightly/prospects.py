"""Prospects, the lists they are on, their visits and events."""

from msgspec import UNSET, UnsetType, field

from crosswalk.insightly.links import Tag
from crosswalk.insightly.record import Custom, Flag, Record, Text, Time, Whole


class Prospect(Record, frozen=True, kw_only=True):
    """A prospect."""

    prospect_id: Whole = UNSET
    lead_id: Whole = UNSET
    contact_id: Whole = UNSET
    organisation_id: Whole = UNSET
    salutation: Text = UNSET
    first_name: Text = UNSET
    last_name: Text = UNSET
    organisation_name: Text = UNSET
    title: Text = UNSET
    email_address: Text = UNSET
    phone: Text = UNSET
    mobile: Text = UNSET
    fax: Text = UNSET
    website: Text = UNSET
    address_street: Text = UNSET
    address_city: Text = UNSET
    address_state: Text = UNSET
    address_postcode: Text = UNSET
    address_country: Text = UNSET
    industry: Text = UNSET
    employee_count: Whole = UNSET
    score: Whole = UNSET
    grade: Text = UNSET
    description: Text = UNSET
    do_not_email: Flag = UNSET
    do_not_call: Flag = UNSET
    opted_out: Flag = UNSET
    last_activity_date_utc: Time = UNSET
    created_user_id: Whole = UNSET
    owner_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    visible_to: Text = UNSET
    visible_team_id: Whole = UNSET
    do_not_sync: Flag = UNSET
    lead_conversion_date_utc: Time = UNSET
    grade_profile_id: Whole = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")
    tags: tuple[Tag, ...] | UnsetType | None = UNSET


class StaticListMembership(Record, frozen=True, kw_only=True):
    """A list that a prospect is on."""

    list_id: Whole = UNSET


class MarketingVisit(Record, frozen=True, kw_only=True):
    """A marketing visit."""

    visit_id: Whole = UNSET
    prospect_id: Whole = UNSET
    mkt_medium: Text = UNSET
    mkt_source: Text = UNSET
    mkt_term: Text = UNSET
    mkt_content: Text = UNSET
    mkt_network: Text = UNSET
    mkt_clickid: Text = UNSET
    page_referrer: Text = UNSET
    refr_source: Text = UNSET
    refr_medium: Text = UNSET
    page_view_count: Whole = UNSET
    first_page_view_date_utc: Time = UNSET
    last_page_view_date_utc: Time = UNSET


class MarketingCustomEvent(Record, frozen=True, kw_only=True):
    """A marketing custom event."""

    prospect_id: Whole = UNSET
    category: Text = UNSET
    action: Text = UNSET
    label: Text = UNSET
    property: Text = UNSET
    value: Text = UNSET
    ipaddress: Text = UNSET
