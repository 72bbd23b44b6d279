"""`crosswalk describe`."""

import msgspec
from click.testing import CliRunner

from crosswalk.cli import main


def run(*args):
    """Run a command in this process."""
    return CliRunner().invoke(main, args)


def test_all_resources():
    """Without a name every resource has a line."""
    lines = run("describe").stdout.splitlines()
    assert 54 == len(lines) - 2


def test_one_resource():
    """With a name its fields and operations are listed."""
    out = run("describe", "contacts").stdout
    assert "FIRST_NAME" in out
    assert "/Contacts/{id}/Notes" in out


def test_json():
    """`--json` prints the contract's own data."""
    out = run("describe", "Leads", "--json").stdout
    assert "LEAD_ID" == msgspec.json.decode(out)["id"]


def test_unknown_resource():
    """A slip is one clear line and status 2."""
    result = run("describe", "Contcts")
    assert (2, True) == (result.exit_code, "Did you mean Contacts" in result.stderr)
