"""Sending rows: the journalled engine beside a bare aiohttp loop that stores nothing, against a free server.

`python bench/send.py [ROWS]`: `bench/instant.py` answers; both send the same bodies with 64 calls in flight and
without a limit. Medians of three runs. Then 100 creates at Insightly's pace and 200 ms latency, beside what the pace
allows and what a loop takes that sends one after another; no call may be refused.
"""

import asyncio
import contextlib
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec
import uvloop

ROWS, IN_FLIGHT, RUNS, PACED = 10_000, 64, 3, 100
TARGET = 0.5
CROSSWALK = "from crosswalk.cli import main; main()"


@contextlib.contextmanager
def process(*words):
    """A server in a process of its own; gives what it printed."""
    running = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(running.stdout.readline())
    finally:
        running.terminate()
        running.wait(10)


def write_rows(folder, count):
    path = Path(folder) / "people.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["first", "last", "mail"])
        writer.writerows([f"Person{number}", "Last", f"p{number}@example.com"] for number in range(count))
    return path


async def send_bare(base_url, count):
    bodies = iter(
        [
            msgspec.json.encode({"FIRST_NAME": f"Person{n}", "LAST_NAME": "Last", "EMAIL_ADDRESS": f"p{n}@example.com"})
            for n in range(count)
        ]
    )
    headers = {"Authorization": "Basic a2V5Og==", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:

        async def work():
            for body in bodies:
                async with session.post(f"{base_url}/Contacts", data=body) as answer:
                    msgspec.json.decode(await answer.read())

        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))


async def send_journalled(base_url, key, path, home, rate):
    from crosswalk.accounts.accounts import Wanted
    from crosswalk.accounts.vault import Secret
    from crosswalk.app import open_hub
    from crosswalk.cli.order import send_order
    from crosswalk.config import settings
    from crosswalk.delivery.plan import Plan
    from crosswalk.delivery.template import find_template

    environ = {"CROSSWALK_HOME": str(home), "CROSSWALK_ALLOWED_HOSTS": urlsplit(base_url).netloc}
    fields = (("FIRST_NAME", "first"), ("LAST_NAME", "last"), ("EMAIL_ADDRESS", "mail"))
    async with open_hub(settings(environ)) as hub:
        wanted = Wanted(name="bench", api_key=Secret(key), base_url=base_url, rate=rate)
        await hub.accounts.add(wanted)
        await asyncio.sleep(1.1)  # the calls of linking are of another second
        began, cpu = time.perf_counter(), time.process_time()
        plan = Plan(call=find_template("create-contact"), fields=fields)
        summary = await send_order(hub, path, "bench", plan, mode="new")
        took = time.perf_counter() - began, time.process_time() - cpu
    assert summary.counts["delivered"] == summary.counts.read, summary
    return (*took, summary)


def measure(count):
    bare, ours, sizes = [], [], []
    with process("bench/instant.py", "0") as said, tempfile.TemporaryDirectory() as folder:
        url = f"{said['base_url']}/v3.1"
        path = write_rows(folder, count)
        for number in range(RUNS):
            began, cpu = time.perf_counter(), time.process_time()
            uvloop.run(send_bare(url, count))
            bare.append((time.perf_counter() - began, time.process_time() - cpu))
            home = Path(folder) / f"home{number}"
            took = uvloop.run(send_journalled(url, "key", path, home, 0))
            ours.append(took[:2])
            sizes.append((home / "crosswalk.db").stat().st_size)
    rate = [count / statistics.median(each[0] for each in runs) for runs in (bare, ours)]
    micros = [1e6 * statistics.median(each[1] for each in runs) / count for runs in (bare, ours)]
    print(f"{'sender':22}{'rows/s':>10}{'CPU us/row':>12}")
    print(f"{'bare aiohttp loop':22}{rate[0]:>10,.0f}{micros[0]:>12.0f}")
    print(f"{'journalled engine':22}{rate[1]:>10,.0f}{micros[1]:>12.0f}")
    print(
        f"ratio {rate[1] / rate[0]:.2f} (target {TARGET}); journal {statistics.median(sizes) / count:,.0f} bytes a row"
    )
    return rate[1] / rate[0]


def measure_paced():
    options = ["sandbox", "--contacts", "0", "--latency-ms", "200", "--port", "0", "--json"]
    with process("-c", CROSSWALK, *options) as said, tempfile.TemporaryDirectory() as folder:
        path = write_rows(folder, PACED)
        seconds, _, summary = uvloop.run(
            send_journalled(said["base_url"], said["keys"][0], path, Path(folder) / "home", None)
        )
    pace = (PACED - 10) / 10 * 1.02 + 0.2
    print(f"{PACED} creates at 200 ms: {seconds:.1f} s, {summary.calls} calls; the pace allows {pace:.1f} s "
          f"({pace / seconds:.0%}); one after another {PACED * 0.2:.1f} s at least")  # fmt: skip
    return pace / seconds


def main():
    os.chdir(Path(__file__).parent.parent)
    ratio = measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
    paced = measure_paced()
    return 0 if ratio >= TARGET and paced >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
