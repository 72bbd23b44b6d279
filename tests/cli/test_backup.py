"""`backup`, `restore` and `copy` on the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crosswalk.cli import main
from fixtures.database import WORKER, made_postgres


@pytest.fixture
def home(tmp_path: Path, insightly, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one linked account and one uploaded file."""
    monkeypatch.setenv("CROSSWALK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CROSSWALK_ALLOWED_HOSTS", insightly.host)
    monkeypatch.delenv("CROSSWALK_DATABASE_URL", raising=False)
    call("accounts", "add", "acme", "--api-key", insightly.key, "--base-url", insightly.base_url)
    (tmp_path / "home" / "files").mkdir()
    (tmp_path / "home" / "files" / "people.csv").write_text("a\n1\n")
    return tmp_path / "home"


def call(*words: str, status: int = 0) -> Result:
    """Run a command to its status."""
    done = CliRunner().invoke(main, words)
    assert status == done.exit_code, done.output
    return done


def test_there_and_back(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An account that was backed up works in a home that was restored, with the same master key."""
    said = json.loads(call("backup", str(tmp_path / "b.tgz"), "--json").stdout)
    assert (1, 1) == (said["files"], len(said["keys"]))
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    (other / "master.key").write_bytes((home / "master.key").read_bytes())
    (other / "master.key").chmod(0o600)
    monkeypatch.setenv("CROSSWALK_HOME", str(other))
    call("restore", str(tmp_path / "b.tgz"))
    assert "acme" in call("accounts", "check", "acme").output
    assert "a\n1\n" == (other / "files" / "people.csv").read_text()
    assert "is not empty" in call("restore", str(tmp_path / "b.tgz"), status=2).output


def test_nothing_is_overwritten(home: Path, tmp_path: Path):
    """A file that is there stays as it is."""
    (tmp_path / "b.tgz").write_text("precious")
    assert "is there already" in call("backup", str(tmp_path / "b.tgz"), status=2).output
    assert "precious" == (tmp_path / "b.tgz").read_text()


def test_no_backup(home: Path, tmp_path: Path):
    """A file that is no backup is refused in one line."""
    (tmp_path / "b.tgz").write_text("nothing")
    assert "no backup" in call("restore", str(tmp_path / "b.tgz"), status=2).output


def test_copied_to_postgresql(home: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch):
    """An embedded installation goes on in PostgreSQL with the same account; a second copy finds it not empty."""
    with made_postgres(postgres_server, f"{WORKER}_copied") as url:
        said = json.loads(call("copy", "--to", url, "--json").stdout)
        assert 1 == said["tables"]["accounts"]
        assert "is not empty" in call("copy", "--to", url, status=2).output
        monkeypatch.setenv("CROSSWALK_DATABASE_URL", url)
        assert "acme" in call("accounts", "check", "acme").output
