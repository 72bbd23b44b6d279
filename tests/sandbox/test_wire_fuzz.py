"""Bad input never makes a fault: whatever is sent to whatever operation is answered, and never with a 5xx."""

import asyncio
import os
from base64 import b64encode
from random import Random
from urllib.parse import quote, urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crosswalk.contract import load
from crosswalk.sandbox.app import App
from crosswalk.sandbox.auth import read_key
from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from crosswalk.sandbox.server import serve
from crosswalk.sandbox.switches import Switches

HARD = bool(os.environ.get("CROSSWALK_TEST_HARD"))
BUDGET = settings(max_examples=20_000 if HARD else 400, deadline=None, suppress_health_check=list(HealthCheck))

CONTRACT = load()
OPERATIONS = [(r, o) for r in CONTRACT.resources.values() for o in r.operations]
RECORDS = {resource.record for resource in CONTRACT.resources.values()} | set(CONTRACT.shapes)
WORDS = st.text(max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3))
QUERY_NAMES = sorted({name for _, operation in OPERATIONS for name in operation.query})
HEADERS = {
    b"content-type": [b"application/json", b"text/plain", b"multipart/form-data; boundary=x", b"multipart/form-data"],
    b"content-encoding": [b"gzip", b"deflate", b"br", b""],
    b"accept-encoding": [b"gzip", b"*;q=0", b";;q="],
    b"if-match": [b"*", b'"x"', b"\xff"],
}


def make() -> App:
    """Make a sandbox whose every route is open."""
    recipes = make_recipes(sizes={"contacts": 5}, limits=Limits(enabled=False), switches=Switches(bulk="present"))
    return App(Sandbox(recipes))


APP = make()
INSTANCE = APP.sandbox.first.instance
AUTH = b"Basic " + b64encode(INSTANCE.users[0].key.encode())
KNOWN = {key: [str(row.id) for row in list(table.all())[:2]] for key, table in INSTANCE.tables.items()}
"""Ids that are there at first, so that a call gets past the look-up."""


def plain(text: str) -> bytes:
    """Write text as UTF-8; what it cannot hold becomes a question mark."""
    return text.encode("utf-8", "replace")


def encode(value: object) -> bytes:
    """Write JSON, or where there is no JSON for it, text."""
    try:
        return msgspec.json.encode(value)
    except (ValueError, OverflowError, UnicodeEncodeError):
        return plain(repr(value))


@st.composite
def bodies(draw, resource, operation) -> bytes:
    """A body: nearly right, of the wrong shape, or no JSON at all."""
    kind = draw(st.sampled_from(["record", "record", "json", "bytes", "none"]))
    if kind == "none":
        return b""
    if kind == "bytes":
        return draw(st.binary(max_size=64))
    if kind == "json":
        return encode(draw(JSON))
    fields = CONTRACT.shape(operation.body) if operation.body in RECORDS else resource.fields
    names = [field.name for field in fields] or ["NAME"]
    right = {field.name: "1" for field in fields if field.required}
    record = right | draw(st.dictionaries(st.sampled_from(names), JSON, max_size=draw(st.integers(0, 6))))
    return encode([record] if draw(st.booleans()) and operation.body_many else record)


@st.composite
def calls(draw) -> dict[str, object]:
    """A call to some operation, with parts of it wrong."""
    resource, operation = draw(st.sampled_from(OPERATIONS))
    known = KNOWN.get(resource.key) or ["1"]
    ids = st.sampled_from(known) | st.sampled_from(["0", "-1", "abc", "9" * 30, "1.5", "Search", "Contacts", "é/ü", ""])
    custom = operation.path.replace("/{objectName}", "/Fruit__c", 1) if operation.path.startswith("/{") else ""
    parts = (custom or operation.path).split("/")
    path = "/".join(quote(plain(draw(ids | WORDS)), safe="") if part.startswith("{") else part for part in parts)
    values = WORDS | st.sampled_from(["1", "true", "FIRST_NAME", "2026-01-01"])
    query = draw(st.just({}) | st.dictionaries(st.sampled_from(QUERY_NAMES) | WORDS, values, max_size=3))
    odd = st.fixed_dictionaries({}, optional={name: st.sampled_from(choice) for name, choice in HEADERS.items()})
    return {
        "verb": draw(st.sampled_from([operation.verb] * 6 + ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"])),
        "path": path,
        "query": query,
        "headers": draw(st.just({}) | st.just({}) | odd),
        "body": draw(bodies(resource, operation)),
    }


async def send_to(app: App, call: dict[str, object]) -> tuple[int, bytes]:
    """Put a call through the application and collect its answer."""
    sent: list[dict[str, object]] = []
    body = call["body"]
    scope = {
        "type": "http",
        "method": call["verb"],
        "scheme": "http",
        "raw_path": ("/v3.1" + call["path"]).encode(),
        "query_string": urlencode({plain(name): plain(value) for name, value in call["query"].items()}).encode(),
        "headers": [*call["headers"].items(), (b"authorization", AUTH), (b"content-length", b"%d" % len(body))],
    }

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.hard
@BUDGET
@given(calls())
def test_no_fault_of_ours(call):
    """Every call is answered below 500."""
    status, _ = asyncio.run(send_to(APP, call))
    assert 200 <= status < 500


@BUDGET
@given(calls())
def test_lists_stay_whole(call):
    """After any call, the list of its resource is JSON still, or refused as before."""
    asyncio.run(send_to(APP, call))
    first = call["path"].split("/")[1]
    listing = {"verb": "GET", "path": f"/{first}", "query": {"top": "500"}, "headers": {}, "body": b""}
    status, body = asyncio.run(send_to(APP, listing))
    assert status in (400, 403, 404, 405) or isinstance(msgspec.json.decode(body), list | dict | bool)


@given(st.text() | st.binary().map(lambda raw: "Basic " + raw.decode("latin-1")))
def test_any_authorization_header(header):
    """Whatever stands in the header is a key or none."""
    assert isinstance(read_key(header), str | None)


MESSAGE = b"POST /v3.1/Contacts?top=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic eA==\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize("seed", range(4))
async def test_any_bytes(seed):
    """A request with bytes changed, lost or doubled is answered or waited out; the sandbox lives on."""
    rng = Random(seed)
    async with serve(make().sandbox, patience=0.2) as running:
        port = int(running.url.rpartition(":")[2])

        async def throw(message: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(message)
            got = await reader.read()
            writer.close()
            return got

        messages = [bytearray(MESSAGE) for _ in range(60)]
        for message in messages:
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(message))
                message[at : at + rng.randint(0, 2)] = rng.randbytes(rng.randint(0, 2))
        answers = await asyncio.gather(*(throw(bytes(message)) for message in messages))
    assert [] == [message for message, got in zip(messages, answers, strict=True) if not got.startswith(b"HTTP/1.1 ")]
    assert [] == [got for got in answers if got.startswith(b"HTTP/1.1 5")]
