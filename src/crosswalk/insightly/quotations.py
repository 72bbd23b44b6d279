"""Quotations, their line items and documents."""

from msgspec import UNSET, field

from crosswalk.insightly.record import Custom, Flag, Loose, Number, Record, Text, Time, Whole


class Quotation(Record, frozen=True, kw_only=True):
    """A quotation."""

    quote_id: Whole = UNSET
    quotation_name: Text = UNSET
    opportunity_id: Whole = UNSET
    contact_id: Whole = UNSET
    organisation_id: Whole = UNSET
    pricebook_id: Whole = UNSET
    quotation_number: Text = UNSET
    quotation_description: Text = UNSET
    quotation_phone: Text = UNSET
    quotation_email: Text = UNSET
    quotation_fax: Text = UNSET
    quote_status: Text = UNSET
    quotation_expiration_date: Time = UNSET
    line_item_count: Whole = UNSET
    is_syncing: Flag = UNSET
    quotation_currency_code: Text = UNSET
    subtotal: Number = UNSET
    discount: Number = UNSET
    total_price: Number = UNSET
    shipping_handling: Number = UNSET
    tax: Number = UNSET
    grand_total: Number = UNSET
    address_billing_name: Text = UNSET
    address_billing_street: Text = UNSET
    address_billing_city: Text = UNSET
    address_billing_state: Text = UNSET
    address_billing_postcode: Text = UNSET
    address_billing_country: Text = UNSET
    address_shipping_name: Text = UNSET
    address_shipping_street: Text = UNSET
    address_shipping_city: Text = UNSET
    address_shipping_state: Text = UNSET
    address_shipping_postcode: Text = UNSET
    address_shipping_country: Text = UNSET
    owner_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    created_user_id: Whole = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")


class QuotationLineItem(Record, frozen=True, kw_only=True):
    """A quotation line item."""

    quotation_item_id: Whole = UNSET
    quote_id: Whole = UNSET
    opportunity_item_id: Whole = UNSET
    pricebook_entry_id: Whole = UNSET
    description: Text = UNSET
    currency_code: Text = UNSET
    quantity: Number = UNSET
    list_price: Number = UNSET
    unit_price: Number = UNSET
    subtotal: Number = UNSET
    discount: Number = UNSET
    total_price: Number = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    sort_order: Whole = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")


class QuotationDocument(Record, frozen=True, kw_only=True):
    """A quotation document."""

    quote_document_id: Whole = UNSET
    quotation_name: Text = UNSET
    file_name: Text = UNSET
    owner_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    quote_id: Loose = UNSET
    file_id: Loose = UNSET
    currency_code: Text = UNSET
