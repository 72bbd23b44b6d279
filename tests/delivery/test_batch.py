"""Batches: who travels together, in which body, and what stays as it was."""

import json
from datetime import UTC, datetime
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.contract import load
from crosswalk.delivery.batch import OPEN, pack, repack
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.grouping import EXAMPLES, Grouping, make_grouping
from crosswalk.delivery.payload import Payload, make_payload
from crosswalk.delivery.plan import Manual, Plan, Rows
from crosswalk.delivery.planning import settle_plan

BASE = "https://api.na1.insightly.com/v3.1"
ANN, BO, CY = ({"FIRST_NAME": name, "OWNER_USER_ID": owner} for name, owner in (("Ann", 7), ("Bo", 7), ("Cy", 9)))


def plan(grouping, url="/Contacts/Bulk"):
    """A settled plan that posts contacts to a bulk route."""
    asked = Plan(call=Manual(method="POST", url=BASE + url), grouping=grouping)
    rows = Rows(("FIRST_NAME", "OWNER_USER_ID"), closed=False)
    return settle_plan(asked, load(), rows, base_url=BASE, now=datetime(2026, 3, 1, tzinfo=UTC))


def parcels(grouping, *records, path="/Contacts/Bulk"):
    """The calls that some records make."""
    return list(pack(plan(grouping), enumerate((Payload("POST", path, record) for record in records), start=1)))


def bodies(grouping, *records):
    """The bodies of these calls."""
    return [json.loads(parcel.body) for parcel in parcels(grouping, *records)]


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("json_array", (), [[ANN, BO], [CY]]),
        ("property_in_object", (), [{"records": [ANN, BO]}, {"records": [CY]}]),
        ("property_in_object", (("property", "data.rows"),), [{"data": {"rows": [ANN, BO]}}, {"data": {"rows": [CY]}}]),
        (
            "property_in_object",
            (("constants", '{"mode":"x"}'),),
            [{"mode": "x", "records": [ANN, BO]}, {"mode": "x", "records": [CY]}],
        ),
        (
            "property_in_object",
            (("constants", '{"data":{"mode":"x"}}'), ("property", "data.rows")),
            [{"data": {"mode": "x", "rows": [ANN, BO]}}, {"data": {"mode": "x", "rows": [CY]}}],
        ),
        ("keyed_object", (("key_attribute", "FIRST_NAME"),), [{"Ann": ANN, "Bo": BO}, {"Cy": CY}]),
        (
            "template",
            (("expression", EXAMPLES["wrapped records"]),),
            [
                {"records": [{"type": "contact", "data": ANN}, {"type": "contact", "data": BO}]},
                {"records": [{"type": "contact", "data": CY}]},
            ],
        ),
        (
            "template",
            (("expression", EXAMPLES["group by a field"]),),
            [{"owners": {"7": [ANN, BO]}}, {"owners": {"9": [CY]}}],
        ),
        (
            "template",
            (("expression", EXAMPLES["rows of columns"]),),
            [{"rows": [["Ann"], ["Bo"]]}, {"rows": [["Cy"]]}],
        ),
        (
            "template",
            (("expression", EXAMPLES["with a count"]),),
            [{"count": 2, "records": [ANN, BO]}, {"count": 1, "records": [CY]}],
        ),
    ],
)
def test_bodies(name, options, expected):
    """Each grouping makes its own body of two records and one."""
    assert expected == bodies(make_grouping(name, 2, options), ANN, BO, CY)


def test_a_batch_that_has_no_body_is_halved():
    """Where an expression makes a body of each record but none of all, its halves go on their own, all of them."""
    grouping = Grouping(algorithm="template", expression="$count(records) > 2 ? 'none' : {'r': [records]}")
    made = parcels(grouping, ANN, BO, CY)
    assert [(1,), (2, 3)] == [parcel.numbers for parcel in made]


def test_a_record_that_has_no_body_is_a_dead_letter():
    """A record of which an expression makes no body is refused by itself, before any call."""
    settled = plan(Grouping(algorithm="template", expression="{'r': [records], 's': $number(records[0].FIRST_NAME)}"))
    made = [make_payload(settled, {"FIRST_NAME": name}) for name in ("Ann", "5")]
    assert "the grouping: the expression fails" in made[0].reason
    assert {"FIRST_NAME": "5"} == made[1].body


def test_no_batching():
    """Without a grouping, each record is a call of its own, with its own key and match."""
    alone = Payload("POST", "/Contacts", ANN, "a@b", (("X", "1"),), ("EMAIL_ADDRESS", "a@b"))
    (parcel,) = pack(plan(None), [(5, alone)])
    assert ((5,), ANN, "a@b", (("X", "1"),), ("EMAIL_ADDRESS", "a@b")) == (
        parcel.numbers,
        json.loads(parcel.body),
        parcel.key,
        parcel.headers,
        parcel.match,
    )


def test_no_body():
    """A call without a body stays without one."""
    (parcel,) = pack(plan(None), [(1, Payload("DELETE", "/Contacts/7", None, "7"))])
    assert (None, "7") == (parcel.body, parcel.key)


def test_a_repeated_name_starts_the_next_batch():
    """No record of a keyed object covers another."""
    keyed = make_grouping("keyed_object", 100, (("key_attribute", "OWNER_USER_ID"),))
    assert [{"7": ANN}, {"7": BO, "9": CY}] == bodies(keyed, ANN, BO, CY)


def test_a_batch_closes_before_its_bytes_are_exceeded():
    """The body with one more record would be larger than allowed."""
    two = len(json.dumps([ANN, BO], separators=(",", ":")))
    assert [[1, 2], [3]] == [
        [*p.numbers] for p in parcels(Grouping(algorithm="json_array", max_bytes=two + 1), ANN, BO, CY)
    ]


def test_a_large_record_stands_alone():
    """A record that alone exceeds the bytes goes by itself, and the others go on."""
    large = {"FIRST_NAME": "x" * 500}
    assert [[ANN, BO], [large], [CY]] == bodies(Grouping(algorithm="json_array", max_bytes=200), ANN, BO, large, CY)


def test_one_call_has_one_url():
    """Rows of different URLs fill different batches; within each they keep their order."""
    grouping = Grouping(algorithm="json_array", size=2)
    rows = [(number, Payload("POST", f"/Contacts/{number % 2}/Bulk", ANN, str(number % 2))) for number in range(1, 6)]
    made = [(parcel.path, parcel.numbers, parcel.key) for parcel in pack(plan(grouping), rows)]
    assert [
        ("/Contacts/1/Bulk", (1, 3), "1"),
        ("/Contacts/0/Bulk", (2, 4), "0"),
        ("/Contacts/1/Bulk", (5,), "1"),
    ] == made


def test_keys_that_differ_are_no_key():
    """A batch of several keys has none."""
    rows = [(1, Payload("POST", "/Contacts/Bulk", ANN, "a")), (2, Payload("POST", "/Contacts/Bulk", BO, "b"))]
    assert [None] == [parcel.key for parcel in pack(plan(Grouping(algorithm="json_array")), rows)]


def test_endless_rows_fill_batches():
    """Batches come out while rows still come in."""
    rows = ((number, Payload("POST", "/Contacts/Bulk", ANN)) for number in count(1))
    first = next(pack(plan(Grouping(algorithm="json_array", size=3)), rows))
    assert (1, 2, 3) == first.numbers


def test_endless_urls_keep_few_batches_open():
    """With a URL a row, the oldest batch goes out first, and few wait."""
    rows = ((number, Payload("POST", f"/Contacts/{number}/Bulk", ANN)) for number in count(1))
    seen = islice(pack(plan(Grouping(algorithm="json_array")), rows), OPEN * 3)
    assert [(number,) for number in range(1, OPEN * 3 + 1)] == [parcel.numbers for parcel in seen]


RECORDS = st.lists(st.fixed_dictionaries({"FIRST_NAME": st.sampled_from("abcde"), "TITLE": st.text(max_size=20)}))
GROUPINGS = st.builds(
    Grouping,
    algorithm=st.sampled_from(["json_array", "property_in_object", "keyed_object"]),
    size=st.integers(1, 5),
    max_bytes=st.integers(1, 200),
    key_attribute=st.just("FIRST_NAME"),
)


@given(RECORDS, GROUPINGS)
def test_every_row_travels_once_in_order(records, grouping):
    """Whatever the settings, each row is in one batch, in the order of arrival."""
    if grouping.algorithm != "keyed_object":
        grouping = Grouping(algorithm=grouping.algorithm, size=grouping.size, max_bytes=grouping.max_bytes)
    made = parcels(grouping, *records)
    assert [*range(1, len(records) + 1)] == [number for parcel in made for number in parcel.numbers]


@given(RECORDS, GROUPINGS)
def test_no_batch_exceeds_its_settings(records, grouping):
    """No batch holds more records than asked, nor more bytes unless it holds one."""
    made = parcels(grouping, *records)
    assert all(len(p.numbers) <= grouping.size for p in made)
    assert all(len(p.body) <= grouping.max_bytes or len(p.numbers) == 1 for p in made)


@given(RECORDS.filter(bool), GROUPINGS)
def test_a_batch_packed_again_is_the_same(records, grouping):
    """The members of one batch make the same batch again; so a repeat never changes who travels."""
    settled = plan(grouping)
    rows = list(enumerate((Payload("POST", "/Contacts/Bulk", record) for record in records), start=1))
    for parcel in pack(settled, rows):
        assert [parcel] == repack(settled, [row for row in rows if row[0] in parcel.numbers])


@pytest.mark.parametrize(
    ("name", "size", "options", "says"),
    [
        ("array", None, (), "no grouping 'array'"),
        ("template", None, (), "template needs expression"),
        ("template", None, (("expression", "records["),), "cannot be read"),
        ("template", None, (("property", "x"),), "template has no option 'property'"),
        ("json_array", 0, (), "batch of 0 is not possible"),
        ("json_array", 501, (), "Take 1 to 500"),
        ("json_array", None, (("property", "x"),), "json_array has no option 'property'"),
        ("json_array", None, (("max_bytes", "many"),), "max_bytes is 'many'"),
        ("json_array", None, (("max_bytes", "0"),), "Take 1 or more"),
        ("json_array", None, (("max_bytes", "1"), ("max_bytes", "2")), "given twice"),
        ("keyed_object", None, (), "needs key_attribute"),
        ("property_in_object", None, (("constants", "[1]"),), "no JSON object"),
        ("property_in_object", None, (("constants", '{"records":1}'),), "already hold 'records'"),
        ("property_in_object", None, (("constants", '{"a":1}'), ("property", "a.b")), "already hold 'a'"),
        ("property_in_object", None, (("property", "a..b"),), "empty name"),
        (None, 10, (), "Batches need a grouping"),
        ("none", None, (("max_bytes", "1"),), "Batches need a grouping"),
    ],
)
def test_settings_that_cannot_work(name, size, options, says):
    """A setting that no batch can have is said at once."""
    with pytest.raises(PlanError, match=says):
        make_grouping(name, size, options)


def test_a_row_without_its_name_in_the_batch():
    """A record that a keyed object cannot name is refused before a call is spent."""
    keyed = plan(make_grouping("keyed_object", None, (("key_attribute", "TITLE"),)))
    assert "TITLE, which names the record in its batch, is empty" == make_payload(keyed, {"FIRST_NAME": "Ann"}).reason
