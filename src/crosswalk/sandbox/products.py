"""Products, price books, their entries, and what a line item of them costs."""

from crosswalk.sandbox.call import User
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.refusals import Invalid, failed
from crosswalk.sandbox.rules import Draft
from crosswalk.sandbox.table import Row
from crosswalk.sandbox.values import tame

CURRENCY = "USD"


def prepare_product(draft: Draft) -> None:
    """Give a product the instance's currency."""
    draft["CURRENCY_CODE"] = draft["CURRENCY_CODE"] or CURRENCY


def prepare_pricebook(draft: Draft) -> None:
    """Check a price book's currency; none means the instance's. Raises `Invalid`."""
    code = str(draft["CURRENCY_CODE"] or CURRENCY).upper()
    if next(draft.instance.tables["currencies"].where("CURRENCY_CODE", code), None) is None:
        raise Invalid((draft.name("CURRENCY_CODE"), f"The value '{code}' is not a valid CURRENCY_CODE."))
    draft["CURRENCY_CODE"] = code


def prepare_entry(draft: Draft) -> None:
    """Price a product once in a price book, in the book's currency. Raises `Invalid`."""
    books = draft.instance.tables["pricebook"]
    for name in ("PRICEBOOK_ID", "PRODUCT_ID"):
        if draft[name] is None:
            raise Invalid((draft.name(name), f"The {name} field is required."))
    same = draft.table.where("PRICEBOOK_ID", draft["PRICEBOOK_ID"])
    if draft.old is None and any(draft.table.get(row, "PRODUCT_ID") == draft["PRODUCT_ID"] for row in same):
        raise Invalid((draft.name("PRODUCT_ID"), f"Product {draft['PRODUCT_ID']} is in this price book already."))
    draft["CURRENCY_CODE"] = books.get(books.rows[int(str(draft["PRICEBOOK_ID"]))], "CURRENCY_CODE")
    if draft["USE_STANDARD_PRICE"]:
        products = draft.instance.tables["product"]
        draft["PRICE"] = products.get(products.rows[int(str(draft["PRODUCT_ID"]))], "DEFAULT_PRICE")


def part_product(instance: Instance, row: Row, user: User) -> None:
    """Keep a product that somebody was offered. Raises `Refusal` (417)."""
    for entry in instance.tables["pricebook_entry"].where("PRODUCT_ID", row.id):
        part_entry(instance, entry, user)


def part_entry(instance: Instance, row: Row, user: User) -> None:
    """Keep a price that a line item was made of. Raises `Refusal` (417)."""
    for key in ("opportunity_line_item", "quotation_line_item"):
        if next(instance.tables[key].where("PRICEBOOK_ENTRY_ID", row.id), None) is not None:
            raise failed()


def prepare_item(draft: Draft) -> None:
    """Reckon a line item: what it lists for, its subtotal, and the total after the discount in percent."""
    entries, number = draft.instance.tables["pricebook_entry"], draft["PRICEBOOK_ENTRY_ID"]
    entry = entries.rows.get(number) if isinstance(number, int) else None
    if draft.old is None and entry is None:
        raise Invalid((draft.name("PRICEBOOK_ENTRY_ID"), "The PRICEBOOK_ENTRY_ID field is required."))
    if entry is not None:
        draft["CURRENCY_CODE"] = draft["CURRENCY_CODE"] or entries.get(entry, "CURRENCY_CODE")
        if draft["LIST_PRICE"] is None:
            draft["LIST_PRICE"] = entries.get(entry, "PRICE")
    subtotal = tame(round(_amount(draft["UNIT_PRICE"]) * _amount(draft["QUANTITY"]), 2))
    draft["SUBTOTAL"] = subtotal
    draft["TOTAL_PRICE"] = round(subtotal * (1 - _amount(draft["DISCOUNT"]) / 100), 2)


def _amount(value: object) -> float:
    return value if isinstance(value, int | float) else 0
