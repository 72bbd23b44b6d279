"""Tools for agents: what they are offered, what a call becomes, what is shown of an answer."""

import msgspec
import pytest

from crosswalk.api.agents import (
    FEW,
    LONGEST_TEXT,
    MORE,
    Asked,
    Misused,
    Quota,
    Unconfirmed,
    choose_tools,
    make_request,
    show_answer,
    show_unconfirmed,
)
from crosswalk.api.tools import Tool

LIST = Tool(
    name="list_contacts",
    description="List contacts.",
    method="GET",
    path="/unified/crm/contacts",
    resource="crm/contacts",
    scope="unified.crm.contacts:read",
    parameters={"type": "object", "properties": {"limit": {}, "next_cursor": {}}, "required": []},
)
CREATE = msgspec.structs.replace(
    LIST, name="create_contacts", method="POST", scope="unified.crm.contacts:create", parameters={"properties": {}}
)
UPDATE = msgspec.structs.replace(CREATE, name="update_contacts", method="PATCH", path="/unified/crm/contacts/{id}")


def test_who_may_not_write_sees_no_writes():
    """Without `write` only reads are offered; with it those whose scope the token has."""
    reads = {tool.name for tool in choose_tools([LIST, CREATE], lambda _: True, write=False)}
    assert {"list_contacts", "lookup", "forecast_destination"} == reads
    some = {
        tool.name for tool in choose_tools([LIST, CREATE], lambda scope: scope.endswith("contacts:create"), write=True)
    }
    assert {"create_contacts"} == some


def test_writes_ask_for_a_confirmation():
    """A write's schema names `confirm`, a read's does not; lists are short unless asked for."""
    tools = {
        tool.name: tool.parameters["properties"] for tool in choose_tools([LIST, CREATE], lambda _: True, write=True)
    }
    assert "confirm" in tools["create_contacts"]
    assert "confirm" in tools["move_stage"]
    assert "confirm" not in tools["list_contacts"]
    assert FEW == tools["list_contacts"]["limit"]["default"]


def test_a_list():
    """Arguments go into the query, nested ones as `a[b]`."""
    asked = make_request(LIST, "7", {"email": {"contains": "@x.org"}, "tags": ["a", "b"], "has_phone": True})
    query = {
        "integrated_account_id": "7",
        "limit": "20",
        "email[contains]": "@x.org",
        "tags": "a,b",
        "has_phone": "true",
    }
    assert Asked(method="GET", path="/unified/crm/contacts", query=query) == asked


@pytest.mark.parametrize("confirm", [None, False, "true", 1])
def test_an_unconfirmed_write(confirm):
    """Only a true `confirm` makes a change."""
    asked = make_request(CREATE, "7", {"first_name": "Ada", "confirm": confirm})
    assert isinstance(asked, Unconfirmed)
    assert '"Ada"' in show_unconfirmed(asked.asked)


def test_a_confirmed_write():
    """What is ours stays out of the body; a name for the change goes into its header."""
    arguments = {"id": "3/4", "title": "Lady", "confirm": True, "idempotency_key": "k1"}
    asked = make_request(UPDATE, "7", arguments)
    assert isinstance(asked, Asked)
    assert ("/unified/crm/contacts/3%2F4", {"title": "Lady"}, {"Idempotency-Key": "k1"}) == (
        asked.path,
        asked.body,
        asked.headers,
    )


@pytest.mark.parametrize("record", [None, "", " ", "..", True, {"a": 1}])
def test_no_record(record):
    """A call about one record names it; what is no id reaches no other path."""
    assert isinstance(make_request(UPDATE, "7", {"id": record, "confirm": True}), Misused)


def test_an_answer_is_fenced():
    """Records are shown between marks, without what is empty, and long texts are cut in lists."""
    body = msgspec.json.encode({"result": [{"id": "1", "title": None, "body": "x" * 900}], "next_cursor": "c"})
    text, bad = show_answer(200, body, fence="data-1", whole=False)
    _, marked = text.split("<data-1>\n")
    shown = msgspec.json.decode(marked.removesuffix("\n</data-1>"))
    assert (False, {"id", "body"}, "c") == (bad, set(shown["result"][0]), shown["next_cursor"])
    assert shown["result"][0]["body"].startswith("x" * LONGEST_TEXT + "… (400 characters more")


def test_a_problem_is_told():
    """A refusal says what is wrong where, and what to do."""
    problem = {
        "title": "Not possible",
        "detail": "one field",
        "remedy": "Correct it.",
        "errors": [{"pointer": "/first_nam", "detail": "no such field"}],
    }
    text, bad = show_answer(422, msgspec.json.encode(problem), fence="f", whole=False)
    assert (True, True, True) == (bad, "/first_nam: no such field" in text, "Correct it" in text)


def test_an_answer_too_long_to_read():
    """What does not fit is not cut in the middle: the agent asks for less."""
    body = msgspec.json.encode({"result": [{"id": str(n), "a": "y" * 400} for n in range(100)]})
    assert "smaller limit" in show_answer(200, body, fence="f", whole=False)[0]


def test_a_quota_for_each_tool():
    """So many calls of one tool by one caller in any minute; others are not held up."""
    at = [0.0]
    quota = Quota(2, clock=lambda: at[0])
    assert (None, None) == (quota.wait("a", "list"), quota.wait("a", "list"))
    at[0] = 20.0
    assert 40.0 == quota.wait("a", "list")
    assert (None, None) == (quota.wait("b", "list"), quota.wait("a", "get"))
    at[0] = 61.0
    assert quota.wait("a", "list") is None


def test_more_tools_have_scopes():
    """Every tool of our own names a scope that there is."""
    from crosswalk.accounts.scopes import parse_scope

    assert all(parse_scope(tool.scope) for tool in MORE)
