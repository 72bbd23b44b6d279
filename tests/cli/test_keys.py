"""`crosswalk keys`: rotated by itself in the home, by the list elsewhere; no key is ever shown."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crosswalk.accounts.home_key import add_home_key
from crosswalk.cli import main
from fixtures.served import Served

OLD, NEW = (b64encode(letter * 32).decode() for letter in (b"o", b"n"))


@pytest.fixture
def home(tmp_path: Path, insightly: Served, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with leave to call the sandbox."""
    monkeypatch.setenv("CROSSWALK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CROSSWALK_ALLOWED_HOSTS", insightly.host)
    monkeypatch.delenv("CROSSWALK_DATABASE_URL", raising=False)
    monkeypatch.delenv("CROSSWALK_MASTER_KEY", raising=False)
    return tmp_path / "home"


def crosswalk(*words: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, words)


def keys() -> list[dict[str, object]]:
    """What `keys list` says."""
    listed: list[dict[str, object]] = json.loads(crosswalk("keys", "list", "--json").stdout)
    return listed


def add(insightly: Served) -> None:
    """Link one account."""
    assert (
        0
        == crosswalk("accounts", "add", "acme", "--api-key", insightly.key, "--base-url", insightly.base_url).exit_code
    )


def test_home_rotation(home: Path, insightly: Served):
    """A new key is made and seals everything; the old one is dropped, and the account works on."""
    add(insightly)
    old = keys()[0]["id"]
    assert 0 == crosswalk("keys", "rotate").exit_code
    assert [({"accounts' keys": 1}, True), ({}, False)] == [(each["seals"], each["newest"]) for each in keys()]
    dropped = crosswalk("keys", "drop", str(old))
    assert (0, 1, 0) == (dropped.exit_code, len(keys()), crosswalk("accounts", "check", "acme").exit_code)


def test_cut_short(home: Path, insightly: Served):
    """A rotation that made its key and went no further is gone on with, under that key."""
    add(insightly)
    add_home_key(home)
    made = json.loads(crosswalk("keys", "rotate", "--json").stdout)
    assert (2, made["newest"], 1) == (len(keys()), keys()[0]["id"], made["shelves"][0]["resealed"])


def test_drop_in_use(home: Path, insightly: Served):
    """A key that seals something is not dropped, nor one that there is not."""
    add(insightly)
    old = str(keys()[0]["id"])
    add_home_key(home)
    for key, says in ((old, "still seals 1"), ("0" * 12, "has no key")):
        refused = crosswalk("keys", "drop", key)
        assert (2, True) == (refused.exit_code, says in refused.stderr)


def test_given_list(home: Path, insightly: Served, monkeypatch: pytest.MonkeyPatch):
    """With a list the first seals, and the second can leave it after the rotation."""
    monkeypatch.setenv("CROSSWALK_MASTER_KEY", OLD)
    add(insightly)
    monkeypatch.setenv("CROSSWALK_MASTER_KEY", f"{NEW},{OLD}")
    assert 0 == crosswalk("keys", "rotate").exit_code
    monkeypatch.setenv("CROSSWALK_MASTER_KEY", NEW)
    assert 0 == crosswalk("accounts", "check", "acme").exit_code
    assert "CROSSWALK_MASTER_KEY" in crosswalk("keys", "drop", "0" * 12).stderr


def test_list_in_a_file(home: Path, insightly: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A file may hold several keys, newest first."""
    file = tmp_path / "keys"
    file.write_text(f"{OLD}\n")
    monkeypatch.setenv("CROSSWALK_MASTER_KEY", f"file:{file}")
    add(insightly)
    file.write_text(f"{NEW}\n{OLD}\n")
    crosswalk("keys", "rotate")
    file.write_text(f"{NEW}\n")
    assert 0 == crosswalk("accounts", "check", "acme").exit_code


def test_lost_key(home: Path, insightly: Served, monkeypatch: pytest.MonkeyPatch):
    """What no key at hand opens is named, and the status is 1."""
    monkeypatch.setenv("CROSSWALK_MASTER_KEY", OLD)
    add(insightly)
    monkeypatch.setenv("CROSSWALK_MASTER_KEY", NEW)
    done = crosswalk("keys", "rotate")
    assert (1, True) == (done.exit_code, "sealed with master key" in done.stderr)


def test_no_key_is_shown(home: Path, insightly: Served):
    """Nothing that the commands print holds a key."""
    add(insightly)
    shown = "".join(
        crosswalk("keys", *words).output for words in (["list"], ["rotate"], ["rotate", "--json"], ["list"])
    )
    assert [] == [line for line in (home / "master.key").read_text().split() if line in shown]
