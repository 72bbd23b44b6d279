"""The structs against the contract."""

import re

import msgspec
import pytest

from crosswalk.contract import load
from crosswalk.insightly.client import Insightly
from crosswalk.insightly.kinds import KINDS
from crosswalk.insightly.record import names_of, read_one, to_fields

CONTRACT = load()
SPECIAL = {"CUSTOMFIELDS": "custom_fields", "EMAILDOMAINS": "email_domains", "TEAMMEMBERS": "team_members"}
UNREAD = {
    "CustomFieldValue",  # read as a mapping
    "FileForm",  # a form, not JSON
    "LinkBase",  # the same as Link without its details, named by no operation
}
SHAPES = sorted({r.record for r in CONTRACT.resources.values() if r.record} | set(CONTRACT.shapes) - UNREAD)


def ours(name):
    """Our spelling of Insightly's field names."""
    if name in SPECIAL:
        return SPECIAL[name]
    return name.lower() if name.isupper() or name == "ETag" else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("shape", SHAPES)
def test_fields_are_the_contracts(shape):
    """Every struct has the contract's fields, in its order, under our names."""
    want = {ours(field.name): field.name for field in CONTRACT.shape(shape)}
    have = names_of(KINDS[shape])
    if shape.endswith("Body"):
        assert want.items() <= have.items()
    else:
        assert list(want.items()) == list(have.items())


VALUES = {"integer": 7, "number": 1.5, "boolean": True, "string": "x", "array": [], "object": {}, "any": 1}


@pytest.mark.parametrize("shape", SHAPES)
def test_types_are_the_contracts(shape):
    """Every field reads and writes the contract's type."""
    for field in CONTRACT.shape(shape):
        value = "2025-04-19 00:49:32" if field.format == "date-time" else VALUES[field.type]
        body = msgspec.json.encode({field.name: value})
        assert {field.name: value} == to_fields(read_one(body, KINDS[shape])), field.name


def test_an_attribute_for_every_resource():
    """The client has every resource of the contract, by its key, but for those that are called otherwise."""
    otherwise = {"cti", "custom_fields", "custom_object_records", "instance", "permissions"}
    keys = {resource.key for resource in CONTRACT.resources.values()} - otherwise
    crm = Insightly("0-0", pod="na1")
    assert keys == set(Insightly.__annotations__)
    assert all(getattr(crm, key).about.key == key for key in keys)
    assert all(callable(getattr(crm, name)) for name in ("display", "custom_fields", "custom_object", "permissions"))
