"""Two hundred accounts at once in one process: does each keep Insightly's pace, and none more than that?

`python bench/accounts.py [ACCOUNTS] [SECONDS]`: every account has its own client from the gate and a lane of six
workers, as in the engine; `bench/instant.py` answers at once and counts, by key, the most calls in any rolling second.
The seconds counted begin when all lanes have started.
"""

import asyncio
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import uvloop

ACCOUNTS, SECONDS, WARM, IN_FLIGHT = 200, 20.0, 2.0, 6
LEAST, MOST = 9.3, 10
BODY = b'{"FIRST_NAME": "Ada", "LAST_NAME": "Lovelace", "EMAIL_ADDRESS": "ada@example.com"}'


@contextlib.contextmanager
def instant():
    """The server in a process of its own; gives its base URL."""
    running = subprocess.Popen([sys.executable, "bench/instant.py", "0"], stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(running.stdout.readline())["base_url"]
    finally:
        running.terminate()
        running.wait(10)


async def call_all(crm, name, stop, count):
    """One account's lane: calls without pause until then."""
    from crosswalk.gate import calling_for

    async def work():
        while time.monotonic() < stop:
            await crm.request("POST", "/Contacts", body=BODY)
            count[name] += 1

    with calling_for("lane", name):
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))


async def ask(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.json(content_type=None)


async def run(base_url, folder, accounts, seconds):
    """Calls of each account within the seconds, and what the server saw."""
    from crosswalk.gate import Credential, Limits, connect

    count = {f"account{number}": 0 for number in range(accounts)}
    host = urlsplit(base_url).netloc
    async with contextlib.AsyncExitStack() as stack:
        clients = {}
        for name in count:
            credential = Credential(base_url=base_url, api_key=name, allow_hosts=[host])
            clients[name] = await stack.enter_async_context(connect(credential, Limits(), folder=folder))
        stop = time.monotonic() + WARM + seconds
        tasks = [asyncio.create_task(call_all(crm, name, stop, count)) for name, crm in clients.items()]
        await asyncio.sleep(WARM)
        before, cpu, began = dict(count), time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        after, cpu, took = dict(count), time.process_time() - cpu, time.monotonic() - began
        await asyncio.gather(*tasks)
    seen = await ask(f"http://{host}/_calls")
    return {name: (after[name] - before[name]) / took for name in count}, cpu / took, seen


def main():
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    with instant() as base_url, tempfile.TemporaryDirectory() as folder:
        rates, cpu, seen = uvloop.run(run(base_url, Path(folder), accounts, seconds))
    most = max(each["most_in_a_second"] for each in seen.values())
    ordered = sorted(rates.values())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"accounts                      {len(ordered):>8}")
    print(f"calls/s, all accounts         {sum(ordered):>8,.0f}")
    print(f"calls/s, slowest account      {ordered[0]:>8.2f}   (target {LEAST})")
    print(f"calls/s, median account       {ordered[len(ordered) // 2]:>8.2f}")
    print(f"most in any rolling second    {most:>8}   (target {MOST})")
    print(f"CPU of one core               {cpu:>8.0%}")
    print(f"CPU microseconds a call       {1e6 * cpu / sum(ordered):>8.0f}")
    print(f"memory                        {memory:>8.0f} MiB")
    return 0 if ordered[0] >= LEAST and most <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
