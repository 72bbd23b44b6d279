"""`crosswalk datasets` as a script and a person see it: every command, its JSON, and what it refuses."""

import json

import pytest


@pytest.fixture
def people(shell, tmp_path):
    """A dataset `people` whose columns changed with its second file."""
    path = tmp_path / "people.csv"
    path.write_text("id,name,paid\n1,Ann,\n2,Bo,yes\n")
    shell.done("sources", "create", "file", "people", path)
    shell.done("sources", "run", "people")
    path.write_text("id,name,phone\n3,Cy,123\n")
    shell.done("sources", "run", "people")
    return path


@pytest.mark.usefixtures("people")
def test_json(shell):
    """A dataset is listed, shown with its columns, and its records and drift are told."""
    (listed,) = shell.done("datasets", "list")
    shown = shell.done("datasets", "show", "people")
    assert (3, 3, "people", []) == (listed["last"], shown["count"], shown["source"], shown["destinations"])
    assert ["id", "name", "paid", "phone"] == [each["name"] for each in shown["schema"]["columns"]]
    second = shell.done("datasets", "records", "people", "--after", "1", "--most", "1")
    assert [(2, {"id": "2", "name": "Bo", "paid": "yes"})] == [(each["number"], each["cells"]) for each in second]
    drift = [each["says"] for each in shell.done("datasets", "drift", "people")]
    assert (True, True) == (any("phone" in each for each in drift), any("paid" in each for each in drift))


@pytest.mark.usefixtures("people")
def test_words(shell, tmp_path):
    """Without --json a person reads the same."""
    said = {
        ("list",): "3 records",
        ("show", "people"): "people: 3 records, filled by source people, read by no destination",
        ("records", "people", "--most", "1"): '{"id":"1","name":"Ann","paid":""}',
        ("drift", "people", "--most", "1"): "Z  ",
        ("export", "people", "--to", str(tmp_path / "out.jsonl")): "Wrote 3 records of people",
    }
    for words, expected in said.items():
        done = shell("datasets", *words)
        assert (0, True) == (done.exit_code, expected in done.stdout), (words, done.output)


@pytest.mark.usefixtures("people")
def test_remove(shell):
    """A dataset goes only when nothing fills it and nothing reads it."""
    settings = ("--template", "create-contact", "--map", "FIRST_NAME=name")
    shell.done("destinations", "create", "crm", "--account", "acme", "--dataset", "people", *settings)
    assert ["crm"] == shell.done("datasets", "show", "people")["destinations"]
    filled = shell("datasets", "remove", "people")
    shell.done("sources", "remove", "people")
    read = shell("datasets", "remove", "people")
    assert (2, True, 2, True) == (
        filled.exit_code,
        "filled by source people" in filled.stderr,
        read.exit_code,
        "read by crm" in read.stderr,
    )
    shell.done("destinations", "remove", "crm")
    assert "Removed people" in shell("datasets", "remove", "people").stdout
    assert [] == shell.done("datasets", "list")


def test_refused(shell, tmp_path):
    """What is not there, or cannot be asked for, is said with status 2."""
    refused = {
        ("show", "none"): "no dataset 'none'",
        ("records", "none"): "no dataset 'none'",
        ("drift", "none"): "no dataset 'none'",
        ("remove", "none"): "no dataset 'none'",
        ("export", "none", "--to", str(tmp_path / "a.csv")): "no dataset 'none'",
        ("records", "none", "--most", "501"): "501",
        ("records", "none", "--after", "-1"): "-1",
    }
    for words, says in refused.items():
        done = shell("datasets", *words)
        assert (2, True) == (done.exit_code, says in " ".join(done.stderr.split())), (words, done.output)
    assert [] == json.loads(shell("datasets", "list", "--json").stdout)
