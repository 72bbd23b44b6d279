"""Opportunities with their line items, states, reasons and categories."""

from msgspec import UNSET, UnsetType, field

from crosswalk.insightly.links import Link, Tag
from crosswalk.insightly.record import Custom, Flag, Number, Record, Text, Time, Whole


class Opportunity(Record, frozen=True, kw_only=True):
    """An opportunity."""

    opportunity_id: Whole = UNSET
    opportunity_name: Text = UNSET
    opportunity_details: Text = UNSET
    opportunity_state: Text = UNSET
    responsible_user_id: Whole = UNSET
    category_id: Whole = UNSET
    image_url: Text = UNSET
    bid_currency: Text = UNSET
    bid_amount: Number = UNSET
    bid_type: Text = UNSET
    bid_duration: Whole = UNSET
    actual_close_date: Time = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    visible_to: Text = UNSET
    visible_team_id: Whole = UNSET
    opportunity_value: Number = UNSET
    probability: Whole = UNSET
    forecast_close_date: Time = UNSET
    owner_user_id: Whole = UNSET
    last_activity_date_utc: Time = UNSET
    next_activity_date_utc: Time = UNSET
    pipeline_id: Whole = UNSET
    stage_id: Whole = UNSET
    created_user_id: Whole = UNSET
    organisation_id: Whole = UNSET
    pricebook_id: Whole = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")
    tags: tuple[Tag, ...] | UnsetType | None = UNSET
    links: tuple[Link, ...] | UnsetType | None = UNSET
    linked_email_address: Text = UNSET
    etag: Text = field(default=UNSET, name="ETag")


class OpportunityLineItem(Record, frozen=True, kw_only=True):
    """An opportunity line item."""

    opportunity_item_id: Whole = UNSET
    opportunity_id: Whole = UNSET
    pricebook_entry_id: Whole = UNSET
    currency_code: Text = UNSET
    unit_price: Number = UNSET
    description: Text = UNSET
    quantity: Number = UNSET
    service_date: Time = UNSET
    total_price: Number = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    list_price: Number = UNSET
    subtotal: Number = UNSET
    discount: Number = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")


class OpportunityState(Record, frozen=True, kw_only=True):
    """A state of an opportunity, and since when."""

    opportunity_id: Whole = UNSET
    date_changed_utc: Time = UNSET
    for_opportunity_state: Text = UNSET
    state_reason_id: Whole = UNSET
    state_reason: Text = UNSET


class OpportunityStateReason(Record, frozen=True, kw_only=True):
    """An opportunity state reason."""

    state_reason_id: Whole = UNSET
    state_reason: Text = UNSET
    for_opportunity_state: Text = UNSET


class OpportunityCategory(Record, frozen=True, kw_only=True):
    """An opportunity category."""

    category_id: Whole = UNSET
    category_name: Text = UNSET
    active: Flag = UNSET
    background_color: Text = UNSET


class PricebookChange(Record, frozen=True, kw_only=True):
    """The price book to move an opportunity to."""

    pricebook_id: Whole = UNSET
