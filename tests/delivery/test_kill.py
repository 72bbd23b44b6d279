"""A process that is killed in the middle: nothing doubled, nothing lost from sight."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from random import Random

import pytest

from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from fixtures.served import served

HARD = bool(os.environ.get("CROSSWALK_TEST_HARD"))
KILLS = 50 if HARD else 4
ROWS = 1000 if HARD else 120
FAULTS = (
    {"route": "Contacts", "method": "POST", "fault": "latency", "ms": 5, "spread_ms": 20},
    {"route": "Contacts", "method": "POST", "fault": "status", "status": 502, "commit": True, "share": 0.03},
    {"route": "Contacts", "method": "POST", "fault": "late_commit", "seconds": 0.3, "share": 0.01},
)


@pytest.fixture
def environ(tmp_path):
    """The environment of the commands."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CROSSWALK_")}
    return clean | {"CROSSWALK_HOME": str(tmp_path / "home"), "CROSSWALK_REQUEST_TIMEOUT": "2"}


def start(environ, *words):
    """Start a command in a process of its own."""
    words = [sys.executable, "-c", "from crosswalk.cli import main; main()", *words]
    return subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.hard
def test_kills_double_and_lose_nothing(tmp_path, environ):
    """Killed at random points and resumed each time, every row is delivered once or held with its reason."""
    rng = Random(os.environ.get("PYTEST_RANDOM_SEED", "7"))
    file = tmp_path / "people.csv"
    file.write_text("first,last\n" + "".join(f"Person,{number:06}\n" for number in range(1, ROWS + 1)))
    with served(Sandbox(make_recipes(sizes={"contacts": 0}, limits=Limits(enabled=False)))) as insightly:
        environ["CROSSWALK_ALLOWED_HOSTS"] = insightly.host
        words = ("--api-key", insightly.key, "--base-url", insightly.base_url, "--rate", "off")
        linking = start(environ, "accounts", "add", "demo", *words)
        linked = linking.communicate(timeout=60)
        assert 0 == linking.returncode, linked
        insightly.faults(*FAULTS)
        send = ("send", str(file), "--account", "demo", "--template", "create-contact", "--resume", "--json")
        send += ("--map", "FIRST_NAME=first", "--map", "LAST_NAME=last")
        for _ in range(KILLS):
            running = start(environ, *send)
            try:
                running.communicate(timeout=rng.uniform(0.8, 2.2))
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGKILL)
                running.communicate()
        out, errors = start(environ, *send).communicate(timeout=120)
        summary = json.loads(out or "{}")
        last_names = Counter(name for (name,) in insightly.records("contacts", ("LAST_NAME",)))
    assert (ROWS, ROWS) == (summary.get("read"), summary["delivered"] + summary["held"]), errors
    assert 1 == max(last_names.values()), "a row was created twice"
    assert summary["delivered"] <= len(last_names) <= ROWS
