"""A process that is killed while it reads a source: every row once, whatever the moment."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from random import Random

HARD = bool(os.environ.get("CROSSWALK_TEST_HARD"))
KILLS, ROWS = (30, 200_000) if HARD else (3, 40_000)


def start(environ: dict[str, str], *words: str) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    command = [sys.executable, "-c", "from crosswalk.cli import main; main()", *words]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(environ: dict[str, str], *words: str) -> str:
    """Run a command to its end."""
    running = start(environ, *words)
    out, errors = running.communicate(timeout=180)
    assert running.returncode == 0, errors
    return out


def count(home: Path) -> int:
    """How many records there are at this moment."""
    with closing(sqlite3.connect(home / "crosswalk.db")) as connection:
        found: int = connection.execute("SELECT last FROM datasets").fetchone()[0]
        return found


def test_kill(tmp_path: Path, rng: Random):
    """Killed again and again while it reads, a pull loses no row and keeps none twice."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CROSSWALK_")}
    environ = clean | {"CROSSWALK_HOME": str(tmp_path / "home")}
    path = tmp_path / "people.csv"
    path.write_text("id\n" + "".join(f"{number}\n" for number in range(1, ROWS + 1)))
    finish(environ, "sources", "create", "file", "people", str(path))
    for _ in range(KILLS):
        most = count(tmp_path / "home") + rng.randrange(1, ROWS // KILLS)
        running = start(environ, "sources", "run", "people")
        while running.poll() is None and count(tmp_path / "home") < most:
            continue
        running.send_signal(signal.SIGKILL)
        running.communicate()
    finish(environ, "sources", "run", "people")
    shown = json.loads(finish(environ, "datasets", "show", "people", "--json"))
    pulls = json.loads(finish(environ, "sources", "pulls", "people", "--json"))
    column = shown["schema"]["columns"][0]
    assert (ROWS, ROWS, ROWS, {"finished"}) == (
        shown["count"],
        shown["last"],
        column["rows"],
        {each["state"] for each in pulls},
    )
    assert len(pulls) <= 2, "what was killed is the same pull, taken over; a finished one reads nothing more"
    assert ROWS == sum(each["rows"] for each in pulls)
    last = json.loads(finish(environ, "datasets", "records", "people", "--after", str(ROWS - 1), "--json"))
    assert [str(ROWS)] == [each["cells"]["id"] for each in last]
