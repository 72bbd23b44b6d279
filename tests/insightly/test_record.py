"""What a record keeps."""

from datetime import UTC, datetime

import msgspec
import pytest
from msgspec import UNSET

from crosswalk.insightly import Contact, Link, QuotationDocument, Tag
from crosswalk.insightly.record import read_many, read_one, to_fields

WIRE = (
    b'{"CONTACT_ID": 7, "LAST_NAME": null, "FIRST_NAME": "Avery", "DATE_CREATED_UTC": "2025-04-19 00:49:32", '
    b'"SHOE_SIZE": 44, "TAGS": [{"TAG_NAME": "vip"}], '
    b'"CUSTOMFIELDS": [{"FIELD_NAME": "Tier__c", "FIELD_VALUE": "Gold", "CUSTOM_FIELD_ID": "Tier__c"}]}'
)


def test_names_and_types():
    """Fields have our names, times are aware, custom fields a mapping, parts are records."""
    contact = read_one(WIRE, Contact)
    assert (7, "Avery") == (contact.contact_id, contact.first_name)
    assert datetime(2025, 4, 19, 0, 49, 32, tzinfo=UTC) == contact.date_created_utc
    assert {"Tier__c": "Gold"} == contact.custom_fields
    assert (Tag(tag_name="vip"),) == contact.tags


def test_absent_is_not_null():
    """What was absent is `UNSET`, what was null is `None`."""
    contact = read_one(WIRE, Contact)
    assert (None, UNSET) == (contact.last_name, contact.phone)


def test_unknown_fields_survive_in_order():
    """`raw` holds everything that came, in the order in which it came."""
    raw = read_one(WIRE, Contact).raw
    assert 44 == raw["SHOE_SIZE"]
    assert list(msgspec.json.decode(WIRE)) == list(raw)


def test_exact_bytes():
    """`wire` is what Insightly sent, byte for byte."""
    assert WIRE == read_one(WIRE, Contact).wire
    assert WIRE == read_many(b"[" + WIRE + b" ]", Contact)[0].wire


@pytest.mark.parametrize("body", [b'{"CONTACT_ID": "7"}', b'{"CONTACT_ID": 7.0}', b'{"CONTACT_ID": 7}'])
def test_ids_in_any_form(body):
    """An id is a number, however it is spelled."""
    assert 7 == read_one(body, Contact).contact_id


def test_number_documented_as_text():
    """A field whose document says text and whose name says id is read either way."""
    assert (5, "5") == tuple(read_one(b, QuotationDocument).quote_id for b in (b'{"QUOTE_ID":5}', b'{"QUOTE_ID":"5"}'))


def test_empty_list():
    """An empty body is an empty list: it was seen."""
    assert () == read_many(b"", Contact)


def test_to_the_wire():
    """Only what is set is sent: `None` clears, `UNSET` stays away, times and custom fields in Insightly's form."""
    contact = Contact(
        first_name="Ada",
        phone=None,
        date_of_birth=datetime(1815, 12, 10, tzinfo=UTC),
        custom_fields={"Tier__c": ("a", "b")},
        links=(Link(link_object_id=3),),
    )
    assert {
        "FIRST_NAME": "Ada",
        "DATE_OF_BIRTH": "1815-12-10 00:00:00",
        "PHONE": None,
        "CUSTOMFIELDS": [{"FIELD_NAME": "Tier__c", "FIELD_VALUE": "a;b"}],
        "LINKS": [{"LINK_OBJECT_ID": 3}],
    } == to_fields(contact)


def test_made_here():
    """A record made here has bytes of its own."""
    assert b'{"FIRST_NAME":"Ada"}' == Contact(first_name="Ada").wire


def test_there_and_back():
    """What is sent is read again as the same record."""
    contact = Contact(first_name="Ada", custom_fields={"Tier__c": 1}, email_opted_out=False, last_name=None)
    assert contact == read_one(contact.wire, Contact)


def test_wrong_shape():
    """Text where a number belongs is an error that names the place."""
    with pytest.raises(msgspec.ValidationError, match=r"\$.CONTACT_ID"):
        read_one(b'{"CONTACT_ID": "seven"}', Contact)


def test_repr_is_short():
    """A `repr` shows what is set, nothing else."""
    assert "Contact(first_name='Ada')" == repr(Contact(first_name="Ada"))


def test_nothing_in_odd_forms():
    """An empty time and null custom fields are nothing, not an error."""
    contact = read_one(b'{"DATE_OF_BIRTH": "", "CUSTOMFIELDS": null}', Contact)
    assert (None, None) == (contact.date_of_birth, contact.custom_fields)
