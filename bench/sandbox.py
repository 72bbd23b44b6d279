"""How fast the sandbox is: one server process, one client process, 100 calls in flight over raw sockets.

`python bench/sandbox.py [SECONDS]` measures single GETs, POSTs and pages of 500 of a sandbox, and beside it in the same
run what bounds it: `bench/instant.py`, the client at its fastest, and the least ASGI application under uvicorn, which
answers a fixed contact and knows nothing. Figures are medians of three runs.
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
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

HERE = Path(__file__).parent
BARE = """
import asyncio, json, uvicorn, uvloop
BODY = b'{"CONTACT_ID": 1, "FIRST_NAME": "Ada", "LAST_NAME": "Lovelace"}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
async def main():
    sock = uvicorn.Config(app, port=0, log_level="critical").bind_socket()
    sock.listen()
    server = uvicorn.Server(uvicorn.Config(app, http="httptools", log_level="critical", lifespan="off"))
    print(json.dumps({"base_url": "http://127.0.0.1:%d" % sock.getsockname()[1]}), flush=True)
    await server.serve([sock])
uvloop.run(main())
"""
CROSSWALK = "from crosswalk.cli import main; main()"
FLYING = 100
RUNS = 3
TARGETS = {"get one": 3_000, "post one": 2_000, "page of 500": 300}


@contextlib.contextmanager
def started(*command: str) -> Iterator[dict[str, object]]:
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def request(method: str, path: str, key: str, body: bytes = b"") -> bytes:
    auth = base64.b64encode(f"{key}:".encode()).decode()
    head = f"{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Basic {auth}\r\n"
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


class Caller(asyncio.Protocol):
    """One connection that sends the same request again as soon as it is answered."""

    def __init__(self, message: bytes, until: float) -> None:
        self.message, self.until = message, until
        self.answered, self.wrong = 0, 0
        self.left, self.head = -1, b""
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        transport.write(self.message)

    def data_received(self, data: bytes) -> None:
        if self.left < 0:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self.head[:end], self.head[end + 4 :]
            self.wrong += not head.startswith(b"HTTP/1.1 20")
            at = head.find(b"content-length: ")
            self.left, self.head = int(head[at + 16 : head.find(b"\r", at) if b"\r" in head[at:] else None]), b""
        self.left -= len(data)
        if self.left > 0:
            return
        self.left = -1
        self.answered += 1
        if time.perf_counter() < self.until:
            self.transport.write(self.message)
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


async def measure(base_url: str, message: bytes, seconds: float) -> float:
    loop, url = asyncio.get_running_loop(), urlsplit(base_url)
    began = time.perf_counter()
    callers = []
    for _ in range(FLYING):
        _, caller = await loop.create_connection(lambda: Caller(message, began + seconds), url.hostname, url.port)
        callers.append(caller)
    await asyncio.gather(*(caller.over for caller in callers))
    wrong = sum(caller.wrong for caller in callers)
    if wrong:
        raise SystemExit(f"{wrong} calls were not answered 2xx; the figures would be worth nothing.")
    return sum(caller.answered for caller in callers) / (time.perf_counter() - began)


def rate(base_url: str, message: bytes, seconds: float) -> float:
    return statistics.median(uvloop.run(measure(base_url, message, seconds)) for _ in range(RUNS))


def first_answer() -> float:
    began = time.perf_counter()
    with started("-c", CROSSWALK, "sandbox", "--port", "0", "--contacts", "1000", "--no-limits", "--json") as told:
        message = request("GET", "/v3.1/Contacts?top=1", told["keys"][0])
        uvloop.run(measure(told["base_url"], message, 0.0))
        return time.perf_counter() - began


def resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(seconds: float) -> None:
    body = json.dumps({"FIRST_NAME": "Ada", "LAST_NAME": "Lovelace", "EMAIL_ADDRESS": "ada@example.com"}).encode()
    rows = []
    with started(str(HERE / "instant.py")) as told:
        ceiling = rate(told["base_url"], request("POST", "/v3.1/Contacts", "bench", body), seconds)
        rows.append(("instant.py", ceiling, None))
    with started("-c", BARE) as told:
        bare = rate(told["base_url"], request("GET", "/v3.1/Contacts/1", "bench"), seconds)
        rows.append(("bare uvicorn", bare, None))
    options = ("sandbox", "--port", "0", "--contacts", "5000", "--no-limits", "--json")
    with started("-c", CROSSWALK, *options) as told:
        key, base = told["keys"][0], told["base_url"]
        one = first_id(base, key)
        for name, message in (
            ("get one", request("GET", f"/v3.1/Contacts/{one}", key)),
            ("page of 500", request("GET", "/v3.1/Contacts?top=500&skip=1000", key)),
            ("post one", request("POST", "/v3.1/Contacts", key, body)),
        ):
            rows.append((name, rate(base, message, seconds), TARGETS[name]))
    for name, per_second, target in rows:
        asked = f"asked {target:,}" if target else ""
        print(f"{name:12} {per_second:9,.0f}/s  {per_second / bare:6.2f} of bare uvicorn  {asked}")
    print(f"first answer {first_answer():9.2f} s  asked 1, with 1,000 contacts")
    with started("-c", CROSSWALK, "sandbox", "--port", "0", "--contacts", "200000", "--json") as told:
        print(f"memory       {resident(told['pid']):9,.0f} MiB  asked 1,024, with 200,000 contacts")


def first_id(base_url: str, key: str) -> int:
    import urllib.request

    auth = base64.b64encode(f"{key}:".encode()).decode()
    call = urllib.request.Request(f"{base_url}/Contacts?top=1", headers={"Authorization": f"Basic {auth}"})
    with urllib.request.urlopen(call) as got:
        return json.load(got)[0]["CONTACT_ID"]


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
