"""`crosswalk mapping …` for overrides of the unified model, as a script has it."""

import json

import pytest

OVERRIDES = {"origin": {"constant": "insightly"}, "shout": {"expression": "$uppercase(ORGANISATION_NAME)"}}


@pytest.fixture
def written(tmp_path):
    """Writes a file of overrides."""

    def write(overrides) -> str:
        path = tmp_path / "overrides.json"
        path.write_text(overrides if isinstance(overrides, str) else json.dumps(overrides))
        return str(path)

    return write


def test_a_life_of_overrides(shell, written):
    """Overrides are tried, saved, explained, saved anew and rolled back; each save is a line of the audit log."""
    mine = ("--account", "acme")
    tried = shell.done("mapping", "preview", "accounts", written(OVERRIDES), *mine, "--limit", 1)
    assert ["origin", "shout"] == sorted({each["field"] for each in tried["differences"]})
    assert [] == shell.done("mapping", "versions", "accounts", *mine)
    saved = shell.done("mapping", "save", "accounts", written(OVERRIDES), *mine)
    told = {each["field"]: each for each in shell.done("mapping", "explain", "accounts", *mine)}
    assert (1, "account", "standard") == (saved["version"], told["origin"]["layer"], told["name"]["layer"])
    shell.done("mapping", "save", "accounts", written({}), *mine)
    back = shell.done("mapping", "rollback", "accounts", 1, *mine)
    assert (3, OVERRIDES) == (back["version"], back["overrides"])
    acts = [each["action"] for each in shell.done("audit", "list")]
    assert ["mapping.rollback", "mapping.save", "mapping.save"] == [each for each in acts if each.startswith("mapping")]


@pytest.mark.parametrize(
    ("words", "overrides", "status", "says"),
    [
        (("--account", "acme"), {"origin": {"custom_field": "Nope__c"}}, 2, "no custom field Nope__c"),
        (("--account", "acme"), "{", 2, "holds no overrides"),
        (("--account", "acme", "--base"), {}, 2, "one of --account NAME"),
        (("--base",), {}, 2, "Say --on NAME"),
        (("--tenant", "t9", "--on", "acme"), {}, 2, "not of this layer"),
        (("--account", "acme"), {"bad": {"expression": "$number(ORGANISATION_NAME)"}}, 1, "bad:"),
    ],
)
def test_what_cannot_be_tried(shell, written, words, overrides, status, says):
    """A wrong use is status 2 in one line; an expression that fails on a record is status 1 with the record's id."""
    done = shell("mapping", "preview", "accounts", written(overrides), *words)
    assert status == done.exit_code, done.output
    assert says in done.output
