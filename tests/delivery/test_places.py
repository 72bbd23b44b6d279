"""What sources may read: never Crosswalk's own home or database, and over HTTP only what the operator listed."""

from pathlib import Path

import pytest

from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.places import Places


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with its database, key and one upload."""
    made = tmp_path / "home"
    (made / "files").mkdir(parents=True)
    for name in ("crosswalk.db", "master.key"):
        (made / name).write_text("own")
    (made / "files" / f"{'a' * 64}.csv").write_text("id\n1\n")
    return made


@pytest.fixture
def listed(tmp_path: Path, home: Path) -> Path:
    """A listed folder with a file, and links that lead out of it."""
    folder = tmp_path / "listed"
    folder.mkdir()
    (folder / "people.csv").write_text("id\n1\n")
    outside = tmp_path / "outside.csv"
    outside.write_text("id\n1\n")
    (folder / "link.csv").symlink_to(outside)
    (folder / "up").symlink_to(tmp_path)
    (folder / "key.csv").hardlink_to(home / "master.key")
    (folder / "home").symlink_to(home)
    return folder


def places(home: Path, *folders: Path, free: bool = False) -> Places:
    """Places of a home."""
    url = f"sqlite:///{home / 'crosswalk.db'}"
    return Places(home=home, database_url=url, folders=None if free else folders)


def test_listed(home: Path, listed: Path):
    """A file, a folder and a pattern below a listed folder are found."""
    allowed = places(home, listed)
    assert [listed / "people.csv", listed, listed / "*.csv"] == [
        allowed.find_file(str(path)) for path in (listed / "people.csv", listed, listed / "*.csv")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "/etc/passwd",
        "people.csv",
        "../outside.csv",
        "{listed}/../outside.csv",
        "{listed}/./../outside.csv",
        "{listed}/..%2foutside.csv/../../outside.csv",
        "{listed}/link.csv",
        "{listed}/up/outside.csv",
        "{listed}/up/*.csv",
        "{listed}/key.csv",
        "{listed}/home/crosswalk.db",
        "{listed}er/people.csv",
        "{LISTED}/people.csv",
        "{home}/crosswalk.db",
        "{home}/files",
        "{home}/../home/master.key",
        "/",
        "/proc/self/environ",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "s3://bucket/people.csv",
        "memory://people.csv",
        "{listed}/people.csv\0.jsonl",
        "upload:../crosswalk.db",
        "upload:{digest}.csv/../../crosswalk.db",
        "upload:" + "b" * 64 + ".csv",
    ],
)
def test_refused_over_http(home: Path, listed: Path, text: str):
    """Whatever lies elsewhere, leads elsewhere or is Crosswalk's own is refused."""
    path = text.format(listed=listed, LISTED=str(listed).upper(), home=home, digest="a" * 64)
    with pytest.raises(PlanError):
        places(home, listed).find_file(path)


def test_nothing_is_listed(home: Path, listed: Path):
    """Where the operator lists nothing, only uploads are read."""
    allowed = places(home)
    assert home / "files" / f"{'a' * 64}.csv" == allowed.find_file(f"upload:{'a' * 64}.csv")
    with pytest.raises(PlanError, match="CROSSWALK_FILES"):
        allowed.find_file(str(listed / "people.csv"))


@pytest.mark.parametrize(
    "text",
    ["{home}/crosswalk.db", "{home}", "{home}/..", "{listed}/home/crosswalk.db", "{listed}/key.csv", "file:///x"],
)
def test_own_home_on_the_command_line(home: Path, listed: Path, text: str):
    """The command line reads any path but Crosswalk's own, under whatever name."""
    with pytest.raises(PlanError):
        places(home, free=True).find_file(text.format(home=home, listed=listed))


def test_free(home: Path, listed: Path):
    """The command line may follow links out of a folder."""
    assert (listed / "link.csv").resolve() == places(home, free=True).find_file(str(listed / "link.csv"))


def test_each_of_many(home: Path, listed: Path):
    """Each file of a pattern is looked at by itself, links followed."""
    allowed = places(home, listed)
    allowed.check_file(listed / "people.csv")
    with pytest.raises(PlanError, match="leads out"):
        allowed.check_file(listed / "link.csv")


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:///{home}/crosswalk.db",
        "sqlite:///{listed}/home/crosswalk.db",
        "sqlite:///file:{home}/crosswalk.db?uri=true",
        "sqlite:///{listed}/x.db?uri=true",
        "nonsense",
    ],
)
def test_own_sqlite(home: Path, listed: Path, address: str):
    """Crosswalk's own SQLite file is refused under every name."""
    with pytest.raises(PlanError):
        places(home, free=True).check_database(address.format(home=home, listed=listed))


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://crosswalk@127.0.0.1:5432/hub",
        "postgresql://other:secret@localhost/hub",
        "postgres://localhost:5432/hub",
        "postgresql+psycopg:///hub",
        "postgresql://elsewhere.invalid/hub?host=127.0.0.1",
        "postgresql://127.0.0.1/other?dbname=hub",
        "postgresql:///hub?host=/var/run/postgresql",
        "postgresql://127.1.2.3/hub",
    ],
)
def test_own_postgresql(home: Path, address: str):
    """Crosswalk's own PostgreSQL is refused however its address is written, and the password is not repeated."""
    own = Places(home=home, database_url="postgresql://crosswalk@localhost:5432/hub", folders=None)
    with pytest.raises(PlanError, match="own database") as refused:
        own.check_database(address)
    assert "secret" not in str(refused.value)


def test_other_database(home: Path, tmp_path: Path):
    """Another database of the same server, and another file, are read."""
    own = Places(home=home, database_url="postgresql://crosswalk@localhost:5432/hub", folders=None)
    assert "crm" == own.check_database("postgresql://reader@localhost/crm").database
    assert str(tmp_path / "crm.db") == own.check_database(f"sqlite:///{tmp_path / 'crm.db'}").database
