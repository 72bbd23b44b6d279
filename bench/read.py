"""Reading 20,000 contacts at 200 ms latency: the client, and beside it a page loop, dlt, and the pace's own limit.

`python bench/read.py [RUNS]` starts a sandbox with real limits (10 calls in any second) and runs each reader in turn;
figures are medians. dlt is measured where `BENCH_PEERS` names a Python that has bench/requirements.txt. Readers:

- client    `crm.contacts.iterate()`: every record decoded to its type, proof against rows that come and go
- pages     `crm.contacts.pages()`: the same in batches
- loop      aiohttp, one page of 500 after another until a short one, JSON to dicts; loses rows when some are deleted
- dlt       its rest_api source with an offset paginator, extraction only
- the pace  as many bare calls as the client makes, sent as fast as the pacer lets them, answers thrown away
"""

import asyncio
import base64
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time

CONTACTS, LATENCY, PAGE = 20_000, 200, 500
RUNS = 3
TARGET = 0.95
CROSSWALK = "from crosswalk.cli import main; main()"


@contextlib.contextmanager
def sandbox():
    """A sandbox in a process of its own; gives base URL and key."""
    options = ["--contacts", str(CONTACTS), "--latency-ms", str(LATENCY), "--port", "0", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-c", CROSSWALK, "sandbox", *options], stdout=subprocess.PIPE, text=True
    )
    try:
        said = json.loads(process.stdout.readline())
        yield said["base_url"], said["keys"][0]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)


def opened(url, key, **options):
    from crosswalk.insightly import Insightly

    return Insightly(key, base_url=url, allow_hosts=[url.split("/")[2]], **options)


async def read_records(url, key):
    async with opened(url, key) as crm:
        return sum([1 async for _ in crm.contacts.iterate()])


async def read_pages(url, key):
    async with opened(url, key) as crm:
        return sum([len(page) async for page in crm.contacts.pages()])


async def read_loop(url, key):
    import aiohttp

    count, skip = 0, 0
    basic = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
    async with aiohttp.ClientSession(headers={"Authorization": basic}) as session:
        while True:
            async with session.get(f"{url}/Contacts", params={"top": PAGE, "skip": skip}) as answer:
                rows = await answer.json()
            count, skip = count + len(rows), skip + PAGE
            if len(rows) < PAGE:
                return count


async def send_bare(url, key):
    calls = 1 + -(-(CONTACTS - PAGE) // (PAGE - 1))
    async with opened(url, key) as crm:
        await asyncio.gather(*(crm.request("GET", f"/Contacts?top={PAGE}&skip={n * (PAGE - 1)}") for n in range(calls)))
    return CONTACTS


def time_one(reader, url, key):
    began = time.perf_counter()
    count = asyncio.run(reader(url, key))
    seconds = time.perf_counter() - began
    assert count == CONTACTS, f"{reader.__name__} read {count} of {CONTACTS}"
    return seconds


def time_dlt(url, key):
    """The same in the Python that has dlt; `None` where there is none."""
    python = os.environ.get("BENCH_PEERS")
    if not python:
        return None
    out = subprocess.run([python, __file__, "--dlt", url, key], capture_output=True, text=True, check=True)
    return float(out.stdout.split()[-1])


def read_dlt(url, key):
    """Runs in the other Python, so that its imports are not counted."""
    from dlt.sources.helpers.rest_client.paginators import OffsetPaginator
    from dlt.sources.rest_api import rest_api_source

    paging = {"limit_param": "top", "offset_param": "skip", "total_path": None, "stop_after_empty_page": True}
    paginator = OffsetPaginator(PAGE, **paging)
    source = rest_api_source(
        {
            "client": {"base_url": url + "/", "auth": {"type": "http_basic", "username": key, "password": ""}},
            "resources": [{"name": "contacts", "endpoint": {"path": "Contacts", "paginator": paginator}}],
        }
    )
    began = time.perf_counter()
    count = sum(1 for _ in source.resources["contacts"])
    seconds = time.perf_counter() - began
    assert count == CONTACTS, f"dlt read {count} of {CONTACTS}"
    print(seconds)


READERS = {"client": read_records, "pages": read_pages, "loop": read_loop, "the pace": send_bare}


def measure(url, key, runs):
    """Every reader in turn, several times, a quiet second before each so that no run pays for another."""
    taken = {name: [] for name in (*READERS, "dlt")}
    for _ in range(runs):
        for name, reader in READERS.items():
            time.sleep(1.1)
            taken[name].append(time_one(reader, url, key))
        time.sleep(1.1)
        taken["dlt"].append(time_dlt(url, key))
    return {name: statistics.median(each) for name, each in taken.items() if None not in each}


def report(seconds):
    pace = seconds["the pace"]
    print(f"{CONTACTS} contacts, {LATENCY} ms latency, 10 calls in any second")
    for name, took in sorted(seconds.items(), key=lambda pair: pair[1]):
        rate, allowed, ours = CONTACTS / took, pace / took, took / seconds["client"]
        line = f"  {name:9} {took:6.2f} s {rate:8.0f} records/s {allowed:7.1%} of the pace"
        print(f"{line} {ours:6.2f} x the client's time")
    return pace / seconds["client"]


async def warm_up(url, key):
    """Load and connect once: importing is not reading."""
    async with opened(url, key) as crm:
        await crm.contacts.list(top=1)


def main(*args):
    if args[:1] == ("--dlt",):
        read_dlt(*args[1:])
        return 0
    with sandbox() as (url, key):
        asyncio.run(warm_up(url, key))
        share = report(measure(url, key, int(args[0]) if args else RUNS))
    print(f"{share:.1%} of what the pace allows (target {TARGET:.0%})")
    return 0 if share >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
