"""The API against its own document: what fits it, or does not, is answered as it says, and never by a 5xx.

Requests are made up of `/openapi.json` by schemathesis, half of them wrong in some way; in half of them the account and
what else they ask of are there.
"""

import os
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from fixtures.document import ENDLESS, document
from fixtures.standing import Standing, standing

HARD = bool(os.environ.get("CROSSWALK_TEST_HARD"))
EXAMPLES = 200 if HARD else 3
load_all_checks()
HELD = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "unsupported_method",
    )
]
REFUSED = CHECKS.get_one("negative_data_rejection")


def open_document() -> dict[str, Any]:
    """The document without its scheme of tokens, which would be made up as well; `test_routes.py` tests those."""
    whole = msgspec.json.decode(msgspec.json.encode(document()))
    whole["paths"] = {path: item for path, item in whole["paths"].items() if path not in ENDLESS}
    for item in whole["paths"].values():
        for operation in item.values():
            operation.pop("security", None)
    return whole


SCHEMA = schemathesis.openapi.from_dict(open_document())
STREAM = "/v1/events/stream"
"""Lasts for minutes; `test_events.py` reads it."""
EVERY = {
    operation.label: operation
    for operation in (found.ok() for found in SCHEMA.get_all_operations())
    if operation.path != STREAM
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """A hub with something of everything."""
    with standing(tmp_path_factory.mktemp("contract") / "home") as found:
        yield found


@pytest.fixture(scope="module")
def caller(hub: Standing) -> Iterator[requests.Session]:
    """An administrator's connection."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def settle(case: Case, hub: Standing) -> None:
    """Ask of what is there: of the account everywhere, of other things where nothing is changed, so that they stay."""
    if "integrated_account_id" in (case.query or {}):
        case.query["integrated_account_id"] = hub.ids["integrated_account_id"]
    if case.method == "GET":
        case.path_parameters.update({name: hub.ids[name] for name in case.path_parameters if name in hub.ids})


@pytest.mark.hard
@pytest.mark.parametrize("label", EVERY)
def test_as_the_document_says(label: str, hub: Standing, caller: requests.Session):
    """Each answer has a status, a media type and a shape that the document gives for it."""
    operation = EVERY[label]
    takes = bool(operation.path_parameters or operation.query or operation.body)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=not HARD,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(data=st.data(), real=st.booleans())
    def ask(data: st.DataObject, real: bool) -> None:
        mode = data.draw(st.sampled_from(list(GenerationMode))) if takes else GenerationMode.POSITIVE
        case = data.draw(operation.as_strategy(generation_mode=mode))
        if real:
            settle(case, hub)
        answer = case.call(base_url=hub.url, session=caller, headers={"Authorization": f"Bearer {hub.token}"})
        assert answer.status_code not in {401, 403}
        case.validate_response(answer, checks=HELD if real else [*HELD, REFUSED])

    ask()
