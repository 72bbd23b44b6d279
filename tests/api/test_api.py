"""The API: what is served without a token, and the one error body."""

import asyncio
import shutil
import socket
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from crosswalk.api.health import Vitals
from crosswalk.api.routes import make_api
from crosswalk.api.server import PortTaken, listen, serve
from crosswalk.store.database import Database
from crosswalk.store.migrate import head


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/health/live", {"status": "live"}),
        ("/health/ready", {"status": "ready", "revision": head(), "engine": "alive"}),
        ("/ping", {"ping": "pong"}),
    ],
)
async def test_answers(client: httpx.AsyncClient, path: str, body: dict[str, str]):
    """Health and ping answer without a token."""
    assert body == (await client.get(path)).json()


async def test_root(client: httpx.AsyncClient):
    """The root says what is served, and nothing of any account."""
    assert {"name", "version", "serves", "openapi", "docs"} == set((await client.get("/")).json())


async def test_not_ready(client: httpx.AsyncClient, database: Database):
    """A database of an older schema is not ready, and the answer says what to do."""
    async with database.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    answer = await client.get("/health/ready")
    assert (503, True, "crosswalk migrate") == (
        answer.status_code,
        answer.json()["retryable"],
        answer.json()["detail"].rpartition(": ")[2],
    )


@pytest.mark.parametrize(
    ("felt", "says"),
    [
        ({"silent": lambda: 61.0}, "no sign of life for 61 s"),
        ({"home": Path("/"), "silent": None}, "MiB left; make room"),
        ({"stopping": True}, "This process is ending"),
    ],
)
async def test_not_able(database: Database, felt: dict[str, object], says: str, monkeypatch: pytest.MonkeyPatch):
    """A stuck engine, a full disk and a process that ends are not ready, each with its reason; all of them live."""
    if felt.pop("stopping", False):
        felt["stopping"] = asyncio.Event()
        felt["stopping"].set()
    usage = shutil.disk_usage("/")._replace(free=1 << 20)
    monkeypatch.setattr("crosswalk.api.health.shutil.disk_usage", lambda _: usage)  # no test fills a disk
    app = make_api(database, vitals=Vitals(**felt))
    async with serve(app, host="127.0.0.1", port=0) as url, httpx.AsyncClient(base_url=url) as caller:
        ready, live = [await caller.get(f"/health/{probe}") for probe in ("ready", "live")]
    assert (503, 200) == (ready.status_code, live.status_code)
    assert says in ready.json()["detail"]


async def test_elsewhere(database: Database):
    """A process without an engine and a home is ready by its database alone."""
    async with serve(make_api(database), host="127.0.0.1", port=0) as url, httpx.AsyncClient(base_url=url) as caller:
        assert "elsewhere" == (await caller.get("/health/ready")).json()["engine"]


async def test_database_gone():
    """While the database does not answer, the hub is not ready, and says so without an address or password."""
    engine = create_async_engine("postgresql+psycopg://me:secret@127.0.0.1:1/hub")
    gone = Database(engine, "postgresql", nullcontext())
    async with serve(make_api(gone), host="127.0.0.1", port=0) as url, httpx.AsyncClient(base_url=url) as caller:
        answer = await caller.get("/health/ready")
    assert (503, "The database does not answer; is it running?") == (answer.status_code, answer.json()["detail"])


async def test_openapi(client: httpx.AsyncClient):
    """The document is OpenAPI 3.1, and only these of its operations want no token."""
    document = (await client.get("/openapi.json")).json()
    open_paths = {
        path
        for path, item in document["paths"].items()
        if not all(operation.get("security") for operation in item.values())
    }
    assert ("3.1", {"/", "/ping", "/health/live", "/health/ready"}) == (document["openapi"][:3], open_paths)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("POST", "/ping", 405, "method_not_allowed"),
        ("GET", "/number?n=x", 400, "bad_request"),
        ("GET", "/crash", 500, "internal_server_error"),
    ],
)
async def test_problem(client: httpx.AsyncClient, method: str, path: str, status: int, code: str):
    """Every error is one problem document whose status is the answer's."""
    answer = await client.request(method, path)
    body = answer.json()
    assert (status, "application/problem+json", status, code) == (
        answer.status_code,
        answer.headers["content-type"],
        body["status"],
        body["code"],
    )


async def test_bad_request_names_the_field(client: httpx.AsyncClient):
    """A value of the wrong type is named."""
    assert ["n"] == [fault["field"] for fault in (await client.get("/number?n=x")).json()["errors"]]


async def test_not_allowed_says_what_is(client: httpx.AsyncClient):
    """A 405 lists the methods that are allowed (RFC 9110, 15.5.6)."""
    assert {"GET", "HEAD", "OPTIONS"} >= {m.strip() for m in (await client.post("/ping")).headers["allow"].split(",")}


async def test_crash_tells_nothing(client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]):
    """A fault of our own shows its cause in the log and not in the answer."""
    answer = await client.get("/crash")
    assert ("a secret detail" in capsys.readouterr().out, "a secret detail" in answer.text) == (True, False)


def test_port_taken():
    """A port in use is one clear line."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Cannot listen on 127.0.0.1:{port}: Address already in use"):
            listen("127.0.0.1", port)


def test_no_delay():
    """An answer in two small writes leaves at once: the socket does not wait for the first to be acknowledged."""
    with listen("127.0.0.1", 0) as listening:
        assert 0 != listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
