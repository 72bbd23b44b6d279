"""What happens to sources, columns and days is told: once each, and again when it comes back."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from crosswalk.accounts.accounts import Accounts, Wanted
from crosswalk.accounts.vault import Secret
from crosswalk.delivery.foreign import look_at_days
from crosswalk.delivery.hook import Inbox, Post
from crosswalk.delivery.kinds import File, Sql, Webhook
from crosswalk.delivery.notices import Notices
from crosswalk.delivery.pull import Puller
from crosswalk.delivery.sources import Draft, Sources
from crosswalk.store.database import Database
from fixtures.pulls import VAULT, Clock, make_accounts, make_puller, make_sources
from fixtures.served import Served


@pytest.fixture
def notices(database: Database) -> Notices:
    """The notices of the database."""
    return Notices(database=database)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home beside the data."""
    path = tmp_path / "home"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


@pytest.fixture
def sources(database: Database, home: Path) -> Sources:
    """The sources of the database."""
    return make_sources(database, home, Clock())


@pytest.fixture
def puller(database: Database, home: Path, notices: Notices) -> Puller:
    """What reads them, and tells."""
    return replace(make_puller(database, home, Clock()), notices=notices)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of one row."""
    path = tmp_path / "people.csv"
    path.write_text("id,name\n1,Ann\n")
    return path


def write(path: Path, text: str) -> None:
    """Write a file anew."""
    path.write_text(text)


def remove(path: Path) -> None:
    """Remove a file."""
    path.unlink()


async def told(notices: Notices) -> list[str]:
    """The kinds of all notices, oldest first."""
    return [each.kind for each in reversed(await notices.list())]


async def test_a_source_that_fails(sources: Sources, puller: Puller, notices: Notices, file: Path):
    """A source that fails twice is told once; after a good pull it is told again."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(file))))).source
    remove(file)
    for _ in range(2):
        await puller.pull(made.id)
    assert ["source.failed"] == await told(notices)
    write(file, "id,name\n1,Ann\n")
    await puller.pull(made.id)
    assert all(each.over_at for each in await notices.list())
    remove(file)
    await puller.pull(made.id)
    (latest, _) = await notices.list()
    assert (made.id, True) == (latest.subject, "people.csv cannot be read" in latest.message)


async def test_a_source_without_rows(sources: Sources, puller: Puller, notices: Notices, file: Path):
    """A file without rows is told once; one that is the same as before is no news."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(file))))).source
    for _ in range(2):
        await puller.pull(made.id)
    assert [] == await told(notices)
    write(file, "id,name\n")
    for _ in range(2):
        await puller.pull(made.id)
    assert ["source.empty"] == await told(notices)


async def test_a_query_for_what_is_new(sources: Sources, puller: Puller, notices: Notices, tmp_path: Path):
    """A query that goes on from a cursor may bring nothing; one that reads all may not."""
    with sqlite3.connect(tmp_path / "crm.db") as crm:
        crm.execute("CREATE TABLE people (id INTEGER)")
    url, query = f"sqlite:///{tmp_path / 'crm.db'}", "SELECT id FROM people"
    new = Draft(name="new", settings=Sql(query=query, cursor_column="id"), secret=url)
    whole = Draft(name="whole", settings=Sql(query=query), secret=url)
    for draft in (new, whole):
        await puller.pull((await sources.create(draft)).source.id)
    (notice,) = await notices.list()
    assert ("source.empty", True) == (notice.kind, "whole" in notice.message)


async def test_columns_that_change(sources: Sources, puller: Puller, notices: Notices, file: Path):
    """The columns of a first pull are no change; what a later one shows is one notice that names them."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(file))))).source
    await puller.pull(made.id)
    assert [] == await told(notices)
    write(file, "id,surname,age\n1,Lovelace,36\n")
    await puller.pull(made.id)
    (notice,) = await notices.list()
    assert ("schema.changed", made.dataset_id) == (notice.kind, notice.subject)
    assert all(text in notice.message for text in ("'surname'", "'age'", "'name' (string) is gone"))


async def test_a_post_with_another_column(database: Database, sources: Sources, notices: Notices):
    """So is what a post brings."""
    hook = (await sources.create(Draft(name="orders", settings=Webhook()))).hook
    inbox = Inbox(database=database, vault=VAULT, notices=notices)
    for body in (b'{"id": 1}', b'{"id": 2}', b'{"id": 3, "city": "Oslo"}'):
        await inbox.post(await inbox.find(hook), Post(body=body, headers={}, params={}))
    (notice,) = await notices.list()
    assert ("schema.changed", True) == (notice.kind, "'city'" in notice.message)


@pytest.fixture
async def accounts(database: Database, home: Path, insightly: Served) -> Accounts:
    """The account acme at a sandbox, whose day has 1,000 calls."""
    insightly.control("PUT", "limits", {"enabled": True, "per_day": 1000})
    accounts = make_accounts(database, home, insightly.host)
    await accounts.add(Wanted(name="acme", api_key=Secret(insightly.key), base_url=insightly.base_url))
    return accounts


@pytest.mark.parametrize(("used", "kinds"), [(0, []), (500, ["budget.foreign_use"])])
async def test_another_client(accounts: Accounts, notices: Notices, insightly: Served, used: int, kinds: list[str]):
    """Calls of another client are told once a day, where they are more than a few."""
    account = await accounts.find("acme")
    limits = {"enabled": True, "per_day": 1000, "used": used + (await accounts.budget(account)).spent}
    insightly.control("PUT", "limits", limits)
    async with accounts.connect(account) as crm:
        await crm.request("GET", "/Users/Me")
    for _ in range(2):
        await look_at_days(accounts, notices)
    assert kinds == await told(notices)
