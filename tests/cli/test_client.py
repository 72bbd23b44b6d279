"""`crosswalk client generate`, and the client that it writes for."""

import asyncio
import os
import subprocess
import sys
import threading

from crosswalk import Crosswalk
from crosswalk.app import open_hub, serve_api
from crosswalk.config import settings

USE = """
from acme import Collections
from crosswalk import Crosswalk

account = Collections(Crosswalk("http://hub", token="t", account="7"))
for contact in account.contacts.list():
    name: str | None = contact["first_name"]
account.contacts.create({"first_name": "Ada", "custom_fields": {}})
"""

NEW = {"first_name": "Augusta", "last_name": "Lovelace"}


def test_types_that_mypy_takes(shell, tmp_path):
    """A program with the account's types passes mypy --strict; one that errs in a field does not."""
    done = shell("client", "generate", "--account", "acme", "--to", tmp_path / "acme.py")
    assert 0 == done.exit_code, done.output
    (tmp_path / "good.py").write_text(USE)
    (tmp_path / "bad.py").write_text(USE.replace('"first_name": "Ada"', '"frist_name": "Ada"'))
    words = ("-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "good.py", "bad.py", "acme.py")
    found = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    wrong = {line.partition(":")[0] for line in found.stdout.splitlines() if ": error:" in line}
    assert {"bad.py"} == wrong, found.stdout


def test_typescript(shell):
    """TypeScript goes to standard output as well."""
    done = shell("client", "generate", "--account", "acme", "--lang", "typescript")
    assert (0, True) == (done.exit_code, "export interface ContactCustomFields {" in done.stdout), done.output


def test_a_program_and_a_hub(shell):
    """The client reads, makes, changes and deletes records of a hub that serves."""
    (linked,) = shell.done("accounts", "list")
    token = shell.done("tokens", "create", "--name", "program", "--scope", "unified:*", "--scope", "proxy:*")["token"]
    url, over = [], threading.Event()

    async def serve():
        async with open_hub(settings({**os.environ, **shell.environ})) as hub, serve_api(hub) as address:
            url.append(address)
            up.set()
            await asyncio.to_thread(over.wait)

    up = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert up.wait(60)
        with Crosswalk(url[0], token=token, account=linked["id"]) as hub:
            contacts = hub.crm("contacts")
            made = contacts.create(NEW, key="once")
            again = contacts.create(NEW, key="once")
            changed = contacts.update(made["id"], {"first_name": "Ada"}, if_match=made["etag"])
            names = [each["last_name"] for each in contacts.list(limit=2)]
            there = hub.proxy("GET", f"/Contacts/{made['id']}")
            contacts.delete(made["id"])
    finally:
        over.set()
        thread.join()
    assert (made["id"], "Ada", 1, 6) == (again["id"], changed["first_name"], names.count("Lovelace"), len(names))
    assert "Ada" == there["FIRST_NAME"]
