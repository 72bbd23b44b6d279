"""Quotations: numbered, summed up from their line items, and synced to their opportunity."""

from crosswalk.sandbox.answers import answer_record, find_in_path, table_of
from crosswalk.sandbox.call import Answer, Call, User
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.products import CURRENCY
from crosswalk.sandbox.removal import remove
from crosswalk.sandbox.rules import Draft, change
from crosswalk.sandbox.table import Row
from crosswalk.sandbox.values import tame

FIRST_NUMBER = 1001
SHARED = ("PRICEBOOK_ENTRY_ID", "DESCRIPTION", "CURRENCY_CODE", "QUANTITY", "LIST_PRICE", "UNIT_PRICE")
SUMS = ("SUBTOTAL", "DISCOUNT", "TOTAL_PRICE")


def prepare(draft: Draft) -> None:
    """Number a new quotation, take its currency from the price book, and sum it up."""
    if draft.old is None:
        draft["QUOTATION_NUMBER"] = f"Q-{draft.instance.next_number('quotation', FIRST_NUMBER)}"
        draft["LINE_ITEM_COUNT"] = 0
        for name in SUMS:
            draft[name] = 0
    books, number = draft.instance.tables["pricebook"], draft["PRICEBOOK_ID"]
    book = books.rows.get(number) if isinstance(number, int) else None
    draft["QUOTATION_CURRENCY_CODE"] = CURRENCY if book is None else books.get(book, "CURRENCY_CODE")
    parts = (draft[name] for name in ("TOTAL_PRICE", "SHIPPING_HANDLING", "TAX"))
    draft["GRAND_TOTAL"] = tame(sum(map(_amount, parts)))


def settle_item(draft: Draft, row: Row) -> None:
    """Sum up the quotation of a changed line item."""
    sum_up(draft.instance, draft["QUOTE_ID"], without=0)


def part_item(instance: Instance, row: Row, user: User) -> None:
    """Sum up a quotation without the line item that leaves."""
    sum_up(instance, instance.tables["quotation_line_item"].get(row, "QUOTE_ID"), without=row.id)


def sum_up(instance: Instance, number: object, *, without: int) -> None:
    """Write a quotation's sums from its line items."""
    table, items = instance.tables["quotation"], instance.tables["quotation_line_item"]
    row = table.rows.get(number) if isinstance(number, int) else None
    if row is None:
        return
    mine = [item for item in items.where("QUOTE_ID", number) if item.id != without]
    subtotal = sum(_amount(items.get(item, "SUBTOTAL")) for item in mine)
    total = sum(_amount(items.get(item, "TOTAL_PRICE")) for item in mine)
    values, place = list(row.values), table.schema.place
    grand = total + _amount(table.get(row, "SHIPPING_HANDLING")) + _amount(table.get(row, "TAX"))
    sums = {"subtotal": subtotal, "discount": round(subtotal - total, 2), "total_price": total, "grand_total": grand}
    for name, value in {**sums, "line_item_count": len(mine)}.items():
        values[place[name]] = tame(value)
    table.replace(row, values, version=instance.next_version())


def sync(instance: Instance, call: Call) -> Answer:
    """Make a quotation's line items those of its opportunity; it alone is the synced one."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    opportunity = table.get(row, "OPPORTUNITY_ID")
    for other in list(table.where("OPPORTUNITY_ID", opportunity)):
        if other is not row and table.get(other, "IS_SYNCING"):
            change(instance, call, table, row=other, values={"IS_SYNCING": False})
    _copy_items(instance, call, quotation=row, opportunity=opportunity)
    change(instance, call, table, row=row, values={"IS_SYNCING": True})
    return answer_record(instance, call, table, row=row)


def _copy_items(instance: Instance, call: Call, *, quotation: Row, opportunity: object) -> None:
    items, lines = instance.tables["quotation_line_item"], instance.tables["opportunity_line_item"]
    for line in list(lines.where("OPPORTUNITY_ID", opportunity)):
        remove(instance, lines, line, user=call.user)
    for item in list(items.where("QUOTE_ID", quotation.id)):
        copied = (*SHARED, "SUBTOTAL", "DISCOUNT", "TOTAL_PRICE", "DATE_CREATED_UTC", "DATE_UPDATED_UTC")
        facts = {name: items.get(item, name) for name in copied} | {"OPPORTUNITY_ID": opportunity}
        values = [facts.get(name) for name in lines.schema.names]
        line = lines.add(values, version=instance.next_version(), born=call.now.timestamp())
        change(instance, call, items, row=item, values={"OPPORTUNITY_ITEM_ID": line.id})


def _amount(value: object) -> float:
    return value if isinstance(value, int | float) else 0
