"""`crosswalk webhooks` and `crosswalk notices`."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from click.testing import CliRunner
from standardwebhooks.webhooks import Webhook

from crosswalk.cli import main


@pytest.fixture
def hook(monkeypatch, tmp_path):
    """A server in a thread that keeps what it is told; its home allows it."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(heard_status[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    heard_status = [204]
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("CROSSWALK_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("CROSSWALK_WEBHOOK_HOSTS", f"127.0.0.1:{server.server_port}")
        yield f"http://127.0.0.1:{server.server_port}/hook", heard, heard_status
        server.shutdown()
        thread.join()


def call(*words, status=0):
    """Run a command to its status; what it printed, as JSON where that was asked for."""
    done = CliRunner().invoke(main, words)
    assert status == done.exit_code, done.output
    return json.loads(done.stdout) if "--json" in words and status == 0 else done.output


def test_endpoints(hook):
    """An endpoint is made with its secret shown once, tested with its signature, listed and removed."""
    url, heard, _ = hook
    made = call("webhooks", "create", "crm", "--url", url, "--json")
    assert "Delivered: 204." in call("webhooks", "test", "crm")
    Webhook(made["secret"]).verify(heard[0][1], heard[0][0])
    (listed,) = call("webhooks", "list", "--json")
    assert ("crm", False) == (listed["name"], "secret" in listed)
    assert call("webhooks", "remove", "crm", "--json")["removed"]


def test_refused_test(hook):
    """An endpoint that does not take the test is status 3, with what it said."""
    url, _, statuses = hook
    call("webhooks", "create", "crm", "--url", url)
    statuses[0] = 500
    assert "answered 500" in call("webhooks", "test", "crm", status=3)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("webhooks", "create", "x", "--url", "http://example.com/"), "https"),
        (("webhooks", "create", "x", "--url", "https://192.168.0.1/"), "CROSSWALK_WEBHOOK_HOSTS"),
        (("webhooks", "show", "nobody"), "no endpoint"),
        (("webhooks", "replay"), "Give a MESSAGE"),
        (("webhooks", "replay", "msg_none"), "no message"),
        (("notices", "add"), "one of the two"),
        (("notices", "add", "--email", "a@b.c"), "CROSSWALK_SMTP_URL"),
        (("notices", "list", "--kind", "x"), "Kinds: lane.paused"),
        (("notices", "remove", "nobody"), "do not go to"),
    ],
)
@pytest.mark.usefixtures("hook")
def test_wrong_use(words, says):
    """What cannot be done is one line and status 2."""
    assert says in call(*words, status=2)


def test_notice_channel(hook):
    """A channel for a URL makes its endpoint; a test of it arrives, and the log tells so."""
    url, heard, _ = hook
    added = call("notices", "add", "--webhook", url, "--kind", "run.stopped", "--json")
    assert "webhooks log" in call("notices", "test", url)
    event = Webhook(added["secret"]).verify(heard[0][1], heard[0][0])
    (message,) = call("webhooks", "log", "--json")
    assert ("test", "sent", ["run.stopped"]) == (event["type"], message["state"], added["kinds"])
    assert {"replayed": 1} == call("webhooks", "replay", message["id"], "--json")
    assert [] == call("notices", "list", "--json")
