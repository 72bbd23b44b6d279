"""Bad days, on both databases: each ends in a state that says what to do, and going on doubles and loses nothing."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from fixtures.served import served

ROWS = 300
POST = {"route": "Contacts", "method": "POST"}
SLOW = POST | {"fault": "latency", "ms": 30}
MATCH = ("--match", "CROSSWALK_KEY__c")
MAP = ("--map", "FIRST_NAME=first", "--map", "LAST_NAME=key", "--map", "CROSSWALK_KEY__c=key")


@pytest.fixture
def insightly():
    """A sandbox without records and limits."""
    with served(Sandbox(make_recipes(sizes={"contacts": 0}, limits=Limits(enabled=False)))) as running:
        yield running


@pytest.fixture
def environ(tmp_path, database_url, insightly):
    """The environment of the commands, once with each database."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CROSSWALK_")}
    own = {
        "CROSSWALK_HOME": str(tmp_path / "home"),
        "CROSSWALK_ALLOWED_HOSTS": insightly.host,
        "CROSSWALK_REQUEST_TIMEOUT": "2",
        "CROSSWALK_SETTLE_AFTER": "1",
    }
    return clean | own | ({} if database_url.startswith("sqlite") else {"CROSSWALK_DATABASE_URL": database_url})


@pytest.fixture
def start(environ):
    """Starts a command in a process of its own."""

    def command(*words, **options):
        line = [sys.executable, "-c", "from crosswalk.cli import main; main()", *words]
        return subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    return command


@pytest.fixture
def demo(start, insightly):
    """The account `demo`, linked without a limit."""
    words = ("--api-key", insightly.key, "--base-url", insightly.base_url, "--rate", "off")
    end(start("accounts", "add", "demo", *words))


@pytest.fixture
def people(tmp_path):
    """A file of people, each with a key of its own."""
    path = tmp_path / "people.csv"
    path.write_text("first,key\n" + "".join(f"Person,k{number}\n" for number in range(ROWS)))
    return path


def end(command, statuses=(0,)):
    """Let a command end; answers what it printed, as one text and as JSON where it is."""
    out, errors = command.communicate(timeout=120)
    assert command.returncode in statuses, errors
    assert "Traceback" not in errors, errors
    return errors, json.loads(out) if out.startswith("{") else {}


def send(start, path, *more, **options):
    """Start sending a file."""
    words = ("send", str(path), "--account", "demo", "--template", "create-contact", *MAP, "--json", *MATCH, *more)
    return start(*words, **options)


def wait_for(insightly, calls):
    """Return when so many creations have arrived."""
    never = threading.Event()
    while insightly.calls("POST") < calls:
        never.wait(0.005)


def assert_all_once(insightly, people, summary):
    """Every row of the file is delivered, and is there once."""
    assert (ROWS, ROWS) == (summary["read"], summary["delivered"])
    names = Counter(row[0] for row in insightly.records("contacts", ("LAST_NAME",)))
    assert dict.fromkeys((f"k{number}" for number in range(ROWS)), 1) == names


def test_killed(start, demo, people, insightly):
    """A killed process leaves calls that nobody knows of: they are looked for, and sent again only when absent."""
    insightly.faults(SLOW)
    sending = send(start, people)
    wait_for(insightly, 80)
    sending.send_signal(signal.SIGKILL)
    sending.communicate()
    assert_all_once(insightly, people, end(send(start, people, "--resume"))[1])


def test_refusals_for_speed(start, demo, people, insightly):
    """A storm of 429 is waited out; it costs calls and loses nothing."""
    insightly.faults(POST | {"fault": "rate_limit", "retry_after": 0, "share": 0.5, "count": 200})
    assert_all_once(insightly, people, end(send(start, people))[1])


@pytest.mark.parametrize(
    ("fault", "says"),
    [({"fault": "rate_limit", "day": True}, "day's calls"), ({"fault": "status", "status": 401}, "key")],
    ids=["spent day", "wrong key"],
)
def test_a_door_that_closes_in_the_middle(start, demo, people, insightly, fault, says):
    """A spent day or a refused key stops the run with its reason; what was not sent waits."""
    insightly.faults(POST | fault | {"skip": 100})
    errors, summary = end(send(start, people), {3})
    assert says in errors + str(summary["stopped"])
    assert (ROWS, 0) == (summary["delivered"] + summary["pending"] + ROWS - summary["read"], summary["dead"])
    assert summary["delivered"] == len(insightly.records("contacts", ("LAST_NAME",))) == 100


def test_a_source_that_breaks(start, demo, people, insightly):
    """A quote that nobody closed makes the rest one dead row; the rows before it arrive."""
    with people.open("a") as file:
        file.write('Person,"k-open\nPerson,k-after\n')
    _, summary = end(send(start, people), {1})
    assert (ROWS, 1) == (summary["delivered"], summary["dead"])


def test_a_record_of_50_megabytes(start, demo, people, insightly):
    """A record that no field can hold is a dead row; its neighbours arrive."""
    with people.open("a") as file:
        file.write(f"Person,{'x' * 50_000_000}\nPerson,k-after\n")
    _, summary = end(send(start, people), {1})
    assert (ROWS + 1, 1) == (summary["delivered"], summary["dead"])


def test_two_engines(start, demo, people, insightly):
    """Two commands on one home send one after the other, through one engine: nothing goes out twice."""
    insightly.faults(SLOW)
    first = send(start, people)
    wait_for(insightly, 20)
    second = send(start, people, "--resume")
    assert_all_once(insightly, people, end(first)[1])
    assert ROWS == end(second)[1]["delivered"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_full_disk(start, demo, people, insightly, environ):
    """A journal that cannot be written stops the run with status 3; no call goes out that it does not know of."""
    most = Path(environ["CROSSWALK_HOME"], "crosswalk.db").stat().st_size + 60_000

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    errors, _ = end(send(start, people, preexec_fn=limit), {3})
    assert "crosswalk.db fails" in errors
    assert ROWS > len(insightly.records("contacts", ("LAST_NAME",)))
    assert_all_once(insightly, people, end(send(start, people, "--resume"))[1])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_locked_database(start, demo, people, insightly, environ):
    """A database that another process holds for a while is waited for."""
    insightly.faults(SLOW)
    sending = send(start, people)
    wait_for(insightly, 50)
    with closing(sqlite3.connect(f"{environ['CROSSWALK_HOME']}/crosswalk.db", isolation_level=None)) as other:
        other.execute("PRAGMA busy_timeout = 20000")
        other.execute("BEGIN IMMEDIATE")
        seen = insightly.calls("POST")
        with pytest.raises(subprocess.TimeoutExpired):
            sending.wait(1)
        assert insightly.calls("POST") <= seen + 100, "no intent, no call"
        other.execute("COMMIT")
    assert_all_once(insightly, people, end(sending)[1])


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_restarted_database(start, demo, people, insightly, postgres_url):
    """A server that drops every connection is connected to anew, or ends the run with status 3; nothing is lost."""
    insightly.faults(SLOW)
    sending = send(start, people)
    with psycopg.connect(postgres_url, autocommit=True) as server:
        for calls in (30, 60, 90):
            wait_for(insightly, calls)
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if sending.poll() is not None:
                break
    end(sending, {0, 3})
    assert_all_once(insightly, people, end(send(start, people, "--resume"))[1])
