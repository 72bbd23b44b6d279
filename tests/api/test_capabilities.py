"""Which unified methods work, by rights and closed collections."""

import pytest

from crosswalk.accounts.check import Right
from crosswalk.accounts.doctor import Opened
from crosswalk.api.capabilities import collections, judge_methods


def reasons(**given: object) -> dict[tuple[str, str], str | None]:
    """Why each method does not work."""
    return {(each.resource, each.verb): each.reason for each in judge_methods(**({"rights": ()} | given))}


def test_nothing_known():
    """What is not known to be barred works; what Insightly has no call for never does."""
    found = reasons()
    assert (None, "Insightly's API cannot create stages") == (
        found["crm/contacts", "create"],
        found["crm/stages", "create"],
    )


@pytest.mark.parametrize(
    ("right", "barred"),
    [
        (Right("CONTACT", create=False), {"create", "upsert"}),
        (Right("Contact", read=False), {"list", "get", "update", "upsert"}),
        (Right("contact", delete=False), {"delete"}),
        (Right("Contact", read=True, create=True, update=True, delete=True), set()),
        (Right("Lead", create=False), set()),
    ],
)
def test_rights(right: Right, barred: set[str]):
    """A right that the key's user lacks bars the methods that need it, however its object is spelt."""
    found = reasons(rights=(right,))
    assert barred == {verb for (resource, verb), why in found.items() if resource == "crm/contacts" and why}


def test_closed():
    """A closed collection bars all its methods, in Insightly's words."""
    opened = {"/Projects": Opened("/Projects", works=False, says="not on this plan")}
    found = reasons(opened=opened)
    assert {"not on this plan"} == {why for (resource, _), why in found.items() if resource == "crm/projects"}


def test_each_collection_once():
    """A collection behind two resources is looked into once."""
    paths = [each.path for each in collections()]
    assert len(paths) == len(set(paths))
