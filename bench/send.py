"""Sending rows: the journalled engine beside a bare loop and beside peers, at a free server and at Insightly's pace.

`python bench/send.py [PART]…` measures, each in turn, or those named:

- free    no limits, `bench/instant.py` answers: a bare aiohttp loop that stores nothing, the engine with as many calls
          in flight, and the peers of bench/peers.py (where `BENCH_PEERS` names their Python). Medians of three runs,
          the senders by turns. With it what one fsync costs here, the bytes of the journal a row, and the time from the
          command to its first call
- grow    10,000 and 1,000,000 rows of input in batches of 100, then 1,000,000 with one bad row in a hundred: rows a
          second and the most memory that was resident
- paced   1,000 creations at 200 ms and ten calls in any second, beside what the pace allows
"""

import asyncio
import contextlib
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec
import uvloop

ROWS, IN_FLIGHT, RUNS, PACED = 10_000, 100, 3, 1_000
SIZES = ((10_000, 0), (1_000_000, 0), (1_000_000, 100))
BATCH, LATENCY = 100, 200
TARGET, PACED_TARGET, FLAT = 0.5, 0.95, 1.5
CROSSWALK = "from crosswalk.cli import main; main()"
HERE = Path(__file__).parent
FIELDS = (("FIRST_NAME", "first"), ("LAST_NAME", "last"), ("EMAIL_ADDRESS", "mail"))


@contextlib.contextmanager
def process(*words):
    """A server in a process of its own; gives what it printed."""
    running = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(running.stdout.readline())
    finally:
        running.terminate()
        running.wait(10)


def write_rows(folder, count, bad=0):
    """A file of people; with `bad`, one row in so many has a cell too many."""
    path = Path(folder) / f"people{count}-{bad}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["first", "last", "mail"])
        for number in range(count):
            row = [f"Person{number}", "Last", f"p{number}@example.com"]
            writer.writerow([*row, "x"] if bad and number % bad == 0 else row)
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


async def send_journalled(base_url, key, path, home, rate, batch=None):
    """Send by the command's own code; gives wall and CPU seconds, and the summary. Linking is not counted."""
    from crosswalk.accounts.accounts import Wanted
    from crosswalk.accounts.vault import Secret
    from crosswalk.app import open_hub
    from crosswalk.cli.order import Load, send_order
    from crosswalk.config import settings
    from crosswalk.delivery.grouping import Grouping
    from crosswalk.delivery.plan import Manual, Plan
    from crosswalk.delivery.template import find_template

    environ = {"CROSSWALK_HOME": str(home), "CROSSWALK_ALLOWED_HOSTS": urlsplit(base_url).netloc}
    call = Manual(method="POST", url=f"{base_url}/Contacts") if batch else find_template("create-contact")
    grouping = Grouping(algorithm="json_array", size=batch) if batch else None
    async with open_hub(settings(environ)) as hub:
        wanted = Wanted(name="bench", api_key=Secret(key), base_url=base_url, rate=rate)
        await hub.accounts.add(wanted)
        await asyncio.sleep(1.1)  # the calls of linking are of another second
        began, cpu = time.perf_counter(), time.process_time()
        plan = Plan(call=call, fields=FIELDS, grouping=grouping)
        summary = await send_order(hub, Load(path), "bench", plan, mode="new")
        took = time.perf_counter() - began, time.process_time() - cpu
    assert summary.counts["delivered"] + summary.counts["dead"] == summary.counts.read, summary
    return (*took, summary)


def time_bare(url, count):
    began, cpu = time.perf_counter(), time.process_time()
    uvloop.run(send_bare(url, count))
    return time.perf_counter() - began, time.process_time() - cpu


def time_peer(name, url, path):
    words = [os.environ["BENCH_PEERS"], HERE / "peers.py", name, f"{url}/Contacts", name, path]
    out = subprocess.run(words, capture_output=True, text=True, check=True)
    return tuple(map(float, out.stdout.split()[-2:]))


def measure_free(count=ROWS):
    peers = ("requests", "dlt", "drt") if os.environ.get("BENCH_PEERS") else ()
    taken = {name: [] for name in ("bare aiohttp loop", "journalled engine", *peers)}
    with process(HERE / "instant.py", "0") as said, tempfile.TemporaryDirectory() as folder:
        url, path = said["base_url"], write_rows(folder, count)
        fsync = measure_fsync(folder)
        for number in range(RUNS):
            home = Path(folder) / f"home{number}"
            taken["bare aiohttp loop"].append(time_bare(url, count))
            taken["journalled engine"].append(uvloop.run(send_journalled(url, "key", path, home, 0))[:2])
            for name in peers:
                taken[name].append(time_peer(name, url, path))
        size = (home / "crosswalk.db").stat().st_size / count
    ratio = report_free(taken, count)
    print(f"one fsync of 4 KiB {fsync * 1e6:,.0f} us; journal {size:,.0f} bytes a row")
    print(f"from the command to its first call {measure_start():.2f} s")
    return ratio >= TARGET


def report_free(taken, count):
    bare = taken["bare aiohttp loop"]
    print(f"{count} rows, {IN_FLIGHT} calls in flight")
    print(f"{'sender':20}{'rows/s':>9}{'of bare':>9}{'CPU us/row':>12}{'of bare':>9}")
    for name, runs in taken.items():
        rate, micros = count / statistics.median(each[0] for each in runs), 1e6 * statistics.median(
            each[1] for each in runs
        ) / count  # fmt: skip
        by_turns = statistics.median(one[0] / other[0] for one, other in zip(bare, runs, strict=True))
        of_cpu = statistics.median(one[1] / other[1] for one, other in zip(bare, runs, strict=True))
        print(f"{name:20}{rate:>9,.0f}{by_turns:>9.2f}{micros:>12.0f}{of_cpu:>9.2f}")
    ours = taken["journalled engine"]
    ratio = statistics.median(one[0] / other[0] for one, other in zip(bare, ours, strict=True))
    print(f"ratio {ratio:.2f} (target {TARGET})")
    return ratio


def measure_fsync(folder, times=200):
    taken = []
    with (Path(folder) / "fsync").open("wb") as file:
        for _ in range(times):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def measure_start():
    """Seconds from starting `crosswalk send` to its first call, the median of three; the account is linked before."""
    first = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            first.append(time.perf_counter())
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def do_GET(self):
            body = b'{"CONTACT_ID": 1, "INSTANCE_NAME": "bench", "OBJECT_PERMISSIONS": []}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server, taken = HTTPServer(("127.0.0.1", 0), Handler), []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        path = write_rows(folder, 1)
        environ = os.environ | {"CROSSWALK_HOME": folder, "CROSSWALK_ALLOWED_HOSTS": host}

        def run(*words):
            subprocess.run([sys.executable, "-c", CROSSWALK, *words], env=environ, check=True, capture_output=True)

        run("accounts", "add", "bench", "--api-key", "key", "--base-url", f"http://{host}/v3.1", "--rate", "off")
        maps = [word for field, column in FIELDS for word in ("--map", f"{field}={column}")]
        for _ in range(RUNS):
            began = time.perf_counter()
            run("send", str(path), "--account", "bench", "--template", "create-contact", *maps, "--again")
            taken.append(first[-1] - began)
    server.shutdown()
    return statistics.median(taken)


def measure_growth():
    """Each size in a process of its own, so that memory is its own."""
    resident = []
    with process(HERE / "instant.py", "0") as said, tempfile.TemporaryDirectory() as folder:
        for count, bad in SIZES:
            path = write_rows(folder, count, bad)
            home = Path(folder) / f"home{count}-{bad}"
            words = [sys.executable, __file__, "--one", said["base_url"], str(path), str(home)]
            told = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
            resident.append(told["mib"])
            print(f"{count:>9,} rows{', 1% bad' if bad else '':9} {told['rate']:>8,.0f} rows/s {told['mib']:>6.0f} MiB "
                  f"{told['bytes']:>6,.0f} bytes a row, {told['dead']:,} dead", flush=True)  # fmt: skip
    return max(resident) <= FLAT * resident[0]


def measure_one(url, path, home):
    seconds, _, summary = uvloop.run(send_journalled(url, "key", Path(path), home, 0, batch=BATCH))
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size, read = (Path(home) / "crosswalk.db").stat().st_size, summary.counts.read
    print(json.dumps({"rate": read / seconds, "mib": mib, "bytes": size / read, "dead": summary.counts["dead"]}))
    return True


def measure_paced(count=PACED):
    from crosswalk.insightly.pace import CALLS, WINDOW

    options = ["sandbox", "--contacts", "0", "--latency-ms", str(LATENCY), "--port", "0", "--json"]
    with process("-c", CROSSWALK, *options) as said, tempfile.TemporaryDirectory() as folder:
        path = write_rows(folder, count)
        home, key = Path(folder) / "home", said["keys"][0]
        seconds, cpu, summary = uvloop.run(send_journalled(said["base_url"], key, path, home, None))
    wait = LATENCY / 1000
    allowed = (count - CALLS) / CALLS * WINDOW + wait
    share = allowed / seconds
    print(f"{count} creations at {LATENCY} ms: {seconds:.1f} s; the pace allows {allowed:.1f} s ({share:.0%}); "
          f"{summary.calls - count} calls refused; one after another at least {count * wait:.1f} s "
          f"({allowed / (count * wait):.0%}); {1e6 * cpu / count:,.0f} us of CPU a row")  # fmt: skip
    return allowed / seconds >= PACED_TARGET and summary.calls == count


PARTS = {"free": measure_free, "grow": measure_growth, "paced": measure_paced}


def main(*names):
    if names[:1] == ("--one",):
        return measure_one(*names[1:])
    met = True
    for name in names or PARTS:
        print(f"-- {name}", flush=True)
        met = PARTS[name]() and met
    return met


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
