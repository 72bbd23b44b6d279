"""Templates of paths: few, and without anybody's data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.insightly.template import template_of


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/Contacts", "/Contacts"),
        ("/contacts/7/tags/vip", "/contacts/{}/tags/{}"),
        ("/Contacts/Search?field_value=ada", "/Contacts/Search"),
        ("/Fruit__c/3", "/{}/{}"),
        ("", ""),
    ],
)
def test_templates(path: str, template: str):
    """What the contract knows stays, the rest is a gap."""
    assert template == template_of(path)


@given(st.text(alphabet=st.characters(blacklist_characters="/?"), min_size=12))
def test_nobodys_data(text: str):
    """A part that the contract does not know is never shown."""
    assert "/Contacts/{}" == template_of(f"/Contacts/{text}")
