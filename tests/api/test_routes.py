"""Rules that hold on every route of /v1, walked from the route table."""

from collections.abc import Iterator
from contextlib import nullcontext

import httpx
import msgspec
import pytest
from litestar import Litestar
from sqlalchemy.ext.asyncio import create_async_engine

from crosswalk.accounts.scopes import VERBS, allows, parse_scope
from crosswalk.api.errors import PROBLEM, Problem
from crosswalk.api.guard import scopes_of
from crosswalk.api.once import Once
from crosswalk.api.query import known_parameters
from crosswalk.api.routes import make_api
from crosswalk.api.server import serve
from crosswalk.store.database import Database
from fixtures.document import application, document, fitting, plain

FILLED = {"number": "1", "layer": "account"}
"""What fits in a place of a path; any other takes a word."""


STREAM = "/v1/events/stream"
"""Lasts for minutes unless it is asked to end."""
GUARDED = ("/v1", "/integrated-account", "/link-token")
"""Where the guarded routes begin."""


def operations() -> list[tuple[str, str, str]]:
    """Every guarded operation: method, path and scope."""
    return sorted(
        (method, route.path, scope)
        for route in application().routes
        if route.path.startswith(GUARDED)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method != "OPTIONS"
        for scope in scopes_of(handler) or [""]
    )


EVERY = operations()


def fill(path: str) -> str:
    """A path with something in each of its places."""
    parts = (part.strip("{}").partition(":")[0] if part.startswith("{") else "" for part in path.split("/"))
    filled = "/".join(
        FILLED.get(name, "x") if name else part for name, part in zip(parts, path.split("/"), strict=True)
    )
    return f"{filled}?seconds=0" if filled == STREAM else filled


def taking_bodies() -> list[tuple[str, str]]:
    """Method and path of the operations that take a body."""
    paths = document()["paths"]
    return [(method, path) for method, path, _ in EVERY if "requestBody" in paths[plain(path)][method.lower()]]


def may_be_left_out(method: str, path: str) -> bool:
    """Whether a route does without the body that it takes."""
    operation = document()["paths"][plain(path)][method.lower()]
    choices = operation["requestBody"]["content"]["application/json"]["schema"].get("oneOf", ())
    return {"type": "null"} in choices


def required(path: str) -> str:
    """A list's required parameters, to be added to a query; the account is one that is there."""
    given = document()["paths"][path]["get"].get("parameters", ())
    return "".join(f"&{each['name']}=1" for each in given if each["in"] == "query" and each.get("required"))


def lists() -> Iterator[str]:
    """Paths of /v1 that answer a page."""
    paths = document()["paths"]
    for path, item in paths.items():
        names = {each["name"] for each in item.get("get", {}).get("parameters", ())}
        if "next_cursor" in names:
            yield path


def read_problem(answer: httpx.Response) -> Problem:
    """The one error body: the media type, the known members and no others, the status and the request's id repeated."""
    assert PROBLEM == answer.headers["content-type"]
    problem = msgspec.json.decode(answer.content, type=Problem)
    told = set(answer.json())
    assert {"type", "title", "status", "detail", "code", "source", "retryable", "errors"} <= told
    assert told <= set(Problem.__struct_fields__)
    assert (answer.status_code, answer.headers["x-request-id"]) == (problem.status, problem.request_id)
    return problem


def test_every_route_names_one_scope():
    """No route of /v1 is open by omission, and each scope is one that a token can have."""
    assert [] == [each for each in EVERY if not allows([parse_scope("*:*")], parse_scope(each[2]))]


async def test_without_a_token(client: httpx.AsyncClient):
    """Without a token every route answers 401 with a challenge."""
    found = {each: await client.request(each[0], fill(each[1])) for each in EVERY}
    told = {each: (read_problem(answer).status, answer.headers["www-authenticate"]) for each, answer in found.items()}
    assert dict.fromkeys(EVERY, (401, 'Bearer realm="crosswalk"')) == told


async def test_without_the_scope(caller):
    """With a token of every other verb the answer is a 403 that names the missing scope."""
    told = {}
    for method, path, scope in EVERY:
        others = [f"*:{verb}" for verb in VERBS if verb != scope.rpartition(":")[2]]
        answer = await (await caller(*others)).request(method, fill(path))
        problem = read_problem(answer)
        named = (scope in problem.detail, f'scope="{scope}"' in answer.headers["www-authenticate"])
        told[method, path, scope] = (problem.status, *named)
    assert dict.fromkeys(EVERY, (403, True, True)) == told


async def test_scope_suffices(caller):
    """With just the scope that a route names a token is let in: whatever is wrong then is not the token."""
    found = [(each, await (await caller(each[2])).request(each[0], fill(each[1]), json={})) for each in EVERY]
    assert [] == [(each, answer.text) for each, answer in found if answer.status_code in {401, 403, 405, 500}]


async def test_unknown_parameter(admin: httpx.AsyncClient):
    """A query parameter that a route does not take is refused by name."""
    told = {}
    for each in EVERY:
        problem = read_problem(await admin.request(each[0], f"{fill(each[1]).partition('?')[0]}?colour=red", json={}))
        told[each] = (problem.status, [fault.field for fault in problem.errors])
    assert dict.fromkeys(EVERY, (400, ["colour"])) == told


async def test_unknown_key(admin: httpx.AsyncClient):
    """A key that a body does not have is refused by name, with a pointer to it."""
    told = {}
    for method, path in taking_bodies():
        answer = await admin.request(method, fill(path), json=fitting(path, method) | {"colour": "red"})
        problem = read_problem(answer)
        told[method, path] = (problem.status, [fault.pointer for fault in problem.errors])
    assert dict.fromkeys(taking_bodies(), (400, ["/colour"])) == told


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000])
async def test_bad_body(admin: httpx.AsyncClient, body: bytes):
    """A body that is no JSON object is a 400 on every route that takes one."""
    wanting = [each for each in taking_bodies() if body not in {b"", b"null"} or not may_be_left_out(*each)]
    told = {each: read_problem(await admin.request(each[0], fill(each[1]), content=body)).status for each in wanting}
    assert dict.fromkeys(wanting, 400) == told


@pytest.mark.parametrize(("method", "path", "scope"), EVERY)
def test_documented(method: str, path: str, scope: str):
    """The document tells each operation's scope, its errors in our form, a summary and a description."""
    operation = document()["paths"][plain(path)][method.lower()]
    errors = {
        medium: media["schema"]["$ref"].rpartition("/")[2]
        for status, answer in operation["responses"].items()
        if int(status) >= 400
        for medium, media in answer["content"].items()
    }
    assert ([{"bearer": [scope]}], {PROBLEM: "Problem"}, True) == (
        operation["security"],
        errors,
        bool(operation["summary"] and operation["description"]),
    )


def test_known_parameters():
    """What a route refuses as unknown and what the document lists are told of the same parameters."""
    listed = {
        (method.upper(), path): frozenset(
            each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"
        )
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    }
    assert listed == known_parameters(application())


def test_once():
    """A router that one application holds is refused by another: its routes would have two owners."""
    router = Once("/once", route_handlers=[])
    Litestar([router], openapi_config=None)
    with pytest.raises(RuntimeError, match="registered already"):
        Litestar([router], openapi_config=None)


def test_scheme():
    """The document says how a token is sent."""
    scheme = document()["components"]["securitySchemes"]["bearer"]
    assert ("http", "bearer") == (scheme["type"], scheme["scheme"])


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "next_cursor=x", "next_cursor=é"])
async def test_list_out_of_range(admin: httpx.AsyncClient, query: str):
    """A limit outside 1 to 500, or a cursor of another list, is a 400 that names it."""
    told = {}
    for path in lists():
        problem = read_problem(await admin.get(f"{fill(path)}?{query}{required(path)}"))
        told[path] = (problem.status, [fault.field for fault in problem.errors])
    assert dict.fromkeys(lists(), (400, [query.partition("=")[0]])) == told


async def test_an_empty_cursor_is_the_start(admin: httpx.AsyncClient):
    """No list refuses the empty cursor, with which clients of other unified APIs begin."""
    told = {}
    for path in lists():
        answer = await admin.get(f"{fill(path)}?next_cursor={required(path)}")
        faults = answer.json().get("errors", ()) if answer.status_code >= 400 else ()
        told[path] = [each["field"] for each in faults if each["field"] == "next_cursor"]
    assert {path: [] for path in lists()} == told


async def test_missing_parameter(admin: httpx.AsyncClient):
    """A list of records that is not told whose is a 400 that names the missing parameter."""
    told = {}
    wanting = [path for path in lists() if required(path)]
    for path in wanting:
        problem = read_problem(await admin.get(fill(path)))
        told[path] = (problem.status, [fault.field for fault in problem.errors])
    assert wanting
    assert dict.fromkeys(wanting, (400, ["integrated_account_id"])) == told


async def test_database_gone():
    """While the database does not answer nobody is let in; the 503 tells neither address nor password."""
    engine = create_async_engine("postgresql+psycopg://me:secret@127.0.0.1:1/hub")
    gone = Database(engine, "postgresql", nullcontext())
    headers = {"Authorization": f"Bearer cw_0123abcd_{'x' * 43}"}
    async with serve(make_api(gone), host="127.0.0.1", port=0) as url, httpx.AsyncClient(base_url=url) as caller:
        answer = await caller.get("/v1/runs", headers=headers)
    problem = read_problem(answer)
    assert (503, True, "The database does not answer; try again") == (
        problem.status,
        problem.retryable,
        problem.detail,
    )
