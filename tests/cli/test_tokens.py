"""`crosswalk tokens`, as a script sees it: output, errors and status."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crosswalk.accounts.tokens import TOKEN
from crosswalk.cli import main

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs one command with a home of its own."""
    environ = {"CROSSWALK_HOME": str(tmp_path / "home"), "CROSSWALK_DATABASE_URL": "", "CROSSWALK_MASTER_KEY": ""}
    return lambda *words: CliRunner().invoke(main, ["tokens", *words], env=environ)


def test_create(run: Run):
    """The one line printed is the token."""
    done = run("create", "--name", "reports", "--scope", "delivery:read", "--scope", "unified.crm:*")
    assert (0, True) == (done.exit_code, TOKEN.fullmatch(done.stdout.strip()) is not None)


def test_create_json(run: Run):
    """With --json id, token, scopes and expiry are one object."""
    done = json.loads(run("create", "--name", "a", "--scope", "*:*", "--expires", "30d", "--json").stdout)
    assert (["*:*"], None, True, True) == (
        done["scopes"],
        done["accounts"],
        done["token"].startswith(done["prefix"]),
        done["expires_at"] > done["created_at"],
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--name", "a", "--scope", "delivery.run:read"), "did you mean runs?"),
        (("--name", "a b", "--scope", "delivery:read"), "cannot be named"),
        (("--name", "a", "--scope", "delivery:read", "--account", "acme"), "no account 'acme'"),
        (("--name", "a", "--scope", "delivery:read", "--expires", "soon"), "is no 30d"),
        (("--name", "a"), "Missing option '--scope'"),
        (("--scope", "delivery:read"), "Missing option '--name'"),
    ],
)
def test_refused(run: Run, words: tuple[str, ...], says: str):
    """What a token cannot be is one line on standard error and status 2."""
    done = run("create", *words)
    assert (2, "", True) == (done.exit_code, done.stdout, says in done.stderr.splitlines()[-1])


def test_list(run: Run):
    """The list shows prefix, name and scopes, and never a secret."""
    text = run("create", "--name", "reports", "--scope", "delivery:read").stdout.strip()
    found, shown = json.loads(run("list", "--json").stdout), run("list").stdout
    assert (["reports"], True, False) == (
        [each["name"] for each in found],
        found[0]["prefix"] in shown,
        text in shown or any(text in str(value) for value in found[0].values()),
    )


def test_revoke(run: Run):
    """A revoked token stays in the list as such, and its name is free again."""
    run("create", "--name", "reports", "--scope", "delivery:read")
    done = run("revoke", "reports")
    again = run("create", "--name", "reports", "--scope", "delivery:read")
    assert (0, 0, 1) == (done.exit_code, again.exit_code, run("list").stdout.count("revoked"))


def test_unknown(run: Run):
    """An unknown token is one line and status 2."""
    done = run("revoke", "nobody")
    assert (2, "Error: There is no token 'nobody'. `crosswalk tokens list` lists them\n") == (
        done.exit_code,
        done.stderr,
    )
