"""What a unified read costs over the direct call, and what a stream saves over reading page by page.

`python bench/unified.py [CALLS] [CONTACTS]`: the sandbox waits 20 ms in every call, then 100 ms; the hub is `serve_api`
in a process of its own, the account without a pace. One caller calls Insightly and the hub in turn.
"""

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from pathlib import Path

import aiohttp

CALLS, CONTACTS = 200, 20_000
P50_MS, P99_MS, FASTER = 2.0, 10.0, 4.0
CROSSWALK = Path(sys.executable).parent / "crosswalk"
HUB = """
import asyncio, gc, json, sys, uvloop
from pathlib import Path
from urllib.parse import urlsplit
from crosswalk.accounts.accounts import Wanted
from crosswalk.accounts.tokens import Draft, Tokens
from crosswalk.accounts.vault import Secret
from crosswalk.app import open_hub, serve_api


async def main(home, base_url, key):

    from crosswalk.config import settings
    async with open_hub(settings()) as hub:
        wanted = Wanted(name="bench", api_key=Secret(key), base_url=base_url, rate=0)
        account, _ = await hub.accounts.add(wanted)
        _, token = await Tokens(database=hub.database).create(Draft(name="bench", scopes=("unified:*", "proxy:*")))
        async with serve_api(hub) as url:
            gc.freeze()  # as `crosswalk serve` does
            print(json.dumps({"url": url, "account": account.id, "token": token.reveal()}), flush=True)
            await asyncio.sleep(3600)

uvloop.run(main(*sys.argv[1:]))
"""


@contextlib.contextmanager
def running(*command, env=None):
    """A process that prints one JSON line when it is up."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    try:
        yield json.loads(process.stdout.readline()) | {"process": process.pid}
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def both(latency, contacts):
    """A sandbox and a hub over it."""
    with (
        tempfile.TemporaryDirectory() as home,
        running(
            CROSSWALK,
            "sandbox",
            "--port",
            "0",
            "--json",
            "--no-limits",
            "--contacts",
            str(contacts),
            "--latency-ms",
            str(latency),
        ) as made,
    ):
        host = made["base_url"].split("/")[2]
        env = {"CROSSWALK_HOME": home, "CROSSWALK_ALLOWED_HOSTS": host, "PATH": "/usr/bin:/bin"}
        with running(sys.executable, "-c", HUB, home, made["base_url"], made["keys"][0], env=env) as hub:
            yield made, hub


async def timed(session, url):
    began = time.perf_counter()
    async with session.get(url) as answer:
        assert answer.status == 200, await answer.text()
        await answer.read()
    return (time.perf_counter() - began) * 1000


async def latency(made, hub, calls):
    """Added milliseconds, p50 and p99 of the difference of sorted times."""
    key = b64encode(f"{made['keys'][0]}:".encode()).decode()
    direct = aiohttp.ClientSession(headers={"Authorization": f"Basic {key}"})
    ours = aiohttp.ClientSession(headers={"Authorization": f"Bearer {hub['token']}"})
    async with direct, ours:
        async with direct.get(f"{made['base_url']}/Contacts?top=1") as answer:
            number = (await answer.json())[0]["CONTACT_ID"]
        there = f"{made['base_url']}/Contacts/{number}"
        here = f"{hub['url']}/unified/crm/contacts/{number}?integrated_account_id={hub['account']}"
        for url, session in ((there, direct), (here, ours)):
            for _ in range(10):
                await timed(session, url)
        pairs = [(await timed(direct, there), await timed(ours, here)) for _ in range(calls)]
    plain, through = sorted(each[0] for each in pairs), sorted(each[1] for each in pairs)
    last = int(calls * 0.99) - 1
    return statistics.median(through) - statistics.median(plain), through[last] - plain[last]


async def stream(made, hub):
    """Seconds of a stream of every contact, and of a reader that goes page by page through the same hub."""
    url = f"{hub['url']}/unified/crm/contacts"
    params = {"integrated_account_id": hub["account"]}
    forever = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {hub['token']}"}, timeout=forever) as session:
        began = time.perf_counter()
        async with session.get(url, params=params | {"response_format": "stream"}) as answer:
            lines = sum([chunk.count(b"\n") async for chunk in answer.content.iter_any()])
        whole = time.perf_counter() - began
        cursor, count, began = "", 0, time.perf_counter()
        while cursor is not None:
            async with session.get(url, params=params | {"limit": "500", "next_cursor": cursor}) as answer:
                page = await answer.json()
            cursor, count = page["next_cursor"], count + page["result_count"]
    assert lines == count, (lines, count)
    return lines, whole, time.perf_counter() - began


def main():
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    contacts = int(sys.argv[2]) if len(sys.argv) > 2 else CONTACTS
    with both(20, 100) as (made, hub):
        p50, p99 = asyncio.run(latency(made, hub, calls))
    print(f"a unified get adds {p50:.1f} ms at p50 and {p99:.1f} ms at p99 to a call of 20 ms ({calls} calls)")
    with both(100, contacts) as (made, hub):
        lines, whole, paged = asyncio.run(stream(made, hub))
    print(f"{lines} contacts at 100 ms: stream {whole:.1f} s, page by page {paged:.1f} s, {paged / whole:.1f} times")
    return 0 if p50 < P50_MS and p99 < P99_MS and paged / whole >= FASTER else 1


if __name__ == "__main__":
    sys.exit(main())
