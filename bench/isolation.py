"""Whether one account's work slows another's: a person's reads through `crosswalk serve`, with and without noise.

`python bench/isolation.py [CALLS] [NOISE]…`: a sandbox that waits 20 ms serves two accounts without limits. One reads a
contact after another through the unified API, CALLS times (200), at most once in 20 ms. The other does meanwhile:

- nothing   the yardstick
- run       a file of 100,000 rows, sent without a pace
- paced     the same at Insightly's ten calls a second, as it is in life
- broken    the paced run, each of whose answers goes to a webhook that takes the connection and never answers
- large     four callers read 100 records of 100 KB each through the unified API, list after list

Quiet and noise take turns, so that what else the machine does meets both. `loop` is the longest that the server's event
loop kept `/ping`, which does no work, waiting.
"""

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

CALLS, LATENCY, ROWS, TURNS = 200, 20, 100_000, 2
RECORDS, SIZE, READERS = 100, 100_000, 4
EVERY = 0.02
CROSSWALK = (sys.executable, "-c", "from crosswalk.cli import main; main()")
NOISES = ("run", "paced", "broken", "large")
ALLOWED_MS = {"run": 100, "paced": 25, "broken": 25, "large": 150}
"""What the 99th percentile may grow by: a tenth of a second is what a person begins to feel."""


def call(env, *words):
    done = subprocess.run([*CROSSWALK, *words], env=env, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr  # an account whose Insightly answers little is added, with status 1
    return json.loads(done.stdout)


@contextlib.contextmanager
def running(*words, env):
    process = subprocess.Popen(
        [*CROSSWALK, *words], env=env, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
    )
    try:
        text, depth = "", 0
        while True:
            line = process.stdout.readline()
            text, depth = text + line, depth + line.count("{") - line.count("}")
            if depth == 0:
                break
        yield json.loads(text)
    finally:
        process.terminate()
        process.wait(60)


LARGE = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
count, size = map(int, sys.argv[1:])
tasks = [{"TASK_ID": n + 1, "TITLE": "t", "DETAILS": "x" * size, "STATUS": "NOT STARTED"} for n in range(count)]
BODY = json.dumps(tasks).encode()

class Large(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = BODY if "/Tasks" in self.path else b"{}"
        self.send_response(200 if "/Tasks" in self.path else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Total-Count", str(count))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Large)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextlib.contextmanager
def large():
    """An Insightly whose tasks are large; gives its place."""
    process = subprocess.Popen(
        [sys.executable, "-c", LARGE, str(RECORDS), str(SIZE)],
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait(20)


@contextlib.asynccontextmanager
async def hang():
    """A receiver that takes connections and says nothing."""
    held = []

    async def take(reader, writer):
        held.append(writer)
        with contextlib.suppress(ConnectionError):
            await reader.read()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in held:
            writer.close()
        server.close()


class Hub:
    """A served hub with two accounts, and what is asked of it."""

    def __init__(self, session, env, url, accounts, token):
        self.session, self.env, self.url, self.accounts = session, env, url, accounts
        self.headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path, account, **params):
        params = {"integrated_account_id": self.accounts[account], **params}
        async with self.session.get(f"{self.url}{path}", headers=self.headers, params=params) as answer:
            assert answer.status == 200, (answer.status, await answer.text())
            return await answer.read()

    async def read(self, calls, record):
        """How long each read of the quiet account took, and the longest ping beside them; milliseconds."""
        took, pings = [], []

        async def ping():
            while True:
                began = time.perf_counter()
                async with self.session.get(f"{self.url}/ping") as answer:
                    await answer.read()
                pings.append(1000 * (time.perf_counter() - began))
                await asyncio.sleep(EVERY)

        pinging = asyncio.create_task(ping())
        for _ in range(calls):
            began = time.perf_counter()
            await self.get(f"/unified/crm/contacts/{record}", "quiet")
            took.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(max(0.0, EVERY - took[-1] / 1000))
        pinging.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pinging
        return took, max(pings)

    @contextlib.asynccontextmanager
    async def noise(self, name, folder, receiver, turn):
        if name == "large":
            readers = [asyncio.create_task(self.read_large()) for _ in range(READERS)]
            await asyncio.sleep(2)
            yield
            for each in readers:
                each.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
            return
        file = Path(folder) / f"{name}{turn}.csv"
        file.write_text("FIRST_NAME\n" + "".join(f"{name}{turn} {n}\n" for n in range(ROWS)))
        account = "loud" if name == "run" else "paced"
        words = ["send", str(file), "--account", account, "--template", "create-contact"]
        words += ["--response-webhook", f"http://{receiver}/hang"] if name == "broken" else []
        sending = await asyncio.create_subprocess_exec(
            *CROSSWALK, *words, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await asyncio.sleep(8)  # it is handed over, checked and under way
        assert sending.returncode is None, f"the run of {name} is over already"
        try:
            yield
        finally:
            for each in await asyncio.to_thread(call, self.env, "runs", "list", "--json"):
                if each["state"] in {"queued", "running"}:
                    await asyncio.to_thread(call, self.env, "runs", "cancel", each["id"], "--reason", "bench", "--json")
            await asyncio.wait_for(sending.wait(), 120)

    async def read_large(self):
        while True:
            await self.get("/unified/crm/tasks", "large", limit=str(RECORDS))


async def measure(calls, noises):
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        plain = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        made = stack.enter_context(
            running("sandbox", "--port", "0", "--json", "--no-limits", "--accounts", "2", "--contacts", "20",
                    "--latency-ms", str(LATENCY), env=plain)
        )  # fmt: skip
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session, hang() as receiver:
            big = stack.enter_context(large())
            host = made["base_url"].split("/")[2]
            env = plain | {"CROSSWALK_HOME": f"{folder}/home", "CROSSWALK_ALLOWED_HOSTS": f"{host},{big}"}
            env |= {"CROSSWALK_WEBHOOK_HOSTS": receiver, "CROSSWALK_LOG_LEVEL": "error"}
            accounts = {}
            one, two, there = *made["keys"], made["base_url"]
            for name, key, url, rate in (
                ("quiet", one, there, "off"),
                ("loud", two, there, "off"),
                ("paced", two, there, "10"),
                ("large", "k" * 36, f"http://{big}/v3.1", "off"),
            ):
                words = ("accounts", "add", name, "--api-key", key, "--rate", rate, "--base-url", url, "--json")
                accounts[name] = call(env, *words)["id"]
            token = call(env, "tokens", "create", "--name", "bench", "--scope", "*:*", "--json")["token"]
            served = stack.enter_context(running("serve", "--port", "0", "--json", env=env))
            hub = Hub(session, env, served["url"], accounts, token)
            first = json.loads(await hub.get("/unified/crm/contacts", "quiet", limit="1"))["result"][0]["id"]
            await hub.read(20, first)
            return await compare(hub, calls, noises, first, folder, receiver)


async def compare(hub, calls, noises, record, folder, receiver):
    print("noise        p50     p99    loop    quiet p50     p99    loop  p99 grows by  allowed   (ms)")
    met = True
    for name in noises:
        noisy, still, loops = [], [], [[], []]
        for turn in range(TURNS):
            for place, block in enumerate((contextlib.nullcontext(), hub.noise(name, folder, receiver, turn))):
                async with block:
                    took, longest = await hub.read(calls // TURNS, record)
                (still, noisy)[place].extend(took)
                loops[place].append(longest)
        (p50, p99), (q50, q99) = cut(noisy), cut(still)
        grows = p99 - q99
        met = met and grows <= ALLOWED_MS[name]
        print(f"{name:8}{p50:8.1f}{p99:8.1f}{max(loops[1]):8.1f}   {q50:10.1f}{q99:8.1f}{max(loops[0]):8.1f}"
              f"{grows:14.1f}{ALLOWED_MS[name]:9}", flush=True)  # fmt: skip
    return met


def cut(took):
    return statistics.median(took), statistics.quantiles(took, n=100)[98]


def main():
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    return 0 if asyncio.run(measure(calls, sys.argv[2:] or NOISES)) else 1


if __name__ == "__main__":
    sys.exit(main())
