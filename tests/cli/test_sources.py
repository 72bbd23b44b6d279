"""`crosswalk sources` as a script and a person see it: every command, its JSON, and what it refuses."""

import json
import sqlite3
from contextlib import closing

import pytest


@pytest.fixture
def people(tmp_path):
    """A file of two people and a row that is none."""
    path = tmp_path / "people.csv"
    path.write_text("id,name\n1,Ann\n2\n3,Cy\n")
    return path


def test_file(shell, people):
    """A file is made a source, listed, shown and read; its pulls and its unreadable rows are told."""
    made = shell.done("sources", "create", "file", "people", people, "--key", "id", "--schedule", "every 15m")
    assert (None, "people", "active", "every 15m") == (
        made["hook"],
        made["source"]["name"],
        made["source"]["state"],
        made["source"]["schedule"],
    )
    done = shell("sources", "run", "people", "--json")
    pull = json.loads(done.stdout)
    assert 1 == done.exit_code, "a row could not be read"
    assert ("finished", 3, 1, 1, 2) == tuple(pull[name] for name in ("state", "rows", "unreadable", "first", "last"))
    (listed,) = shell.done("sources", "list")
    assert (shell.done("sources", "show", "people"), 2) == (listed, listed["records"])
    (told,) = shell.done("sources", "pulls", "people")
    assert pull == told
    (bad,) = shell.done("sources", "unreadable", "people", pull["id"])
    assert (2, True) == (bad["number"], bool(bad["reason"]))
    again = shell.done("sources", "run", "people")
    assert (0, None) == (again["rows"], again["first"])


def test_words(shell, people):
    """Without --json each command says in a line what is, or what it has done."""
    shell.done("sources", "create", "file", "people", people)
    run = shell("sources", "run", "people")
    assert "3 rows, records 1 to 2, 1 unreadable" in run.stdout
    pull = run.stdout.split()[0]
    said = {
        ("list",): "2 records",
        ("show", "people"): "people",
        ("pulls", "people"): "finished",
        ("unreadable", "people", pull): "2",
        ("pause", "people"): "paused",
        ("activate", "people"): "active",
        ("schedule", "people", "every 30m"): "every 30m",
        ("connections",): "",
        ("remove", "people"): "Removed people",
    }
    for words, expected in said.items():
        done = shell("sources", *words)
        assert (0, True) == (done.exit_code, expected in done.stdout), (words, done.output)


def test_states(shell, people):
    """A paused source is not read; a schedule is set and taken away; a removed source leaves its dataset."""
    shell.done("sources", "create", "file", "people", people, "--dataset", "crowd")
    assert "paused" == shell.done("sources", "pause", "people")["state"]
    assert 2 == shell("sources", "run", "people").exit_code
    assert "active" == shell.done("sources", "activate", "people")["state"]
    assert "every 1h" == shell.done("sources", "schedule", "people", "every 1h")["schedule"]
    assert None is shell.done("sources", "schedule", "people")["schedule"]
    assert True is shell.done("sources", "remove", "people")["removed"]
    assert ["crowd"] == [each["name"] for each in shell.done("datasets", "list")]


def test_table(shell, tmp_path):
    """A query of a named connection reads what is new each time; the address stands nowhere in what is shown."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE people (id INTEGER, name TEXT)")
        connection.execute("INSERT INTO people VALUES (1, 'Ann'), (2, 'Bo')")
    made = shell.done("sources", "connections", "add", "crm", "-", given=f"sqlite:///{path}\n")
    assert ["crm"] == [each["name"] for each in shell.done("sources", "connections")]
    query = ("SELECT id, name FROM people", "--connection", "crm", "--cursor-column", "id")
    shell.done("sources", "create", "sql", "people", *query)
    assert 2 == shell.done("sources", "run", "people")["rows"]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO people VALUES (3, 'Cy')")
    pull = shell.done("sources", "run", "people")
    assert (3, 3, 1) == tuple(pull[name] for name in ("first", "last", "rows"))
    held = shell("sources", "connections", "remove", "crm")
    assert (2, True) == (held.exit_code, "people" in held.stderr), held.output
    shell.done("sources", "remove", "people")
    assert {"name": "crm", "removed": True} == shell.done("sources", "connections", "remove", "crm")
    assert made["name"] == "crm"


def test_webhook(shell):
    """A webhook's address is shown once, and a new one when it is rotated."""
    made = shell.done("sources", "create", "webhook", "orders", "--signature", "hmac-sha256", "--secret", "s" * 32)
    new = shell.done("sources", "rotate", "orders")
    assert made["hook"] != new["hook"]
    assert made["hook"] not in json.dumps(shell.done("sources", "show", "orders"))
    said = shell("sources", "rotate", "orders").stdout
    assert "POST /hooks/" in said


def test_records(shell, insightly):
    """A resource of a linked account is a source like any other."""
    shell.done("sources", "create", "insightly", "contacts", "contacts", "--account", "acme", "--full")
    count = len(insightly.records("contacts", ("CONTACT_ID",)))
    assert count == shell.done("sources", "run", "contacts")["rows"]
    assert count == shell.done("datasets", "show", "contacts")["count"]


REFUSED = [
    (("create", "file", "people", "FILE", "--schedule", "often"), "cannot be read"),
    (("create", "file", "people", "FILE", "--account", "nobody"), "nobody"),
    (("create", "file", "a b/c", "FILE"), "a b/c"),
    (("create", "sql", "people", "DELETE FROM people", "--url", "sqlite:///x.db"), "must begin with SELECT"),
    (("create", "sql", "people", "SELECT 1", "--connection", "none"), "none"),
    (("create", "http", "people", "ftp://example.com/"), "https://"),
    (("create", "http", "people", "https://example.com/", "--header", "X"), "NAME:VALUE"),
    (("create", "insightly", "people", "contact_s"), "account"),
    (("create", "webhook", "people", "--signature-header", "a b"), "header"),
    (("show", "none"), "no source 'none'"),
    (("run", "none"), "no source 'none'"),
    (("remove", "none"), "no source 'none'"),
    (("rotate", "there"), "webhook"),
    (("unreadable", "there", "none"), "none"),
    (("schedule", "there", "cron 99 * * * *"), "cron"),
    (("connections", "add", "crm", "nonsense"), "cannot be read"),
    (("connections", "remove", "none"), "none"),
    (("create", "file", "there", "FILE"), "already"),
]


def test_refused(shell, people):
    """What cannot be is said in a line with status 2, and leaves nothing behind."""
    shell.done("sources", "create", "file", "there", people)
    before = shell.done("sources", "list"), shell.done("datasets", "list")
    for words, says in REFUSED:
        done = shell("sources", *(people if word == "FILE" else word for word in words))
        assert (2, True) == (done.exit_code, says in " ".join(done.stderr.split())), (words, done.output)
        assert "Traceback" not in done.output
    assert before == (shell.done("sources", "list"), shell.done("datasets", "list"))


def test_unreadable_source(shell, people):
    """A source whose file is gone says so, and its pull tells it afterwards."""
    shell.done("sources", "create", "file", "people", people)
    people.unlink()
    done = shell("sources", "run", "people", "--json")
    (pull,) = shell.done("sources", "pulls", "people")
    assert (True, "failed", True) == (done.exit_code != 0, pull["state"], "people.csv" in pull["reason"]), done.output
