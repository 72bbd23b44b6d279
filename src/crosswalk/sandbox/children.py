"""Records that are written below a parent: milestones, line items, price book entries, posts, comments."""

from dataclasses import dataclass

from crosswalk.sandbox.answers import DELETED, answer_record, find, find_in_path, read_id, table_of
from crosswalk.sandbox.bodies import id_in_body, read_object
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.query import answer_rows, test_updated
from crosswalk.sandbox.refusals import missing
from crosswalk.sandbox.removal import remove
from crosswalk.sandbox.table import Row, Table
from crosswalk.sandbox.writing import create, update


@dataclass(frozen=True, slots=True)
class Child:
    """Where the children below one route are kept, the field that names their parent, and what they take from it."""

    key: str
    field: str
    inherits: tuple[str, ...] = ()


CHILDREN = {
    ("projects", "Milestones"): Child("milestones", "PROJECT_ID"),
    ("opportunities", "OpportunityLineItem"): Child("opportunity_line_item", "OPPORTUNITY_ID"),
    ("quotation", "QuotationLineItem"): Child("quotation_line_item", "QUOTE_ID"),
    ("quotation", "QuotationDocument"): Child("quotation_documents", "QUOTE_ID"),
    ("pricebook", "PricebookEntry"): Child("pricebook_entry", "PRICEBOOK_ID"),
    ("product", "PricebookEntry"): Child("pricebook_entry", "PRODUCT_ID"),
    ("community_forums", "CommunityPosts"): Child("community_posts", "FORUM_ID"),
    ("community_posts", "CommunityComments"): Child("community_comments", "POST_ID", ("FORUM_ID",)),
    ("notes", "Comment"): Child("comments", "NOTE_ID"),
    ("notes", "Comments"): Child("comments", "NOTE_ID"),
    ("tasks", "Comments"): Child("comments", "TASK_ID"),
    ("emails", "Comments"): Child("comments", "EMAIL_ID"),
    ("ticket", "Comments"): Child("ticket_comments", "TICKET_ID"),
}


def list_children(instance: Instance, call: Call) -> Answer:
    """Answer the children of one parent, oldest first."""
    parent, table, child = _family(instance, call)
    passes = test_updated(table, call)
    rows = (row for row in table.all() if _is_of(table, row, child, parent))
    return answer_rows(instance, call, table, ids=[row.id for row in rows if passes is None or passes(row)])


def create_child(instance: Instance, call: Call) -> Answer:
    """Make a child of one parent."""
    parent, table, child = _family(instance, call)
    body = read_object(call, table.schema.head)
    above = table_of(instance, call)
    fixed = {child.field: parent.id} | {name: above.get(parent, name) for name in child.inherits}
    row = create(instance, call, table, body=body, fixed=fixed)
    return answer_record(instance, call, table, row=row)


def update_child(instance: Instance, call: Call) -> Answer:
    """Change a child of one parent; its id comes in the body."""
    parent, table, child = _family(instance, call)
    body = read_object(call, table.schema.head)
    row = _find_child(table, id_in_body(table, body), child=child, parent=parent)
    return answer_record(instance, call, table, row=update(instance, call, table, row=row, body=body))


def delete_child(instance: Instance, call: Call) -> Answer:
    """Remove a child of one parent."""
    parent, table, child = _family(instance, call)
    name = call.operation.path.rpartition("{")[2].rstrip("}")
    row = _find_child(table, read_id(call.params[name], name), child=child, parent=parent)
    remove(instance, table, row, user=call.user)
    return DELETED


def _family(instance: Instance, call: Call) -> tuple[Row, Table, Child]:
    segment = call.operation.path.removeprefix(f"{call.resource.path}/{{id}}/").partition("/")[0]
    child = CHILDREN[call.resource.key, segment]
    parent = find_in_path(instance, table_of(instance, call), call)
    return parent, instance.tables[child.key], child


def _find_child(table: Table, number: int, *, child: Child, parent: Row) -> Row:
    row = find(table, number)
    if not _is_of(table, row, child, parent):
        raise missing(table.schema.record, number)
    return row


def _is_of(table: Table, row: Row, child: Child, parent: Row) -> bool:
    # Quotation documents write their quotation's id as text (official document).
    return str(table.get(row, child.field)) == str(parent.id)
