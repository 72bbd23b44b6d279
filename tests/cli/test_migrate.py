"""`crosswalk migrate`, forwards and back."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from crosswalk.cli import main
from crosswalk.store.migrate import revisions


def run(home: Path, *words: str, url: str = "") -> Result:
    """Run `migrate` on an embedded database in a home, or on a server's."""
    environ = {"CROSSWALK_HOME": str(home), "CROSSWALK_DATABASE_URL": url, "CROSSWALK_MASTER_KEY": ""}
    return CliRunner().invoke(main, ["migrate", *words], env=environ)


def test_up_and_down(tmp_path: Path):
    """Up goes to the head, down takes one step back."""
    up, down = run(tmp_path, "--json"), run(tmp_path, "--down", "--json")
    assert revisions()[-1:-3:-1] == (json.loads(up.stdout)["revision"], json.loads(down.stdout)["revision"])


def test_says_so(tmp_path: Path):
    """A person reads where the database is now."""
    assert f"The database is at revision {revisions()[-1]}.\n" == run(tmp_path).stdout


def test_nothing_to_take_back(tmp_path: Path):
    """An empty database has no step back: status 2."""
    assert 2 == run(tmp_path, "--down").exit_code


def test_unreachable(tmp_path: Path):
    """A server that does not answer is one line without its password, and status 3."""
    done = run(tmp_path, url="postgresql://me:secret@127.0.0.1:1/hub")
    assert (3, 1, False) == (done.exit_code, len(done.stderr.splitlines()), "secret" in done.output)
