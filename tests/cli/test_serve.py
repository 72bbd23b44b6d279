"""`crosswalk serve`: one process a home, one clear line when it cannot."""

# ruff: noqa: F811 (imported fixtures are arguments)

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from fixtures.serving import SERVE, collector, environ, serving  # noqa: F401 (a fixture among them)


def fail(home: Path, *words: str, command: list[str] = SERVE, **more: str) -> tuple[int, str]:
    """Run a `serve` that ends at once: its status and what it says."""
    done = subprocess.run(
        [*command, *words], env=environ(home, **more), capture_output=True, text=True, timeout=30, check=False
    )
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


def test_traces(tmp_path: Path, collector: tuple[str, list[tuple[str, bytes]]]):
    """Asked to, it sends its spans by OTLP, the last ones when it ends."""
    address, heard = collector
    asked = {
        "CROSSWALK_TRACES": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    with serving(tmp_path, **asked) as (process, url):
        urllib.request.urlopen(f"{url}/health/live").close()
        process.terminate()
        assert ("", 0) == (process.communicate(timeout=60)[1], process.returncode)
    assert {"/v1/traces"} == {path for path, _ in heard}
    body = b"".join(body for _, body in heard)
    assert (True, True) == (b"GET /health/live" in body, b"crosswalk" in body)


def test_traces_without_the_extra(tmp_path: Path):
    """Where the exporter is not installed, asking for traces is refused with the way out."""
    script = "import sys; sys.modules['opentelemetry.sdk.trace.export'] = None; from crosswalk.cli import main; main()"
    bare = [sys.executable, "-c", script, "serve"]
    status, says = fail(tmp_path, "--port", "0", command=bare, CROSSWALK_TRACES="otlp")
    assert (2, True) == (status, "pip install 'crosswalk[otel]'" in says)
