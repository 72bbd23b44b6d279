"""Sources, datasets and inbound webhooks over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.vault import Vault
from crosswalk.api.file_part import open_file_part
from crosswalk.api.routes import make_api
from crosswalk.delivery.places import Places
from crosswalk.store.database import Database

HERE = "/v1/sources/people"


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A folder that the operator listed, with one file."""
    folder = tmp_path / "listed"
    folder.mkdir()
    (folder / "people.csv").write_text("id,name\n1,Ann\n")
    return folder


@pytest.fixture
def app(database: Database, tmp_path: Path, listed: Path) -> Litestar:
    """The API with sources."""
    home = tmp_path / "home"
    url = f"sqlite:///{home / 'crosswalk.db'}"
    places = Places(home=home, database_url=url, folders=(listed,), largest_upload=1000)
    accounts = Accounts(database=database, vault=Vault((bytes(32),)), pace_folder=home / "pace")
    return make_api(database, accounts=accounts, places=places)


def draft(listed: Path, **more: object) -> dict[str, object]:
    """A file source."""
    settings = {"kind": "file", "path": str(listed / "people.csv")}
    return {"name": "people", "account": "acme", "settings": settings} | more


@pytest.fixture
async def made(admin: httpx.AsyncClient, listed: Path) -> dict[str, object]:
    """One source."""
    answer = await admin.post("/v1/sources", json=draft(listed))
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()["source"]
    return found


@pytest.fixture
async def hook(admin: httpx.AsyncClient) -> str:
    """The address of a webhook of a thousand bytes."""
    settings = {"kind": "webhook", "max_bytes": 1000, "include_url_params": True}
    answer = await admin.post("/v1/sources", json={"name": "orders", "account": "acme", "settings": settings})
    return f"/hooks/{answer.json()['hook']}"


async def test_create(admin: httpx.AsyncClient, made: dict[str, object]):
    """A source is made with its dataset, and found by name and id; it is held to the listed folders."""
    by_id = (await admin.get(f"/v1/sources/{made['id']}")).json()
    dataset = (await admin.get("/v1/datasets/people")).json()
    assert (by_id, "people", True) == (made, dataset["source"], made["settings"]["bounded"])


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        ({}, 409, "already"),
        ({"name": "b", "account": "nobody"}, 422, "no account"),
        ({"name": "b", "settings": {"kind": "file", "path": "/etc/passwd"}}, 422, "CROSSWALK_FILES"),
        ({"name": "b", "settings": {"kind": "sql", "query": "SELECT 1"}, "secret": "sqlite:////x"}, 422, "connection"),
        ({"name": "b", "settings": {"kind": "insightly", "resource": "Fruits"}}, 422, "Fruits"),
        ({"name": "b", "settings": {"kind": "carrier-pigeon"}}, 400, "carrier-pigeon"),
        ({"name": "b", "schedule": "daily"}, 422, "daily"),
        ({"name": "a b"}, 422, "named"),
    ],
)
@pytest.mark.usefixtures("made")
async def test_refused(admin: httpx.AsyncClient, listed: Path, more: dict[str, object], status: int, says: str):
    """What cannot be is refused with its reason."""
    answer = await admin.post("/v1/sources", json=draft(listed) | more)
    assert (status, True) == (answer.status_code, says in answer.json()["detail"])


@pytest.mark.usefixtures("made")
async def test_steps(admin: httpx.AsyncClient):
    """A source is asked for, paused, refused then, activated, and removed; its dataset goes after it."""
    steps = [
        ("POST", f"{HERE}/run"),
        ("POST", f"{HERE}/pause"),
        ("POST", f"{HERE}/run"),
        ("POST", f"{HERE}/activate"),
        ("POST", f"{HERE}/rotate"),
        ("GET", f"{HERE}/pulls"),
        ("DELETE", "/v1/datasets/people"),
        ("DELETE", HERE),
        ("DELETE", "/v1/datasets/people"),
        ("GET", HERE),
    ]
    answers = [(await admin.request(method, path)).status_code for method, path in steps]
    assert [202, 200, 409, 200, 409, 200, 409, 200, 200, 404] == answers


@pytest.mark.usefixtures("made")
async def test_change(admin: httpx.AsyncClient, listed: Path):
    """A schedule is changed and taken away; a source keeps its kind."""
    timed = (await admin.patch(HERE, json={"schedule": "every 15m"})).json()
    plain = (await admin.patch(HERE, json={"schedule": None})).json()
    other = await admin.patch(HERE, json={"settings": {"kind": "webhook"}})
    assert ("every 15m", None, None, 422) == (
        timed["schedule"],
        plain["schedule"],
        plain["next_at"],
        other.status_code,
    )


@pytest.mark.usefixtures("made", "hook")
async def test_within_reach(caller):
    """A token of another account neither sees nor touches sources and datasets, on any route."""
    other = await caller("delivery:*", accounts=("other",))
    calls = [
        ("GET", HERE),
        ("PATCH", HERE),
        ("DELETE", HERE),
        *(("POST", f"{HERE}/{step}") for step in ("run", "pause", "activate", "rotate")),
        ("GET", f"{HERE}/pulls"),
        ("GET", f"{HERE}/pulls/x/unreadable"),
        ("GET", "/v1/datasets/people"),
        ("GET", "/v1/datasets/people/records"),
        ("GET", "/v1/datasets/people/drift"),
        ("DELETE", "/v1/datasets/people"),
    ]
    found = [
        (await other.request(method, path, json={} if method == "PATCH" else None)).status_code
        for method, path in calls
    ]
    lists = [(await other.get(path)).json()["result"] for path in ("/v1/sources", "/v1/datasets")]
    nameless = await other.post("/v1/sources", json={"name": "x", "settings": {"kind": "webhook"}})
    assert ([404] * len(calls), [[], []], 422) == (found, lists, nameless.status_code)


async def test_upload(admin: httpx.AsyncClient):
    """A file is uploaded as a body, named by its content, and read by a source."""
    upload = await admin.post("/v1/sources/uploads?name=people.csv", content=b"id,name\n1,Ann\n")
    assert upload.status_code == 201, upload.text
    settings = {"kind": "file", "path": upload.json()["path"]}
    source = await admin.post("/v1/sources", json={"name": "up", "account": "acme", "settings": settings})
    assert (201, 14, 201) == (upload.status_code, upload.json()["bytes"], source.status_code)


@pytest.mark.parametrize(
    ("name", "content", "kind", "status"),
    [
        ("people.csv", b"x" * 1001, "text/csv", 413),
        ("people.exe", b"x", "text/csv", 422),
        ("../../x.csv/..", b"x", "text/csv", 422),
        ("", b"x", "text/csv", 400),
    ],
)
async def test_upload_refused(
    admin: httpx.AsyncClient, tmp_path: Path, name: str, content: bytes, kind: str, status: int
):
    """What is too large, unreadable or packed in a form is refused, and leaves nothing."""
    answer = await admin.post(
        "/v1/sources/uploads", params={"name": name}, content=content, headers={"Content-Type": kind}
    )
    left = [path.name for path in (tmp_path / "home" / "files").glob("*")]
    assert (status, []) == (answer.status_code, left)


FILE = ("people.csv", b"id,name\n1,Ann\n", "text/csv")


async def test_upload_of_a_form(admin: httpx.AsyncClient):
    """A form's file is the same upload as the file itself: by its name, else its type, or the name beside it."""
    bare = await admin.post("/v1/sources/uploads?name=people.csv", content=FILE[1])
    typed = ("C:\\x\\people", FILE[1], "text/csv; charset=utf-8")
    packed = [
        await admin.post("/v1/sources/uploads", files={"file": FILE}),
        await admin.post("/v1/sources/uploads", files={"file": typed}),
        await admin.post("/v1/sources/uploads?name=people.csv", files={"file": ("people", FILE[1], "x/y")}),
    ]
    assert [(201, bare.json())] * 3 == [(each.status_code, each.json()) for each in packed]


def form(*parts: tuple[str, bytes], end: bytes = b"--b--\r\n") -> bytes:
    """The body of a form with the boundary `b`; each part is what stands beside `form-data`, and its content."""
    whole = (b"--b\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (said.encode(), held) for said, held in parts)
    return b"".join(whole) + end


ONE = ('name="f"; filename="a.csv"', b"id\n1\n")


REFUSED = [
    (form(ONE, ONE), 422, "second file, 'a.csv'"),
    (form(ONE, ('name="more"', b"x")), 422, "field 'more' is no file"),
    (form(('name="f"', b"x")), 422, "field 'f' is no file"),
    (form(('name="f"; filename=""', b"")), 422, "field 'f' is no file"),
    (form(), 422, "holds no file"),
    (form(('name="f"; filename="a.exe"', b"x")), 422, "no ending"),
    (form((ONE[0], b"x" * 1001)), 413, "larger than"),
    (form(ONE, end=b""), 400, "no whole multipart"),
    (b"", 400, "no whole multipart"),
    (b"id,name\n", 400, "no whole multipart"),
]


async def test_form_refused(admin: httpx.AsyncClient, tmp_path: Path):
    """A form that holds anything but one whole file is refused in words, and leaves nothing."""
    for body, status, says in REFUSED:
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = await admin.post("/v1/sources/uploads", content=body, headers=kind)
        assert (status, True) == (answer.status_code, says in answer.json()["detail"]), answer.text
    answer = await admin.post("/v1/sources/uploads", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert (400, True) == (answer.status_code, "Empty boundary" in answer.json()["detail"])
    assert [] == [path.name for path in (tmp_path / "home" / "files").glob("*")]


async def test_form_comes_in_blocks(tmp_path: Path):
    """However a body is cut, its file is the same, and no block is larger than what came in."""
    body = form(('name="f"; filename="a.csv"', b"\r\n--" * 200))
    for size in (1, 7, 64, 5000):

        async def chunks(size: int = size) -> AsyncIterator[bytes]:
            for start in range(0, len(body), size):
                yield body[start : start + size]

        async with open_file_part(chunks(), "b") as part:
            blocks = [block async for block in part.blocks]
        assert (b"\r\n--" * 200, True) == (b"".join(blocks), max(map(len, blocks)) <= size + 8)


async def test_hook(client: httpx.AsyncClient, admin: httpx.AsyncClient, hook: str):
    """A post is answered with the numbers that its records have, and they are there."""
    answer = await client.post(f"{hook}?shop=north", json=[{"a": 1}, {"a": 2}])
    records = (await admin.get("/v1/datasets/orders/records?limit=1")).json()
    rest = (await admin.get(f"/v1/datasets/orders/records?next_cursor={records['next_cursor']}")).json()
    assert (202, {"records": 2, "known": 0, "first": 1, "last": 2}) == (answer.status_code, answer.json())
    assert [{"a": 1, "url_param_shop": "north"}, {"a": 2, "url_param_shop": "north"}] == [
        each["cells"] for each in records["result"] + rest["result"]
    ]


async def test_hook_refused(client: httpx.AsyncClient, admin: httpx.AsyncClient, hook: str):
    """A post that is unknown, too large, of another type, or no record is refused, each with its status."""

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100

    answers = [
        await client.post(f"{hook}x", json={}),
        await client.post(hook, content=b" " * 1001),
        await client.post(hook, content=stream()),
        await client.post(hook, content=b"<a/>", headers={"Content-Type": "application/xml"}),
        await client.post(hook, content=b"{}", headers={"Content-Encoding": "gzip"}),
        await client.post(hook, content=b"7"),
        await client.get(hook),
    ]
    await admin.post("/v1/sources/orders/pause")
    answers.append(await client.post(hook, json={}))
    assert [404, 413, 413, 415, 415, 422, 405, 409] == [each.status_code for each in answers]
    assert 0 == (await admin.get("/v1/datasets/orders")).json()["count"]


async def test_hook_is_rotated(client: httpx.AsyncClient, admin: httpx.AsyncClient, hook: str):
    """A rotated webhook has a new address, and is never shown with one."""
    rotated = (await admin.post("/v1/sources/orders/rotate")).json()["hook"]
    shown = (await admin.get("/v1/sources/orders")).text
    answers = [(await client.post(path, json={})).status_code for path in (hook, f"/hooks/{rotated}")]
    assert ([202, 202], False) == (answers, rotated in shown)
