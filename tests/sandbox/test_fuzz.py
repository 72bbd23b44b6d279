"""Whatever is sent, the records answer: an answer or a refusal, never an exception, and nothing is spoilt."""

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crosswalk.contract import Operation, Resource, load
from crosswalk.sandbox.switches import Switches
from fixtures.caller import ALL, Caller, make_caller, name_of, table_key
from fixtures.exercises import FORM, LOOKS, look, plan_of

EXAMPLES = 3000 if os.environ.get("CROSSWALK_TEST_HARD") else 150
CALLER = make_caller()
START = CALLER.instance.snapshot()
SHAPES = ("Link", "Tag", "Date", "ActivitySetAssignment", "PipelineChange", "OpportunityState", "TicketMerge")
NAMES = sorted(
    {field.name for resource, _ in ALL for field in resource.fields}
    | {field.name for shape in SHAPES for field in load().shape(shape)}
    | {"FIELD_NAME", "FIELD_VALUE", "CUSTOM_FIELD_ID"}
)
WORDS = [
    "",
    " ",
    "abc",
    "EVERYONE",
    "OWNER",
    "true",
    "2026-13-45",
    "9999-12-31 23:59:59",
    "0001-01-01",
    "1e400",
    "Contact",
]
WORDS += ["CROSSWALK_KEY__c", "Score__c", "Interests__c", "Serial__c", "-1", "99999999999999999999", "\x00", "é" * 300]
IDS = [CALLER.first(key) for key in CALLER.instance.tables if CALLER.instance.tables[key].order]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.sampled_from(IDS)
    | st.text(max_size=8)
)


def objects(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Objects with names of the contract, in odd case now and then."""
    names = st.sampled_from(NAMES) | st.sampled_from(NAMES).map(str.lower) | st.text(max_size=4)
    return st.dictionaries(names, inner, max_size=6)


JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | objects(inner), max_leaves=12)
QUERY = st.dictionaries(
    st.sampled_from(
        ["top", "skip", "count_total", "brief", "field_name", "field_value", "updated_after_utc", "tagname"]
    ),
    st.sampled_from(
        ["0", "-1", "7", "501", "x", "true", "", "2026-01-01T00:00:00Z", "FIRST_NAME", "Score__c", "LINKS", "٣"]
    ),
    max_size=4,
)
SWITCHES = st.builds(
    Switches,
    put_effect=st.sampled_from(["partial", "replacing"]),
    custom_fields_effect=st.sampled_from(["merging", "replacing"]),
    custom_fields_listed=st.sampled_from(["valued", "all"]),
    brief=st.sampled_from(["dropping", "emptying"]),
    etag=st.sampled_from(["present", "absent"]),
    error_400=st.sampled_from(["array", "object", "text"]),
    bulk=st.sampled_from(["absent", "present"]),
    updated_after_on_list=st.sampled_from(["ignored", "honoured"]),
)


def mix(body: object, junk: object) -> object:
    """Spoil a good body with some junk."""
    if isinstance(body, dict) and isinstance(junk, dict):
        spoilt = dict(zip(body, junk.values(), strict=False))
        return {**body, **spoilt, **junk}
    return junk


ATTEMPT = st.tuples(
    st.sampled_from(ALL), JSON, st.sampled_from(["good", "good", "junk", "bytes"]), st.binary(max_size=30)
)
Attempt = tuple[tuple[Resource, Operation], object, str, bytes]


def attempt(caller: Caller, what: Attempt, query: dict[str, str]) -> None:
    """Call an operation with a body that is good, spoilt, or noise. Raises `AssertionError` for a 5xx."""
    (resource, operation), junk, how, noise = what
    if not caller.instance.tables.get(table_key(resource), [0]):
        return
    switches, caller.switches = caller.switches, Switches()
    try:
        deed = plan_of(resource, operation)(caller, resource)
    except (AssertionError, IndexError, StopIteration):  # what the plan needs was deleted by an earlier attempt
        return
    finally:
        caller.switches = switches
    body = {"good": mix(deed.body, junk), "junk": junk, "bytes": noise}[how]
    names = {**LOOKS, **deed.given, **query}
    names.setdefault("headers", FORM["headers"] if operation.form else {"if-match": '"x"'})
    assert caller(name_of(operation), body, **names).status < 500
    look(caller, resource, deed.given.get("id"))


@pytest.mark.hard
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ATTEMPT, min_size=1, max_size=4), QUERY, SWITCHES)
def test_never_falls(attempts: list[Attempt], query: dict[str, str], switches: Switches):
    """Any bodies, query and switches on any operations: answers below 500, and everything still reads."""
    caller = Caller(CALLER.instance, switches=switches)
    caller.instance.restore(START)
    for what in attempts:
        attempt(caller, what, query)
    for table in caller.instance.tables.values():
        for row in table.all():
            json.loads(caller.instance.render(table, row))
    before = caller.instance.snapshot()
    caller.instance.restore(before)
    assert before == caller.instance.snapshot()
