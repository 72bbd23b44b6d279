"""A process that is killed in the middle: nothing doubled, nothing lost, nothing wrongly adopted."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from random import Random

import pytest
from sqlalchemy import create_engine, text

from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from fixtures.served import served

HARD = bool(os.environ.get("CROSSWALK_TEST_HARD"))
KILLS = 50 if HARD else 4
ROWS = 1000 if HARD else 150
CONTACTS = {"route": "Contacts", "method": "POST"}
FAULTS = (
    CONTACTS | {"fault": "latency", "ms": 5, "spread_ms": 20},
    CONTACTS | {"fault": "status", "status": 502, "commit": True, "share": 0.03},
    CONTACTS | {"fault": "hang", "share": 0.01},
    CONTACTS | {"fault": "late_commit", "seconds": 1.5, "share": 0.01},
)
MAP = ("--map", "FIRST_NAME=first", "--map", "LAST_NAME=last", "--map", "CROSSWALK_KEY__c=key")
BEFORE = tuple(f"k{number}" for number in range(10, ROWS, 50))
"""Keys that records had before the run."""
TWICE = tuple(f"k{number}" for number in range(20, ROWS, 50))
"""Keys that the file has a second time, at its end."""


@pytest.fixture
def environ(tmp_path, database_url):
    """The environment of the commands, once with each database."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CROSSWALK_")}
    own = {"CROSSWALK_HOME": str(tmp_path / "home"), "CROSSWALK_REQUEST_TIMEOUT": "2", "CROSSWALK_SETTLE_AFTER": "4"}
    return clean | own | ({} if database_url.startswith("sqlite") else {"CROSSWALK_DATABASE_URL": database_url})


def start(environ, *words):
    """Start a command in a process of its own."""
    words = [sys.executable, "-c", "from crosswalk.cli import main; main()", *words]
    return subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(environ, *words):
    """Run a command to its end."""
    running = start(environ, *words)
    out, errors = running.communicate(timeout=180)
    assert running.returncode in {0, 1}, errors
    assert "Traceback" not in errors, errors
    return out


def write(path, keys):
    """A file of people with these keys."""
    path.write_text("first,last,key\n" + "".join(f"Person,{key},{key}\n" for key in keys))
    return str(path)


def delivered(url):
    """Key and record id of every delivered row, as the journal has them."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as database:
        rows = database.execute(text("SELECT key, remote_id FROM deliveries WHERE state = 'delivered'")).all()
    engine.dispose()
    return rows


@pytest.mark.hard
def test_kills_double_and_lose_nothing(tmp_path, environ, database_url):
    """Killed at random points and resumed each time, every row is settled: once, and as its own record."""
    rng = Random(7)
    keys = [f"k{number}" for number in range(1, ROWS + 1 - len(TWICE))] + list(TWICE)
    with served(Sandbox(make_recipes(sizes={"contacts": 0}, limits=Limits(enabled=False)))) as insightly:
        environ["CROSSWALK_ALLOWED_HOSTS"] = insightly.host
        words = ("--api-key", insightly.key, "--base-url", insightly.base_url, "--rate", "off")
        run(environ, "accounts", "add", "demo", *words)
        to_demo = ("--account", "demo", "--template", "create-contact", *MAP, "--json")
        run(environ, "send", write(tmp_path / "before.csv", BEFORE), *to_demo)
        old = {row[0] for row in insightly.records("contacts", ("CONTACT_ID",))}
        insightly.faults(*FAULTS)
        send = ("send", write(tmp_path / "people.csv", keys), *to_demo, "--match", "CROSSWALK_KEY__c", "--resume")
        for _ in range(KILLS):
            running = start(environ, *send)
            try:
                running.communicate(timeout=rng.uniform(0.9, 2.6))
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGKILL)
                running.communicate()
        summary = json.loads(run(environ, *send))
        records = insightly.records("contacts", ("CONTACT_ID", "LAST_NAME"))
    made = {str(number): name for number, name in records if number not in old}
    ours = [(key, remote) for key, remote in delivered(database_url) if remote not in {str(each) for each in old}]
    assert (ROWS, ROWS) == (summary["read"], summary["delivered"] + summary["held"])
    counts = Counter(made.values())
    doubtful = {*BEFORE, *TWICE}
    assert {key: 1 for key in keys if key not in doubtful} == {k: n for k, n in counts.items() if k not in doubtful}
    assert all(counts[key] <= keys.count(key) for key in doubtful), "a row was created twice"
    remotes = [remote for key, remote in ours if key in counts]
    assert len(remotes) == len(set(remotes)), "two rows claim one record"
    assert all(made[remote] == key for key, remote in ours if remote in made), "a row adopted another's record"
