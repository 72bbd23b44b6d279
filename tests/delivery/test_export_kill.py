"""An export that is killed outright: no half file, nothing doubled, and the same command writes it whole."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from click.testing import CliRunner

from crosswalk.cli import main

ROWS = 3000
"""Three batches."""
STUCK = """
import sys, time
from crosswalk.cli import datasets, main

def stick(self, count):
    print(count, flush=True)
    time.sleep(600)

datasets._Spoken.__call__ = stick
main(sys.argv[1:])
"""
"""The command, but that it stays where it is once its first batch is written."""


@pytest.fixture
def environ(tmp_path):
    """A home with a dataset `people`."""
    made = {"CROSSWALK_HOME": str(tmp_path / "home"), "CROSSWALK_DATABASE_URL": "", "CROSSWALK_MASTER_KEY": ""}
    path = tmp_path / "people.csv"
    path.write_text("id,name\n" + "".join(f"{number},P{number}\n" for number in range(1, ROWS + 1)))
    run(made, "sources", "create", "file", "people", path)
    run(made, "sources", "run", "people")
    path.unlink()
    return made


def run(environ, *words):
    """Run a command that must end well."""
    done = CliRunner().invoke(main, [*map(str, words)], env=environ)
    assert 0 == done.exit_code, done.output
    return done.stdout


def kill(environ, *words):
    """Run an export until its first batch is written, and kill it."""
    command = [sys.executable, "-c", STUCK, *map(str, words)]
    with subprocess.Popen(command, env=os.environ | environ, stdout=subprocess.PIPE, text=True) as running:
        told = running.stdout.readline()
        running.send_signal(signal.SIGKILL)
    assert "1000\n" == told


def runs(environ):
    """The states of all exports and their reasons, oldest first."""
    found = json.loads(run(environ, "runs", "list", "--json"))
    return [(each["state"], each["reason"]) for each in reversed(found)]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_file(environ, tmp_path, ending):
    """The old file stands until the new one is whole, and the draft of the killed one is gone then."""
    path = tmp_path / f"out.{ending}"
    path.write_text("old")
    words = ("datasets", "export", "people", "--to", path)
    kill(environ, *words)
    assert ("old", True) == (path.read_text(), (tmp_path / f".out.{ending}.part").exists())
    done = json.loads(run(environ, *words, "--json"))
    assert (ROWS, ["home", path.name]) == (done["records"], sorted(each.name for each in tmp_path.iterdir()))
    if ending != "parquet":
        assert ROWS + (ending == "csv") == len(path.read_text().splitlines())
    assert [("abandoned", "its process died, and it was exported anew"), ("finished", None)] == runs(environ)


def test_table(environ, tmp_path):
    """A table has whole batches, and each key once when it was written again."""
    database = tmp_path / "out.db"
    words = ("datasets", "export", "people", "--to", f"sqlite:///{database}", "--table", "people", "--key", "id")

    def count():
        with closing(sqlite3.connect(database)) as connection:
            return connection.execute("SELECT count(*), count(DISTINCT id) FROM people").fetchone()

    kill(environ, *words, "--incremental")
    assert (1000, 1000) == count()
    run(environ, *words, "--incremental")
    assert (ROWS, ROWS) == count()
