"""Sources of every kind, read into their datasets."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from crosswalk.accounts.accounts import Wanted
from crosswalk.accounts.vault import Secret
from crosswalk.delivery.connections import Connections
from crosswalk.delivery.datasets import Datasets
from crosswalk.delivery.errors import PlanError, SourceTaken, UnknownSource, WrongState
from crosswalk.delivery.kinds import File, Http, Kind, Records, Sql
from crosswalk.delivery.pull_http import Paging
from crosswalk.delivery.row import Options
from crosswalk.delivery.sources import Change, Draft, Pull, Sources
from crosswalk.store.database import Database
from fixtures.pulls import VAULT, Clock, make_accounts, make_places, make_puller, make_sources
from fixtures.served import Served


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home beside the data."""
    path = tmp_path / "home"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


@pytest.fixture
def sources(database: Database, home: Path) -> Sources:
    """The sources of a database."""
    return make_sources(database, home, Clock())


@pytest.fixture
def crm(tmp_path: Path) -> Path:
    """A SQLite database of three people, two of them changed in the same second."""
    path = tmp_path / "crm.db"
    run(path, "CREATE TABLE people (id INTEGER, name TEXT, changed TEXT)")
    run(path, "INSERT INTO people VALUES (1, 'Ann', '2026-01-01'), (2, 'Bo', '2026-01-02'), (3, 'Cy', '2026-01-02')")
    return path


def run(path: Path, statement: str) -> None:
    """Run one statement in a SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def replace_link(link: Path, there: Path) -> None:
    """Let a name mean another file."""
    link.unlink()
    link.symlink_to(there)


def write(path: Path, text: str) -> Path:
    """Write a file."""
    path.write_text(text)
    return path


async def pull(
    database: Database, home: Path, sources: Sources, *, listed: tuple[Path, ...] = (), host: str = ""
) -> Pull:
    """Read the source once."""
    puller = make_puller(database, home, Clock(), listed=listed, hosts=(host,))
    done = await puller.pull((await sources.find("s")).id)
    assert done is not None
    return done


async def cells(database: Database, name: str) -> list[object]:
    """One column of the dataset."""
    found = await Datasets(database=database).records("s", most=500)
    return [json.loads(bytes(each.cells))[name] for each in found]


async def make(sources: Sources, settings: Kind, **more: str) -> None:
    """Make the source."""
    await sources.create(Draft(name="s", settings=settings, **more))


async def test_sql_incremental(database: Database, home: Path, sources: Sources, crm: Path):
    """With a cursor column only what is newer is read, rows that share the last value included."""
    await make(sources, Sql(query="SELECT * FROM people", cursor_column="changed"), secret=f"sqlite:///{crm}")
    await pull(database, home, sources)
    run(crm, "INSERT INTO people VALUES (4, 'Di', '2026-01-02'), (5, 'Ed', '2026-01-03')")
    second = await pull(database, home, sources)
    third = await pull(database, home, sources)
    assert (["Ann", "Bo", "Cy", "Di", "Ed"], 2, 0) == (await cells(database, "name"), second.rows, third.rows)


async def test_sql_whole(database: Database, home: Path, sources: Sources, crm: Path):
    """Without a cursor column every pull reads all; with a key it adds what is new."""
    await make(sources, Sql(query="SELECT * FROM people ORDER BY id", key="id"), secret=f"sqlite:///{crm}")
    await pull(database, home, sources)
    run(crm, "INSERT INTO people VALUES (4, 'Di', '2026-01-02')")
    assert 4 == (await pull(database, home, sources)).rows
    assert ["Ann", "Bo", "Cy", "Di"] == await cells(database, "name")


async def test_wrong_password(database: Database, home: Path, sources: Sources, postgres_server: str):
    """A database that refuses fails the pull with its words, and never with the password."""
    assert postgres_server
    address = "postgresql://nobody_there:hunter2@127.0.0.1:5432/nothing_there"
    await make(sources, Sql(query="SELECT 1"), secret=address)
    done = await pull(database, home, sources)
    assert ("failed", False) == (done.state, "hunter2" in (done.reason or ""))


async def test_connections(database: Database, home: Path, sources: Sources, crm: Path):
    """A SQL source names a connection, which stays while it is named; its address rests sealed."""
    connections = Connections(database=database, vault=VAULT, places=make_places(home))
    made = await connections.add("crm", f"sqlite:///{crm}")
    with pytest.raises(SourceTaken):
        await connections.add("crm", f"sqlite:///{crm}")
    await make(sources, Sql(query="SELECT * FROM people", connection="crm"))
    assert 3 == (await pull(database, home, sources)).rows
    with pytest.raises(WrongState, match="used by s"):
        await connections.remove("crm")
    await sources.remove("s")
    await connections.remove("crm")
    with pytest.raises(UnknownSource):
        await connections.open("crm")
    assert "crm" == made.name


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM people",
        "SELECT 1; DROP TABLE people",
        "",
        "ATTACH 'x' AS y",
        "COMMIT",
        r"SELECT E'\''; DROP TABLE x",
    ],
)
async def test_queries_only_read(sources: Sources, crm: Path, query: str):
    """A query is one statement that reads."""
    with pytest.raises(PlanError):
        await make(sources, Sql(query=query), secret=f"sqlite:///{crm}")


async def test_over_http_no_address(database: Database, home: Path, sources: Sources, crm: Path):
    """Whoever is held to what the operator listed names a connection, never an address, and changes no such source."""
    bounded = make_sources(database, home, Clock(), places=make_places(home, ()))
    told = Sql(query="SELECT * FROM people")
    with pytest.raises(PlanError, match="names a connection"):
        await bounded.create(Draft(name="s", settings=told, secret=f"sqlite:///{crm}"))
    await make(sources, told, secret=f"sqlite:///{crm}")
    with pytest.raises(PlanError, match="names a connection"):
        await bounded.change("s", Change(settings=Sql(query="SELECT 2")))


async def test_insightly(database: Database, home: Path, sources: Sources, insightly: Served):
    """A resource of Insightly is read whole first, then what changed since."""
    accounts = make_accounts(database, home, insightly.host)
    wanted = Wanted(name="acme", api_key=Secret(insightly.key), base_url=insightly.base_url, rate=0)
    await accounts.add(wanted)
    await make(sources, Records(resource="Contacts"), account="acme")
    first = await pull(database, home, sources, host=insightly.host)
    second = await pull(database, home, sources, host=insightly.host)
    assert (len(insightly.records("contacts", ("CONTACT_ID",))), 0) == (first.rows, (second.last or 0))


async def test_insightly_without_account(sources: Sources):
    """A resource of Insightly needs an account."""
    for resource in ("Contacts", "Fruits"):
        with pytest.raises(PlanError, match="needs an account"):
            await make(sources, Records(resource=resource))


async def test_http_refused_address(database: Database, home: Path, sources: Sources):
    """An HTTP source goes by the one sender: a private address is refused, and the pull says why."""
    await make(sources, Http(url="https://10.0.0.1/orders", paging=Paging(records="data")))
    done = await pull(database, home, sources)
    assert ("failed", True) == (done.state, "gives nothing" in (done.reason or ""))


async def test_bounded_at_every_reading(database: Database, home: Path, tmp_path: Path):
    """A file source made over HTTP is held to the listed folders at every reading, not only when it was made."""
    listed = tmp_path / "listed"
    write(tmp_path / "outside.csv", "name\nSecret\n")
    listed.mkdir()
    inside = write(listed / "people.csv", "name\nAnn\n")
    sources = make_sources(database, home, Clock(), places=make_places(home, (listed,)))
    await make(sources, File(path=str(inside), bounded=False))
    replace_link(inside, tmp_path / "outside.csv")
    done = await pull(database, home, sources, listed=(listed,))
    assert ("failed", 0) == (done.state, done.rows)


async def test_pattern_of_links(database: Database, home: Path, tmp_path: Path):
    """A pattern over HTTP reads no file that a link brings in from elsewhere."""
    listed = tmp_path / "listed"
    listed.mkdir()
    write(listed / "a.csv", "name\nAnn\n")
    (listed / "b.csv").symlink_to(write(tmp_path / "outside.csv", "name\nSecret\n"))
    sources = make_sources(database, home, Clock(), places=make_places(home, (listed,)))
    await make(sources, File(path=str(listed / "*.csv")))
    done = await pull(database, home, sources, listed=(listed,))
    assert ("failed", True) == (done.state, "leads out" in (done.reason or ""))


async def test_options(database: Database, home: Path, sources: Sources, tmp_path: Path):
    """A file is read as the source says."""
    path = write(tmp_path / "people.txt", "Ann;1\nBo;2\n")
    await make(sources, File(path=str(path), options=Options(delimiter=";", header=False)))
    await pull(database, home, sources)
    assert ["Ann", "Bo"] == await cells(database, "column_1")
