"""Destinations over HTTP."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from crosswalk.delivery.records import append
from crosswalk.store.database import Database
from crosswalk.store.datasets import ADD_DATASET

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SETTINGS = {"template": "create-contact", "fields": {"FIRST_NAME": "first"}}
DRAFT = {"name": "people", "account": "acme", "settings": SETTINGS}
HERE = "/v1/destinations/people"


@pytest.fixture
async def made(admin: httpx.AsyncClient) -> dict[str, Any]:
    """One draft."""
    answer: dict[str, Any] = (await admin.post("/v1/destinations", json=DRAFT)).json()
    return answer


async def test_create(admin: httpx.AsyncClient, made: dict[str, Any]):
    """A destination is made as a draft, and found by name and id with the settings that were sent."""
    assert [] == made.pop("notes")
    by_id = (await admin.get(f"/v1/destinations/{made['id']}")).json()
    assert ("draft", 1, SETTINGS, made, made) == (
        made["state"],
        made["version"],
        made["settings"],
        by_id,
        (await admin.get(HERE)).json(),
    )


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "", DRAFT, 409, "already"),
        ("POST", "", DRAFT | {"name": "b", "account": "nobody"}, 422, "no account"),
        ("POST", "", DRAFT | {"name": "b", "settings": {"template": "no"}}, 422, "no template"),
        ("POST", "", DRAFT | {"name": "b", "settings": SETTINGS | {"fields": {"X": "y"}}}, 422, "no field 'X'"),
        ("POST", "", DRAFT | {"name": "b", "settings": SETTINGS | {"colour": "red"}}, 400, "colour"),
        ("PATCH", "/people", {"settings": SETTINGS, "version": 7}, 409, "at version 1"),
        ("PATCH", "/people", {"settings": SETTINGS, "version": 0}, 400, "version"),
        ("POST", "/people/pause", None, 409, "is a draft"),
        ("POST", "/people/rollback", {"version": 9}, 404, "no version 9"),
        ("GET", "/people/versions/compare?before=1&after=2", None, 404, "no version 2"),
        ("GET", "/people/versions/compare?before=1", None, 400, "after"),
        ("POST", "/people/preview", {"rows": []}, 400, "rows"),
        ("POST", "/people/preview", {"rows": [{}] * 101}, 400, "rows"),
        ("GET", "/none", None, 404, "no destination"),
    ],
)
@pytest.mark.usefixtures("made")
async def test_refused(admin: httpx.AsyncClient, method: str, path: str, body: object, status: int, says: str):
    """What cannot be done is refused with its reason."""
    answer = await admin.request(method, f"/v1/destinations{path}", json=body)
    assert (status, True) == (answer.status_code, says in answer.json()["detail"])


@pytest.mark.usefixtures("made")
async def test_versions(admin: httpx.AsyncClient):
    """A change is a version with its maker; two are compared, and an earlier one comes back as a new one."""
    other = SETTINGS | {"fields": {"FIRST_NAME": "given"}}
    await admin.patch(HERE, json={"settings": other, "version": 1})
    compared = (await admin.get(f"{HERE}/versions/compare?before=1&after=2")).json()
    back = (await admin.post(f"{HERE}/rollback", json={"version": 1})).json()
    versions = (await admin.get(f"{HERE}/versions?limit=2")).json()
    oldest = (await admin.get(f"{HERE}/versions", params={"next_cursor": versions["next_cursor"]})).json()
    assert ([("fields", other["fields"])], 3, SETTINGS, [3, 2], [1], {"token t0"}) == (
        [(each["name"], each["after"]) for each in compared["result"]],
        back["version"],
        back["settings"],
        [each["version"] for each in versions["result"]],
        [each["version"] for each in oldest["result"]],
        {each["made_by"] for each in versions["result"] + oldest["result"]},
    )


@pytest.mark.usefixtures("made")
async def test_states(admin: httpx.AsyncClient):
    """A destination is activated, refused removal, paused and removed."""
    steps = (("POST", "/activate"), ("DELETE", ""), ("POST", "/pause"), ("DELETE", ""), ("GET", ""))
    answers = [await admin.request(method, f"{HERE}{path}") for method, path in steps]
    assert [200, 409, 200, 200, 404] == [answer.status_code for answer in answers]


@pytest.mark.usefixtures("made")
async def test_preview(admin: httpx.AsyncClient, database: Database):
    """A preview answers exact calls with the credential masked, and refused rows with their reason."""
    shown = (await admin.post(f"{HERE}/preview", json={"rows": [{"first": "Zoë"}, {"first": None}]})).json()
    assert ([('{"FIRST_NAME":"Zoë"}', "***")], [2]) == (
        [(call["body"], call["headers"]["Authorization"]) for call in shown["calls"]],
        [each["row"] for each in shown["refused"]],
    )


@pytest.mark.usefixtures("made")
async def test_within_reach(caller):
    """A token of another account neither sees nor touches it on any route."""
    other = await caller("delivery:*", accounts=("other",))
    calls = [
        ("GET", HERE, None),
        ("PATCH", HERE, {"settings": SETTINGS}),
        ("DELETE", HERE, None),
        ("POST", f"{HERE}/activate", None),
        ("POST", f"{HERE}/pause", None),
        ("GET", f"{HERE}/versions", None),
        ("GET", f"{HERE}/versions/compare?before=1&after=1", None),
        ("POST", f"{HERE}/rollback", {"version": 1}),
        ("POST", f"{HERE}/preview", {"rows": [{"first": "A"}]}),
        ("GET", f"{HERE}/forecast?rows=1", None),
        ("GET", f"{HERE}/export", None),
        ("POST", f"{HERE}/runs", {"rows": [{"first": "A"}]}),
        ("POST", f"{HERE}/tests", {"rows": [{"first": "A"}]}),
        ("DELETE", f"{HERE}/tests/1", None),
    ]
    found = [(await other.request(method, path, json=body)).status_code for method, path, body in calls]
    assert ([404] * 14, []) == (found, (await other.get("/v1/destinations")).json()["result"])


async def test_pages(admin: httpx.AsyncClient):
    """The list is read to its end by cursor."""
    for name in ("a", "b", "c"):
        await admin.post("/v1/destinations", json=DRAFT | {"name": name})
    first = (await admin.get("/v1/destinations?limit=2")).json()
    rest = (await admin.get("/v1/destinations", params={"next_cursor": first["next_cursor"]})).json()
    assert (["a", "b", "c"], None) == ([each["name"] for each in first["result"] + rest["result"]], rest["next_cursor"])


@pytest.fixture
async def bound(admin: httpx.AsyncClient, database: Database) -> dict[str, Any]:
    """A draft that is bound to a dataset of two records."""
    async with database.begin() as connection:
        row = {"id": "d", "name": "people", "origin": "source", "account_id": "1", "created_at": NOW, "changed_at": NOW}
        await connection.execute(ADD_DATASET, row)
        await append(connection, "d", [(b'{"first":"A"}', None)] * 2, at=NOW)
    answer: dict[str, Any] = (await admin.post("/v1/destinations", json=DRAFT | {"dataset": "people"})).json()
    return answer


@pytest.mark.usefixtures("bound")
async def test_backlog(admin: httpx.AsyncClient):
    """An undecided backlog is a 409 that names its size; sent, it is a run."""
    undecided = await admin.post(f"{HERE}/activate")
    odd = await admin.post(f"{HERE}/activate", json={"backlog": "maybe"})
    done = (await admin.post(f"{HERE}/activate", json={"backlog": "send"})).json()
    busy = await admin.post(f"{HERE}/runs", json={"rows": [{"first": "A"}]})
    assert (409, True, 400, "active", 0, 409, True) == (
        undecided.status_code,
        "2 records" in undecided.json()["detail"],
        odd.status_code,
        done["state"],
        done["backlog"],
        busy.status_code,
        done["run"] in busy.json()["detail"],
    )


@pytest.mark.usefixtures("made")
async def test_rows_are_queued(admin: httpx.AsyncClient):
    """Rows are refused by a draft, and queued by an active destination; rows and a dataset at once are too much."""
    body = {"rows": [{"first": "A"}]}
    draft = await admin.post(f"{HERE}/runs", json=body)
    await admin.post(f"{HERE}/activate")
    both = await admin.post(f"{HERE}/runs", json=body | {"dataset": "people"})
    many = await admin.post(f"{HERE}/runs", json={"rows": [{}] * 1001})
    queued = await admin.post(f"{HERE}/runs", json=body)
    assert (409, 422, 400, 202, "queued") == (
        draft.status_code,
        both.status_code,
        many.status_code,
        queued.status_code,
        queued.json()["state"],
    )


async def test_nexla(admin: httpx.AsyncClient):
    """A sink is imported as a draft and exported as it was; one that would change its calls is refused."""
    config = {"url.template": "https://api.na1.insightly.com/v3.1/Contacts", "method": "post", "batch.mode": "false"}
    body = {"name": "people", "account": "acme", "document": {"sink_config": config | {"own.key": 1}}}
    made = (await admin.post("/v1/destinations/import", json=body)).json()
    back = (await admin.get(f"{HERE}/export")).json()
    bad = body | {"name": "b", "document": config | {"ignore.ssl.cert.validation": True}}
    refused = await admin.post("/v1/destinations/import", json=bad)
    assert ("draft", 1, config, 422, True) == (
        made["destination"]["state"],
        len(made["notes"]),
        back["config"],
        refused.status_code,
        "certificate" in refused.json()["detail"],
    )
