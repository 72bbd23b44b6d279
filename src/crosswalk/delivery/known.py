"""What is asked of an account for a plan's sake, before its first row or to show what rows would become."""

from msgspec import Struct

from crosswalk.delivery.custom_fields import Custom
from crosswalk.delivery.plan import SettledPlan
from crosswalk.delivery.references import References, list_tables, load_references
from crosswalk.insightly import Insightly


class Known(Struct, frozen=True, kw_only=True):
    """An account's custom fields of one object, and its tables of names; `None` is what nobody asked for."""

    custom: Custom = None
    references: References | None = None


async def ask_account(crm: Insightly, plan: SettledPlan, *, custom: Custom = None) -> Known:
    """Ask for what a plan needs and no more; `custom` fields that were read a moment ago are not read again."""
    if plan.sends_custom and custom is None:
        custom = (await crm.custom_fields(plan.route.object)).fields
    references = await load_references(crm, list_tables(plan.lookups)) if plan.lookups else None
    return Known(custom=custom, references=references)


def count_questions(plan: SettledPlan) -> int:
    """Calls before the first row: one for custom fields, and one for each table of at most 500 names."""
    return plan.sends_custom + len(list_tables(plan.lookups))


def count_reads(plan: SettledPlan, rows: int) -> int:
    """Calls beside those that send the rows: one where a record is looked for, or read before it is written."""
    return rows if plan.upserts or plan.needs_present else 0
