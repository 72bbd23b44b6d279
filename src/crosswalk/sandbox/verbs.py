"""The verbs of a collection, written once: list, get, search, create, update, delete."""

from crosswalk.sandbox.activity import refresh_activity
from crosswalk.sandbox.answers import (
    DELETED,
    answer_record,
    check_if_match,
    find_in_path,
    find_visible,
    table_of,
    visible_ids,
)
from crosswalk.sandbox.bodies import id_in, read_object
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.query import answer_rows, test_updated
from crosswalk.sandbox.removal import remove
from crosswalk.sandbox.search import search_by_tag_ids, search_ids
from crosswalk.sandbox.writing import check_rights, create, rules_of, update


def list_records(instance: Instance, call: Call) -> Answer:
    """Answer a page of every record, oldest first. `updated_after_utc` is ignored here unless a switch says so."""
    table = table_of(instance, call)
    passes = test_updated(table, call)
    ids = visible_ids(instance, call, table)
    if passes is not None:
        ids = [number for number in ids if passes(table.rows[number])]
    return answer_rows(instance, call, table, ids=ids)


def get_record(instance: Instance, call: Call) -> Answer:
    """Answer one record by id."""
    table = table_of(instance, call)
    return answer_record(instance, call, table, row=find_in_path(instance, table, call))


def search_records(instance: Instance, call: Call) -> Answer:
    """Answer the records that a search finds."""
    table = table_of(instance, call)
    return answer_rows(instance, call, table, ids=search_ids(instance, call, table))


def search_by_tag(instance: Instance, call: Call) -> Answer:
    """Answer the records that carry a tag."""
    table = table_of(instance, call)
    return answer_rows(instance, call, table, ids=search_by_tag_ids(instance, call, table))


def create_record(instance: Instance, call: Call) -> Answer:
    """Make a record of a body."""
    table = table_of(instance, call)
    row = create(instance, call, table, body=read_object(call, table.schema.head))
    return answer_record(instance, call, table, row=row)


def update_record(instance: Instance, call: Call) -> Answer:
    """Change a record: its id comes in the path or in the body."""
    table = table_of(instance, call)
    body = read_object(call, table.schema.head)
    row = find_visible(instance, call, table, number=id_in(call, table, body))
    check_if_match(call, table, row)
    return answer_record(instance, call, table, row=update(instance, call, table, row=row, body=body))


def delete_record(instance: Instance, call: Call) -> Answer:
    """Remove a record and what hangs on it; 202 without a body."""
    table = table_of(instance, call)
    check_rights(call, rules_of(instance, table))
    row = find_in_path(instance, table, call)
    check_if_match(call, table, row)
    ends = [link.other((table.schema.key, row.id)) for link in instance.links.of((table.schema.key, row.id))]
    remove(instance, table, row, user=call.user)
    for end in ends:
        refresh_activity(instance, end, now=call.now)
    return DELETED
