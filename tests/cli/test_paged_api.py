"""From somebody's paged API to Insightly: pulled page by page, only what is new the next time, delivered once."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from fixtures.paged import SETTINGS, WAYS, Paged, paged

SERVE = [sys.executable, "-c", "from crosswalk.cli import main; main()", "serve", "--port", "0"]
FIELDS = {"FIRST_NAME": "first", "EMAIL_ADDRESS": "mail"}
PATIENCE = 120.0


def person(number: int) -> dict[str, object]:
    """One person of the API."""
    return {"id": number, "first": f"P{number}", "mail": f"p{number}@x.org"}


@pytest.fixture
def api() -> Iterator[Paged]:
    """An API with five people."""
    with paged() as running:
        running.people += [person(number) for number in range(1, 6)]
        yield running


def mails(insightly) -> list[str]:
    """The addresses of the contacts that were made, in order."""
    found = (row[0] for row in insightly.records("contacts", ("EMAIL_ADDRESS",)))
    return sorted(mail for mail in found if mail and mail.endswith("@x.org"))


@pytest.mark.parametrize("way", WAYS)
def test_command_line(shell, insightly, api, way):
    """Every page is read; of the next pull only new people are kept and sent, whatever the API answers again."""
    shell = type(shell)({**shell.environ, "CROSSWALK_WEBHOOK_HOSTS": api.place})
    create = ("sources", "create", "http", "people", api.url(way), *WAYS[way], "--header", "X-Key: k", "--key", "id")
    shell.done(*create)
    assert 5 == shell.done("sources", "run", "people")["rows"]
    fields = [word for name, column in FIELDS.items() for word in ("--map", f"{name}={column}")]
    settings = ("--template", "create-contact", *fields)
    shell.done("destinations", "create", "crm", "--account", "acme", "--dataset", "people", *settings)
    shell.done("destinations", "activate", "crm", "--backlog", "send")
    assert 5 == shell.done("destinations", "run", "crm")["delivered"]
    api.people.append(person(6))
    assert (6, 6) == (shell.done("sources", "run", "people")["rows"], shell.done("datasets", "show", "people")["last"])
    assert 1 == shell.done("destinations", "run", "crm")["delivered"]
    assert [f"p{number}@x.org" for number in range(1, 7)] == mails(insightly)


def test_over_http(shell, insightly, api):
    """What is asked for over HTTP is pulled and delivered by the process that serves, whichever way the API pages."""
    token = shell.done("tokens", "create", "--name", "t", "--scope", "delivery:*")["token"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CROSSWALK_")}
    environ = kept | {**shell.environ, "CROSSWALK_WEBHOOK_HOSTS": api.place}
    with subprocess.Popen(SERVE, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            url = process.stdout.readline().split()[2]
            with httpx.Client(base_url=f"{url}/v1", headers={"Authorization": f"Bearer {token}"}) as client:
                for way in SETTINGS:
                    deliver(client, api, way)
        finally:
            process.kill()
    expected = [f"p{number}@x.org" for number in range(1, 6) for _ in SETTINGS]
    assert expected == mails(insightly)


def deliver(client: httpx.Client, api: Paged, way: str) -> None:
    """Pull a source and send what it read; the destination takes new records by itself."""
    settings = {"kind": "http", "url": api.url(way), "paging": SETTINGS[way], "key": "id"}
    draft = {"name": way, "account": "acme", "settings": settings, "secret": json.dumps({"X-Key": "k"})}
    made(client.post("/sources", json=draft))
    plan = {"template": "create-contact", "fields": FIELDS}
    draft = {"name": way, "account": "acme", "dataset": way, "settings": plan}
    key = made(client.post("/destinations", json=draft))["id"]
    made(client.post(f"/destinations/{way}/activate", json={}))
    made(client.post(f"/sources/{way}/run"))
    end = time.monotonic() + PATIENCE
    while True:
        found = [each for each in made(client.get("/runs"))["result"] if each["destination_id"] == key]
        if found and found[0]["state"] == "finished":
            run = made(client.get(f"/runs/{found[0]['id']}"))
            assert (5, 5) == (run["counts"]["delivered"], run["read"])
            return
        assert time.monotonic() < end, (found, made(client.get(f"/sources/{way}/pulls")))
        time.sleep(0.2)


def made(answer: httpx.Response) -> dict[str, object]:
    """The JSON of an answer that must be good."""
    assert answer.is_success, answer.text
    return answer.json()
