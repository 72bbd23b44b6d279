"""Runs of a destination over files: below a folder that the operator listed, or uploaded, and nowhere else."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from crosswalk.accounts.accounts import Accounts
from crosswalk.api.routes import make_api
from crosswalk.delivery.places import Places
from crosswalk.store.database import Database

SETTINGS = {"template": "create-contact", "fields": {"FIRST_NAME": "first"}}
Caller = Callable[..., Awaitable[httpx.AsyncClient]]
RUNS = "/v1/destinations/people/runs"


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A folder that the operator listed, with one file."""
    folder = tmp_path / "listed"
    folder.mkdir()
    (folder / "people.csv").write_bytes("first;n\nZoë;1\nØ;2\n".encode("cp1252"))
    return folder


@pytest.fixture
def app(database: Database, linked: Accounts, tmp_path: Path, listed: Path) -> Litestar:
    """The API with that folder."""
    places = Places(home=tmp_path / "home", database_url="sqlite://", folders=(listed,))
    return make_api(database, accounts=linked, places=places)


@pytest.fixture
async def active(admin: httpx.AsyncClient) -> httpx.AsyncClient:
    """A caller, and an active destination."""
    await admin.post("/v1/destinations", json={"name": "people", "account": "acme", "settings": SETTINGS})
    await admin.post("/v1/destinations/people/activate")
    return admin


async def test_a_listed_file(active: httpx.AsyncClient, listed: Path):
    """A file below a listed folder is queued, read as asked, with what was guessed of it."""
    path = str(listed / "people.csv")
    answer = await active.post(RUNS, json={"path": path, "options": {"delimiter": ";"}})
    begun = answer.json()
    assert (202, "queued", path, 1) == (answer.status_code, begun["state"], begun["source"], len(begun["notes"]))
    assert "send" == (await active.get(f"/v1/runs/{begun['id']}")).json()["kind"]


async def test_an_upload(active: httpx.AsyncClient):
    """So is an upload, by the path that its answer had."""
    upload = (await active.post("/v1/sources/uploads?name=people.csv", content=b"first\nAnn\n")).json()
    assert 202 == (await active.post(RUNS, json={"path": upload["path"]})).status_code


async def test_a_pattern_leads_nowhere_else(active: httpx.AsyncClient, tmp_path: Path, listed: Path):
    """A pattern is taken, unless one of its files is a link out of the listed folders."""
    (tmp_path / "secret.csv").write_text("first\nEve\n")
    (listed / "a.csv").symlink_to(tmp_path / "secret.csv")
    refused = await active.post(RUNS, json={"path": str(listed / "*.csv")})
    (listed / "a.csv").unlink()
    taken = await active.post(RUNS, json={"path": str(listed / "*.csv")})
    assert (422, 202) == (refused.status_code, taken.status_code)
    assert "leads out of the folders" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"path": "/etc/passwd"}, 422, "CROSSWALK_FILES"),
        ({"path": "{listed}/../secret.csv"}, 422, "no whole path"),
        ({"path": "people.csv"}, 422, "no whole path"),
        ({"path": "s3://bucket/people.csv"}, 422, "no path of this machine"),
        ({"path": "{home}/crosswalk.db"}, 422, "Crosswalk's own home"),
        ({"path": "{listed}/none.csv"}, 422, "cannot be read"),
        ({"path": "{listed}/people.csv", "options": {"sheet": "x"}}, 422, "takes no sheet"),
        ({"path": "{listed}/people.csv", "options": {"colour": "red"}}, 400, "colour"),
        ({"path": "{listed}/people.csv", "dataset": "x"}, 422, "one of the three"),
        ({"rows": [{"first": "A"}], "options": {"sheet": "x"}}, 422, "Options go with a path"),
    ],
)
async def test_refused(
    active: httpx.AsyncClient, tmp_path: Path, listed: Path, body: dict[str, object], status: int, says: str
):
    """Any other path, and options that say nothing, are refused with the reason; nothing is queued."""
    where = {"listed": str(listed), "home": str(tmp_path / "home")}
    path = {"path": str(body["path"]).format(**where)} if "path" in body else {}
    answer = await active.post(RUNS, json=body | path)
    assert (status, True) == (answer.status_code, says in answer.json()["detail"]), answer.text
    assert [] == (await active.get("/v1/runs")).json()["result"]


async def test_another_account(active: httpx.AsyncClient, caller: Caller, listed: Path):
    """A token of another account starts nothing."""
    other = await caller(accounts=("2",))
    answer = await other.post(RUNS, json={"path": str(listed / "people.csv")})
    assert (404, []) == (answer.status_code, (await active.get("/v1/runs")).json()["result"])
