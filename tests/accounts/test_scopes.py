"""Scopes: what can be written, and what covers what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.accounts.errors import UnusableScope
from crosswalk.accounts.scopes import APIS, RESOURCES, VERBS, Scope, allows, parse_scope

segments = st.sampled_from(["*", "crm", "contacts", "leads"])
free_apis = st.sampled_from([api for api in APIS if api not in RESOURCES])
scopes = st.builds(
    lambda api, path, verb: parse_scope(f"{'.'.join((api, *path))}:{verb}"),
    free_apis,
    st.lists(segments, max_size=3),
    st.sampled_from([*VERBS, "*"]),
)


@pytest.mark.parametrize(
    "text",
    [
        "unified:*",
        "unified.crm.contacts:read",
        "proxy:*",
        "*:*",
        "*:read",
        "delivery.dead-letters:read",
        "proxy.X__c:*",
    ],
)
def test_written_as_read(text: str):
    """A scope is written as it was read."""
    assert text == str(parse_scope(text))


def test_trailing_star():
    """A star at the end of a resource is the same as its absence."""
    assert "unified.crm:read" == str(parse_scope("unified.crm.*:read"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "write API"),
        ("delivery", "write API"),
        ("unifed:read", "did you mean unified?"),
        ("unified:reed", "did you mean read?"),
        ("delivery.run:read", "did you mean runs?"),
        ("unified..x:read", "its parts joined"),
        ("*.crm:read", "belongs to one API"),
        ("unified:read:read", "there is no verb"),
        (f"unified.{'x' * 300}:read", "write API"),
    ],
)
def test_refused(text: str, says: str):
    """A scope that names nothing is refused, with the nearest that exists."""
    with pytest.raises(UnusableScope, match="cannot be used") as caught:
        parse_scope(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("granted", "wanted", "expected"),
    [
        ("unified:*", "unified.crm.contacts:read", True),
        ("unified.crm:read", "unified.crm.contacts:read", True),
        ("unified.*.contacts:read", "unified.crm.contacts:read", True),
        ("unified.crm.contacts:read", "unified.crm:read", False),
        ("unified.crm.contacts:read", "unified.*.contacts:read", False),
        ("unified:read", "unified:create", False),
        ("unified:read", "unified:*", False),
        ("proxy:*", "unified:read", False),
        ("*:*", "admin.tokens:create", True),
        ("delivery:*", "*:*", False),
    ],
)
def test_covers(granted: str, wanted: str, *, expected: bool):
    """A resource covers what stands below it, a star any one part."""
    assert expected == allows([parse_scope(granted)], parse_scope(wanted))


def test_four_verbs_are_all():
    """Scopes that name every verb together cover the star."""
    assert allows([parse_scope(f"unified:{verb}") for verb in VERBS], parse_scope("unified:*"))


@given(st.text())
def test_any_text(text: str):
    """Whatever is given is read or refused, and what is read is written again as itself."""
    try:
        scope = parse_scope(text)
    except UnusableScope:
        return
    assert scope == parse_scope(str(scope))


@given(scopes)
def test_covers_itself(scope: Scope):
    """Every scope covers itself."""
    assert allows([scope], scope)


@given(scopes, scopes, scopes)
def test_covers_onwards(first: Scope, second: Scope, third: Scope):
    """What covers a scope covers all that it covers: a chain of tokens never grows."""
    if allows([first], second) and allows([second], third):
        assert allows([first], third)
