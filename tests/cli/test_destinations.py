"""`crosswalk destinations`, as a script sees it: output, errors and status."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crosswalk.app import open_hub
from crosswalk.cli import main
from crosswalk.config import settings
from crosswalk.store.accounts import ADD_ACCOUNT

Run = Callable[..., Result]
CREATE = ("create", "people", "--account", "acme", "--template", "create-contact", "--map", "FIRST_NAME=first")
SETTINGS = {"template": "create-contact", "fields": {"FIRST_NAME": "first"}}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs one command with a home of its own, where the account acme is linked."""
    environ = {"CROSSWALK_HOME": str(tmp_path / "home"), "CROSSWALK_DATABASE_URL": "", "CROSSWALK_MASTER_KEY": ""}

    async def link() -> None:
        async with open_hub(settings(environ)) as hub, hub.database.begin() as connection:
            where = {"base_url": "https://api.na1.insightly.com/v3.1", "created_at": datetime(2026, 11, 22, tzinfo=UTC)}
            await connection.execute(ADD_ACCOUNT, {"id": "1", "name": "acme", "status": "active", **where})

    asyncio.run(link())
    return lambda *words, **more: CliRunner().invoke(main, ["destinations", *words], env=environ, **more)


def test_create(run: Run):
    """A destination is made as a draft; with --json it is one object."""
    done = json.loads(run(*CREATE, "--json").stdout)
    assert ("people", "draft", SETTINGS) == (done["name"], done["state"], done["settings"])


def test_create_from_settings(run: Run):
    """Settings come whole from a file or standard input, as the HTTP API takes them."""
    done = run("create", "people", "--account", "acme", "--settings", "-", "--json", input=json.dumps(SETTINGS))
    assert SETTINGS == json.loads(done.stdout)["settings"]


@pytest.mark.parametrize(
    ("words", "given", "says"),
    [
        (("--template", "crate-contact"), None, "Did you mean create-contact?"),
        (("--template", "create-contact", "--map", "FRIST_NAME=a"), None, "Did you mean FIRST_NAME?"),
        (("--template", "create-contact", "--map", "FIRST_NAME"), None, "Write FIELD=COLUMN"),
        (("--template", "create-contact", "--settings", "-"), "{}", "one of the two"),
        (("--settings", "-"), '{"colour": 1}', "unknown field `colour`"),
        (("--settings", "-"), "{", "cannot be used"),
        ((), None, "a template, or a method and a url"),
    ],
)
def test_refused(run: Run, words: tuple[str, ...], given: str | None, says: str):
    """Settings of no use are one line on standard error, status 2, and no destination."""
    done = run("create", "people", "--account", "acme", *words, input=given)
    assert (2, True, []) == (
        done.exit_code,
        says in done.stderr.splitlines()[-1],
        json.loads(run("list", "--json").stdout),
    )


def test_list_and_show(run: Run):
    """A destination is listed by name, and shown with its settings."""
    run(*CREATE)
    shown = json.loads(run("show", "people", "--json").stdout)
    assert (True, True, SETTINGS) == (
        "people" in run("list").stdout,
        "FIRST_NAME" in run("show", "people").stdout,
        shown["settings"],
    )


def test_states(run: Run):
    """A destination is activated, refused removal, paused and removed."""
    run(*CREATE)
    steps = ("activate", "remove", "pause", "remove", "show")
    assert [0, 2, 0, 0, 2] == [run(step, "people").exit_code for step in steps]


def test_unknown(run: Run):
    """An unknown destination is one line and status 2."""
    done = run("activate", "nobody")
    assert (2, "Error: There is no destination 'nobody'. `crosswalk destinations list` lists them\n") == (
        done.exit_code,
        done.stderr,
    )
