"""What stands between a path and a struct."""

from datetime import UTC, datetime

import pytest

from crosswalk.contract import load
from crosswalk.insightly import BadAnswer, Contact, Link
from crosswalk.insightly.body import Shape, to_body
from crosswalk.insightly.call import Answer, Call
from crosswalk.insightly.reading import decode, segment, to_value

CALL = Call(method="POST", path="/Projects/7/Milestones")


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (True, "true"),
        (False, "false"),
        (7, "7"),
        ("Ada & Eve", "Ada & Eve"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
    ],
)
def test_values_to_search_for(value, spelled):
    """A value is spelled as queries want it."""
    assert spelled == to_value(value)


@pytest.mark.parametrize(("value", "spelled"), [(7, "7"), ("a/b c", "a%2Fb%20c"), ("../x?y#z", "..%2Fx%3Fy%23z")])
def test_a_part_of_a_path_stays_one(value, spelled):
    """No id or name can lead to another path."""
    assert spelled == segment(value)


def test_the_last_of_a_list_is_the_new_one():
    """Where a child's POST answers the whole list, the last is the new one."""
    answer = Answer(status=201, body=b'[{"CONTACT_ID": 1}, {"CONTACT_ID": 2}]')
    assert 2 == decode(CALL, answer, Contact)[-1].contact_id


def test_an_empty_list_is_no_record():
    """Where one record is meant, an empty list is unreadable."""
    with pytest.raises(BadAnswer, match="an empty list"):
        decode(CALL, Answer(status=200, body=b"[]"), Contact)


def test_custom_fields_that_are_none():
    """Custom fields of another shape than a list are unreadable, not skipped."""
    with pytest.raises(BadAnswer, match="CUSTOMFIELDS"):
        decode(CALL, Answer(status=200, body=b'{"CUSTOMFIELDS": {"a": 1}}'), Contact)


def test_records_within_a_mapping():
    """A mapping may hold records, alone or in a list."""
    shape = Shape("Contacts", load().resource("Contacts").fields, Contact, checks=False)
    body = to_body(shape, {"links": (Link(link_id=1),), "dates": Link(link_id=2)}, creates=True)
    assert {"LINKS": [{"LINK_ID": 1}], "DATES": {"LINK_ID": 2}} == body
