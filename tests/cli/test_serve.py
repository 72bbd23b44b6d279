"""`crosswalk serve`: one process a home, one clear line when it cannot."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SERVE = [sys.executable, "-c", "from crosswalk.cli import main; main()", "serve"]


def environ(home: Path) -> dict[str, str]:
    """The environment of a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CROSSWALK_")}
    return kept | {"CROSSWALK_HOME": str(home)}


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running `serve` and its address."""
    command = [*SERVE, "--port", "0"]
    with subprocess.Popen(
        command, env=environ(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().split()[2]
        finally:
            process.kill()


def fail(home: Path, *words: str) -> tuple[int, str]:
    """Run a `serve` that ends at once: its status and what it says."""
    done = subprocess.run([*SERVE, *words], env=environ(home), capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stderr


def test_serves(tmp_path: Path):
    """It prints its address, and is ready there."""
    with serving(tmp_path) as (_, url), urllib.request.urlopen(f"{url}/health/ready") as answer:
        assert "ready" == json.load(answer)["status"]


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_stops(tmp_path: Path, told: signal.Signals):
    """Told to stop, it ends with status 0 and says nothing more."""
    with serving(tmp_path) as (process, _):
        process.send_signal(told)
        _, errors = process.communicate(timeout=30)
        assert (0, "") == (process.returncode, errors)


def test_second_is_refused(tmp_path: Path):
    """A second serve on the same home is refused and names the first."""
    with serving(tmp_path) as (process, _):
        status, says = fail(tmp_path, "--port", "0")
    assert (2, True, 1) == (status, f"held by process {process.pid} (crosswalk serve)" in says, len(says.splitlines()))


def test_after_a_kill(tmp_path: Path):
    """A killed serve leaves the home free."""
    with serving(tmp_path) as (process, _):
        process.kill()
        process.wait()
        with serving(tmp_path) as (_, url):
            assert url.startswith("http://127.0.0.1:")


def test_port_taken(tmp_path: Path):
    """A port in use is one line and status 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, says = fail(tmp_path, "--port", port)
    expected = f"Error: Cannot listen on 127.0.0.1:{port}: Address already in use. Choose another with --port\n"
    assert (2, expected) == (status, says)


def test_open_host_needs_a_master_key(tmp_path: Path):
    """A host that others can reach is refused while the master key is one made here."""
    status, says = fail(tmp_path, "--host", "0.0.0.0", "--port", "0")
    assert (2, True) == (status, "set CROSSWALK_MASTER_KEY, or keep to 127.0.0.1" in says)
