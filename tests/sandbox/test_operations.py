"""Every operation of the contract: called, its answer's shape, its effect through other routes, its errors."""

import json

import pytest

from crosswalk.contract import Operation, Resource, load
from crosswalk.sandbox.instance import RECORDS
from crosswalk.sandbox.operations import handlers
from crosswalk.sandbox.switches import Switches
from fixtures.caller import ALL, NOW, Caller, name_of
from fixtures.exercises import Served, plan_of, watch

SILENT = {
    "POST /cti/user/{user_id}/{object_name}/{record_id}/display",  # opens a window on somebody's screen
    "POST /cti/user/{user_id}/tickets/{ticket_id}/display",  # the same
}
EVERY = [pytest.param(resource, operation, id=name_of(operation)) for resource, operation in ALL]
BELOW = [p for p in EVERY if "{id}" in p.values[1].path]
WRITES = [p for p in EVERY if p.values[1].body not in (None, "bytes")]
ADMINISTRATED = ("Categories", "LeadSources", "LeadStatuses", "Teams", "TeamMembers")


def test_serves_all():
    """The contract has 530 operations, and each has a function."""
    assert 530 == len(ALL)
    assert {(operation.verb, operation.path) for _, operation in ALL} <= set(handlers())


@pytest.mark.parametrize(("resource", "operation"), EVERY)
def test_served(caller: Caller, resource: Resource, operation: Operation):
    """A right call gets the documented status and shape; a write is seen elsewhere, a read changes nothing."""
    served = watch(caller, resource, operation)
    assert operation.status == served.answer.status, served.answer
    check_shape(served)
    if operation.verb == "GET" or name_of(operation) in SILENT:
        assert () == served.changed
    else:
        assert served.changed
    caller.instance.restore(caller.instance.snapshot())


def check_shape(served: Served) -> None:
    """Compare an answer with the shape that the contract gives it: the same keys in the same order."""
    operation, answer = served.operation, served.answer
    if operation.answers is None:
        assert b"" == answer.body
        return
    if operation.answers == "bytes":
        assert answer.body
        assert answer.content_type
        return
    shown = json.loads(answer.body)
    assert operation.many is isinstance(shown, list)
    names = [field.name for field in load().shape(operation.answers)]
    for record in shown if isinstance(shown, list) else [shown]:
        assert names == list(record)


@pytest.mark.parametrize(("resource", "operation"), BELOW)
def test_unknown_id(caller: Caller, resource: Resource, operation: Operation):
    """A record that does not exist is a 404 in plain text with a reason phrase of its own."""
    deed = plan_of(resource, operation)(caller, resource)
    answer = caller(name_of(operation), deed.body, **{**deed.given, "id": 4})
    assert 404 == answer.status
    assert answer.body.startswith(b"No ")
    assert answer.body.endswith(b"with ID = 4")
    assert (answer.reason or "").endswith(" Not Found")


@pytest.mark.parametrize(("resource", "operation"), BELOW)
def test_id_is_no_number(caller: Caller, resource: Resource, operation: Operation):
    """An id that is no number is a 400 that names it."""
    deed = plan_of(resource, operation)(caller, resource)
    answer = caller(name_of(operation), deed.body, **{**deed.given, "id": "abc"})
    assert (400, [{"Name": "id", "Message": "The value 'abc' is not valid for Int64."}]) == (
        answer.status,
        json.loads(answer.body),
    )


@pytest.mark.parametrize(("resource", "operation"), WRITES)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"7", b'{"A":' * 2000], ids=["none", "cut", "bytes", "number", "deep"]
)
def test_unreadable_body(caller: Caller, resource: Resource, operation: Operation, body: bytes):
    """A body that is no JSON of the right kind is a 400, and changes nothing."""
    deed = plan_of(resource, operation)(caller, resource)
    before = caller.instance.snapshot()
    answer = caller(name_of(operation), body, **deed.given)
    assert 400 == answer.status
    assert json.loads(answer.body)[0]["Name"]
    assert before == caller.instance.snapshot()


@pytest.mark.parametrize(("resource", "operation"), [p for p in WRITES if p.values[0].name.endswith(ADMINISTRATED)])
def test_administrators_only(caller: Caller, resource: Resource, operation: Operation):
    """Settings are written by administrators; anybody else is told 403 and changes nothing."""
    deed = plan_of(resource, operation)(caller, resource)
    before = caller.instance.snapshot()
    answer = caller(name_of(operation), deed.body, as_user=caller.instance.users[-1], **deed.given)
    assert (403, f"API User does not have access to {resource.name}.") == (answer.status, answer.body.decode())
    assert before == caller.instance.snapshot()


@pytest.mark.parametrize(("resource", "operation"), [p for p in EVERY if p.values[1].verb == "POST"])
def test_post_status_switch(caller: Caller, resource: Resource, operation: Operation):
    """With the switch, a POST that answers 201 answers 200."""
    caller.switches = Switches(post_status=200)
    served = watch(caller, resource, operation)
    assert (202 if operation.status == 202 else 200) == served.answer.status


@pytest.mark.parametrize(("resource", "operation"), [p for p in EVERY if p.values[1].verb == "PUT"])
def test_put_status_switch(caller: Caller, resource: Resource, operation: Operation):
    """With the switch, a PUT that is documented as 201 answers 201."""
    caller.switches = Switches(put_status=201)
    served = watch(caller, resource, operation)
    assert (operation.documented_status or operation.status) == served.answer.status


@pytest.mark.parametrize(("resource", "operation"), [p for p in EVERY if "updated_after_utc" in p.values[1].query])
def test_updated_after(caller: Caller, resource: Resource, operation: Operation):
    """`updated_after_utc` is heeded: the future holds nothing; what is no date is a 400."""
    deed = plan_of(resource, operation)(caller, resource)
    dated = {"date_updated_utc", "date_created_utc"} & {f.name.lower() for f in load().shape(str(operation.answers))}
    answer = caller(name_of(operation), **{**deed.given, "updated_after_utc": f"{NOW.year + 9}-01-01T00:00:00Z"})
    assert not dated or answer.body == b"[]"
    assert 400 == caller(name_of(operation), **{**deed.given, "updated_after_utc": "soon"}).status


def test_custom_object_unknown(caller: Caller):
    """A custom object that does not exist is a 404."""
    assert RECORDS
    assert 404 == caller("GET /{objectName}", custom="Vegetable__c").status
