"""A whole day of a hub, with secrets that are known: none of them is where it should not be."""

# ruff: noqa: F811 (imported fixtures are arguments)

import gzip
import json
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fixtures.serving import collector, serving  # noqa: F401 (a fixture among them)
from fixtures.shell import Shell

MASTER = bytes(range(100, 132))
WEBHOOK = "whsec_" + b64encode(b"a secret of a webhook that is known").decode()


class Caller:
    """Asks a hub, and keeps whatever it answers, headers and refusals too."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token, self.heard = url, token, b""

    def __call__(self, path: str, body: object = None, **headers: str) -> bytes:
        """One request with the token; of a refusal its body."""
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} | headers
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = urllib.request.urlopen(urllib.request.Request(f"{self.url}{path}", data, sent), timeout=60)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            said: bytes = answer.read()
        self.heard += said + str(answer.headers).encode()
        return said


@pytest.fixture
def home(tmp_path: Path, insightly, collector) -> Shell:
    """A home with a given master key, a linked account, and a webhook at the collector."""
    environ = {
        "CROSSWALK_HOME": str(tmp_path / "home"),
        "CROSSWALK_MASTER_KEY": b64encode(MASTER).decode(),
        "CROSSWALK_ALLOWED_HOSTS": insightly.host,
        "CROSSWALK_WEBHOOK_HOSTS": urlsplit(collector[0]).netloc,
        "CROSSWALK_REQUEST_TIMEOUT": "5",
        "CROSSWALK_SETTLE_AFTER": "0.2",
        "CROSSWALK_LOG_LEVEL": "debug",
        "CROSSWALK_TRACES": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector[0],
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    shell = Shell(environ)
    where = ("--base-url", insightly.base_url, "--rate", "off")
    assert 0 == shell("accounts", "add", "acme", "--api-key", "-", *where, given=insightly.key).exit_code
    made = ("webhooks", "create", "log", "--url", f"{collector[0]}/hook", "--secret", WEBHOOK)
    assert 0 == shell(*made).exit_code
    return shell


def test_no_secret_gets_out(home: Shell, insightly, collector, tmp_path: Path):
    """Key, tokens, link and master key are in no log, answer, metric, trace, webhook, database or backup."""
    (account,) = home.done("accounts", "list")
    token = home.done("tokens", "create", "--name", "all", "--scope", "*:*")["token"]
    own = f"?integrated_account_id={account['id']}"
    echo = f"Authorization: Basic {b64encode(f'{insightly.key}:'.encode()).decode()} {insightly.key}"
    with serving(tmp_path / "home", **{k: v for k, v in home.environ.items() if k != "CROSSWALK_HOME"}) as (hub, url):
        ask = Caller(url, token)
        link = json.loads(ask("/link-token", {"integrated_account_id": account["id"]}))
        ask.heard = b""  # what is shown once is shown here
        ask(f"/proxy/Contacts{own}")
        ask(f"/unified/crm/contacts{own}", {"first_name": "Ada"}, traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
        insightly.faults({"fault": "status", "status": 401, "body": echo, "content_type": "text/plain"})
        ask(f"/proxy/Contacts{own}")
        ask(f"/unified/crm/contacts{own}")
        ask(f"/link/{link['link_token']}/check", {"api_key": insightly.key})
        insightly.faults()
        ask(f"/link/{link['link_token']}")
        ask("/ping", Authorization=f"Bearer {token}x")
        ask(f"/unified/crm/contacts{own}", Authorization=f"Basic {b64encode(f'{insightly.key}:'.encode()).decode()}")
        ask("/v1/webhooks")
        (tmp_path / "p.csv").write_text("FIRST_NAME\nAda\n")
        assert 0 == home("webhooks", "test", "log").exit_code
        told = ("--response-webhook", f"{collector[0]}/hook")
        sent = home("send", tmp_path / "p.csv", "--account", "acme", "--template", "create-contact", *told)
        assert 0 == sent.exit_code, sent.output
        metrics = ask("/metrics")
        announced = hub.stdout.readline()
        hub.terminate()
        rest, log = hub.communicate(timeout=60)
    backup = tmp_path / "b.tgz"
    assert 0 == home("backup", backup).exit_code
    files = {path.name: path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()}
    places = {
        "log": log.encode(),
        "said": (rest + sent.output).encode(),
        "answers": ask.heard,
        "metrics": metrics,
        "traces and webhooks": b"".join(body for _, body in collector[1]),
        "backup": gzip.decompress(backup.read_bytes()),
        **files,
    }
    secrets = {
        "key": insightly.key.encode(),
        "key as a header": b64encode(f"{insightly.key}:".encode()),
        "token": token.encode(),
        "link token": link["link_token"].encode(),
        "webhook secret": WEBHOOK.removeprefix("whsec_").encode(),
        "master key": MASTER,
        "master key as text": b64encode(MASTER),
        "sign-in link": announced.rpartition("link=")[2].strip().encode(),
    }
    assert all(len(secret) >= 16 for secret in secrets.values())
    assert {"/v1/traces", "/hook"} == {path for path, _ in collector[1]}
    assert b"request.served" in places["log"]
    assert b"crosswalk_insightly_calls_total" in metrics
    assert [] == [
        f"{name} in {where}"
        for name, secret in secrets.items()
        for where, content in places.items()
        if secret in content
    ]
