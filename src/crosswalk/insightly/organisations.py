"""Organisations and their email domains."""

from msgspec import UNSET, UnsetType, field

from crosswalk.insightly.contacts import Date
from crosswalk.insightly.links import Link, Tag
from crosswalk.insightly.record import Custom, Record, Text, Time, Whole


class EmailDomain(Record, frozen=True, kw_only=True):
    """An email domain."""

    email_domain_id: Whole = UNSET
    email_domain: Text = UNSET


class Organisation(Record, frozen=True, kw_only=True):
    """An organisation."""

    organisation_id: Whole = UNSET
    organisation_name: Text = UNSET
    background: Text = UNSET
    image_url: Text = UNSET
    owner_user_id: Whole = UNSET
    visible_to: Text = UNSET
    visible_team_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    last_activity_date_utc: Time = UNSET
    next_activity_date_utc: Time = UNSET
    created_user_id: Whole = UNSET
    phone: Text = UNSET
    phone_fax: Text = UNSET
    website: Text = UNSET
    address_billing_street: Text = UNSET
    address_billing_city: Text = UNSET
    address_billing_state: Text = UNSET
    address_billing_country: Text = UNSET
    address_billing_postcode: Text = UNSET
    address_ship_street: Text = UNSET
    address_ship_city: Text = UNSET
    address_ship_state: Text = UNSET
    address_ship_postcode: Text = UNSET
    address_ship_country: Text = UNSET
    social_linkedin: Text = UNSET
    social_facebook: Text = UNSET
    social_twitter: Text = UNSET
    email_domain: Text = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")
    tags: tuple[Tag, ...] | UnsetType | None = UNSET
    dates: tuple[Date, ...] | UnsetType | None = UNSET
    email_domains: tuple[EmailDomain, ...] | UnsetType | None = field(default=UNSET, name="EMAILDOMAINS")
    links: tuple[Link, ...] | UnsetType | None = UNSET
    etag: Text = field(default=UNSET, name="ETag")
