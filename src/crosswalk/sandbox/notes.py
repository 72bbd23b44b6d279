"""Notes: made only below a contact, lead, opportunity, organisation or project (S1, S2)."""

from crosswalk.sandbox.answers import answer_record
from crosswalk.sandbox.bodies import id_in_body, read_object
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.linked import end_of, join
from crosswalk.sandbox.refusals import missing
from crosswalk.sandbox.writing import create, update


def create_note(instance: Instance, call: Call) -> Answer:
    """Make a note and link it to its parent."""
    end, table = end_of(instance, call), instance.tables["notes"]
    row = create(instance, call, table, body=read_object(call, table.schema.head))
    join(instance, ("notes", row.id), end, now=call.now)
    return answer_record(instance, call, table, row=row)


def update_note(instance: Instance, call: Call) -> Answer:
    """Change a note that is linked to this parent."""
    end, table = end_of(instance, call), instance.tables["notes"]
    body = read_object(call, table.schema.head)
    number = id_in_body(table, body)
    if number not in instance.links.linked(end, "notes"):
        raise missing("Note", number)
    row = update(instance, call, table, row=table.rows[number], body=body)
    return answer_record(instance, call, table, row=row)
