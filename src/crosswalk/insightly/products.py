"""Products, price books and their entries."""

from msgspec import UNSET, field

from crosswalk.insightly.record import Custom, Flag, Number, Record, Text, Time, Whole


class Product(Record, frozen=True, kw_only=True):
    """A product."""

    product_id: Whole = UNSET
    product_name: Text = UNSET
    product_code: Text = UNSET
    product_sku: Text = UNSET
    description: Text = UNSET
    product_family: Text = UNSET
    product_image_url: Text = UNSET
    currency_code: Text = UNSET
    default_price: Number = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    created_user_id: Whole = UNSET
    owner_user_id: Whole = UNSET
    active: Flag = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")


class Pricebook(Record, frozen=True, kw_only=True):
    """A pricebook."""

    pricebook_id: Whole = UNSET
    name: Text = UNSET
    description: Text = UNSET
    currency_code: Text = UNSET
    is_standard: Flag = UNSET
    active: Flag = UNSET
    owner_user_id: Whole = UNSET
    created_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET


class PricebookEntry(Record, frozen=True, kw_only=True):
    """A pricebook entry."""

    pricebook_entry_id: Whole = UNSET
    pricebook_id: Whole = UNSET
    product_id: Whole = UNSET
    currency_code: Text = UNSET
    price: Number = UNSET
    use_standard_price: Flag = UNSET
    active: Flag = UNSET
    created_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")
