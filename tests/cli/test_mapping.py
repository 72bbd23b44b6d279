"""`crosswalk mapping suggest`: settings that a destination takes as they are."""

import json

import msgspec
import pytest
from click.testing import CliRunner

from crosswalk.cli import main
from crosswalk.delivery.settings import Settings


@pytest.fixture
def suggest(tmp_path):
    """Runs the command on a file with these columns."""

    def run(head, *words):
        file = tmp_path / "people.csv"
        file.write_text(f"{head}\n{','.join('x' for _ in head.split(','))}\n")
        return CliRunner().invoke(main, ["mapping", "suggest", str(file), *words])

    return run


def test_settings_come_out(suggest):
    """JSON is settings, whole; what is left out and what is missing go to standard error."""
    done = suggest("surname,company,colour", "--template", "create-contact", "--json")
    assert 0 == done.exit_code, done.output
    settings = msgspec.json.decode(done.stdout, type=Settings)
    assert ("create-contact", ["LAST_NAME", "ORGANISATION_ID"]) == (settings.template, [*settings.mapping])
    assert {"column": "company", "lookup": {"table": "organisations"}} == json.loads(done.stdout)["mapping"][
        "ORGANISATION_ID"
    ]
    assert "Left out: colour" in done.stderr
    assert "Required and not found: FIRST_NAME" in done.stderr


def test_lines_for_people(suggest):
    """Without --json each field is a line that says why."""
    done = suggest("id,mobile", "--template", "update-contact")
    assert ["the record", "PHONE_MOBILE"] == [line.partition("  ")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "says"),
    [(("--template", "creat-contact"), "Did you mean create-contact"), ((), "Missing option '--template'")],
)
def test_wrong_use(suggest, words, says):
    """A slip is status 2, and says what to do."""
    done = suggest("id", *words)
    assert 2 == done.exit_code
    assert says in done.output
