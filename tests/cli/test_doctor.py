"""`crosswalk doctor`: what it finds, and its status."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crosswalk.cli import main


@pytest.fixture
def home(tmp_path: Path, insightly, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one linked account."""
    monkeypatch.setenv("CROSSWALK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CROSSWALK_ALLOWED_HOSTS", insightly.host)
    monkeypatch.delenv("CROSSWALK_DATABASE_URL", raising=False)
    words = ["accounts", "add", "acme", "--api-key", insightly.key, "--base-url", insightly.base_url]
    assert 0 == CliRunner().invoke(main, words).exit_code
    return tmp_path / "home"


def ask(*words: str) -> Result:
    """Call the doctor."""
    return CliRunner().invoke(main, ["doctor", *words])


def states(result: Result) -> dict[str, str]:
    """What was found, by what it is about."""
    return {each["about"]: each["state"] for each in json.loads(result.stdout)}


def test_all_is_well(home: Path, insightly):
    """A linked account on a good home gives status 0, and no call to Insightly's API."""
    before = insightly.calls("GET")
    result = ask("--reach", "--json")
    known = ["configuration", "clock", "retention", "home", "disk", "engine", "database", "keys", "accounts", "host"]
    assert (0, dict.fromkeys(known, "good")) == (result.exit_code, states(result) | {"disk": "good"})
    assert before == insightly.calls("GET")


def test_a_lost_master_key(home: Path):
    """Credentials that no key here opens are bad, and the missing key is named by its id."""
    (home / "master.key").unlink()
    result = ask("--offline", "--json")
    assert (1, "bad") == (result.exit_code, states(result)["keys"])


def test_an_open_home(home: Path):
    """A home that others may read is told with its remedy."""
    home.chmod(0o755)
    result = ask("--offline")
    assert f"chmod 700 {home}" in result.output


def test_a_silent_host(home: Path, insightly, monkeypatch: pytest.MonkeyPatch):
    """A host that does not answer is bad."""
    monkeypatch.setattr("crosswalk.cli.doctor.REACH", 0.0001)  # no host answers in a tenth of a millisecond
    result = ask("--reach", "--json")
    assert (1, "bad") == (result.exit_code, states(result)["host"])


def test_no_host_unasked(home: Path, insightly):
    """Unless asked it reaches for nothing: it may be offline."""
    result = ask("--json")
    assert (0, False) == (result.exit_code, "host" in states(result))


def test_what_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch):
    """How long things are kept is told as the settings say it."""
    monkeypatch.setenv("CROSSWALK_KEEP_NOTICES", "off")
    monkeypatch.setenv("CROSSWALK_KEEP_REQUESTS", "3")
    assert "requests 3 days, notices for ever, messages 30 days" in ask().output


@pytest.mark.parametrize(("there", "state"), [(True, "good"), (False, "bad")])
def test_traces(home: Path, monkeypatch: pytest.MonkeyPatch, there: bool, state: str):
    """Traces that are asked for and cannot be sent are bad."""
    monkeypatch.setenv("CROSSWALK_TRACES", "otlp")
    if not there:  # the library is installed where tests run
        monkeypatch.setattr("crosswalk.cli.doctor.find_spec", lambda _: None)
    assert state == states(ask("--json"))["traces"]


def test_a_clock_long_past(home: Path, monkeypatch: pytest.MonkeyPatch):
    """A machine that woke without a clock is told so."""
    monkeypatch.setattr("crosswalk.cli.doctor.MADE", datetime(2200, 1, 1, tzinfo=UTC))  # nobody may set the clock
    assert "bad" == states(ask("--json"))["clock"]


def test_nothing_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A machine without a home is no fault; the doctor makes nothing."""
    monkeypatch.setenv("CROSSWALK_HOME", str(tmp_path / "none"))
    monkeypatch.delenv("CROSSWALK_DATABASE_URL", raising=False)
    result = ask()
    assert (0, False) == (result.exit_code, (tmp_path / "none").exists())


def test_a_wrong_setting(monkeypatch: pytest.MonkeyPatch):
    """A setting that cannot be used is the finding, without a traceback."""
    monkeypatch.setenv("CROSSWALK_MASTER_KEY", "short")
    result = ask()
    assert (1, True) == (result.exit_code, "CROSSWALK_MASTER_KEY" in result.output)


def test_a_database_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A PostgreSQL that does not answer is bad, its password not shown."""
    monkeypatch.setenv("CROSSWALK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CROSSWALK_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/none")
    result = ask()
    assert (1, True, False) == (result.exit_code, "BAD   database" in result.output, "secret" in result.output)
