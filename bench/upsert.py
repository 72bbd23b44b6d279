"""Upserts: 100,000 rows that are new, then the same file with 2% of its rows changed. Calls and seconds.

`python bench/upsert.py` sends over the command's own code to a server like `bench/instant.py`, which finds nothing and
gives each creation an id of its own. The calls are those that the server counted.
"""

import asyncio
import csv
import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from instant import READ, Instant, answer
from send import process

ROWS, CHANGED = 100_000, 0.02
MOST = 2_020
FIELDS = (("FIRST_NAME", "first"), ("EMAIL_ADDRESS", "mail"), ("PHONE", "phone"))
NOTHING = answer(b"200 OK", b"[]")


class Store(Instant):
    """Finds nothing by any search, and makes records with ids of their own."""

    made = 0

    def serve(self, head):
        counted = super().serve(head)
        if head.startswith(b"GET /v3.1/Contacts/Search"):
            return NOTHING
        if head.startswith(b"POST /v3.1/Contacts "):
            Store.made += 1
            return answer(b"201 Created", b'{"CONTACT_ID":%d}' % Store.made)
        return counted if head.startswith(b"GET /_calls") else READ


async def serve():
    callers = {}
    server = await asyncio.get_running_loop().create_server(lambda: Store(callers), "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"base_url": f"http://127.0.0.1:{port}/v3.1"}), flush=True)
    await server.serve_forever()


def write_rows(folder, name, changed):
    """A file of people; the phones of the first `changed` are others than in the file before."""
    path = Path(folder) / name
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["first", "mail", "phone"])
        for number in range(ROWS):
            phone = f"{number + ROWS if number % ROWS < changed else number}"
            writer.writerow([f"Person{number}", f"p{number}@example.com", phone])
    return path


def count_calls(base_url):
    url = base_url.replace("/v3.1", "/_calls")
    with urllib.request.urlopen(url) as said:
        return sum(each["calls"] for each in json.loads(said.read()).values())


async def measure(base_url, folder):
    from crosswalk.accounts.accounts import Wanted
    from crosswalk.accounts.vault import Secret
    from crosswalk.app import open_hub
    from crosswalk.cli.order import Load, send_order
    from crosswalk.config import settings
    from crosswalk.delivery.plan import Plan
    from crosswalk.delivery.template import find_template

    environ = {"CROSSWALK_HOME": f"{folder}/home", "CROSSWALK_ALLOWED_HOSTS": urlsplit(base_url).netloc}
    plan = Plan(call=find_template("upsert-contact"), fields=FIELDS, match="EMAIL_ADDRESS")
    taken = []
    async with open_hub(settings(environ)) as hub:
        await hub.accounts.add(Wanted(name="bench", api_key=Secret("key"), base_url=base_url, rate=0))
        for name, changed in (("new", 0), ("2% changed", int(ROWS * CHANGED)), ("unchanged", int(ROWS * CHANGED))):
            path = write_rows(folder, f"{name}.csv".replace("% ", "-"), changed)
            before, began = count_calls(base_url), time.perf_counter()
            summary = await send_order(hub, Load(path), "bench", plan, mode="again")
            seconds = time.perf_counter() - began
            calls = count_calls(base_url) - before
            states = {state: count for state, count in summary.counts.states.items() if count}
            print(
                f"{name:12}{ROWS:>9,} rows {calls:>9,} calls {seconds:>7.1f} s {ROWS / seconds:>9,.0f} rows/s  {states}"
            )
            taken.append(calls)
    return taken


def main():
    if sys.argv[1:] == ["--serve"]:
        uvloop.run(serve())
        return True
    with process(__file__, "--serve") as said, tempfile.TemporaryDirectory() as folder:
        new, changed, unchanged = uvloop.run(measure(said["base_url"], folder))
    print(f"{changed:,} calls for {CHANGED:.0%} of {ROWS:,} rows (at most {MOST:,})")
    return (new, unchanged) == (2 * ROWS, 0) and changed <= MOST


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
