"""A server that answers every call at once with the same created contact: the floor under every overhead ratio.

`python bench/instant.py [PORT]` prints `{"base_url": …}`. It keeps, per `Authorization` header, how many calls came and
the most in any rolling second, and answers them at `GET /_calls`; `DELETE /_calls` forgets them.
"""

import asyncio
import base64
import json
import sys
import time
from collections import deque
from dataclasses import dataclass, field

import uvloop

CONTACT = json.dumps(
    {
        "CONTACT_ID": 1,
        "FIRST_NAME": "Ada",
        "LAST_NAME": "Lovelace",
        "EMAIL_ADDRESS": "ada@example.com",
        "CUSTOMFIELDS": [],
    }
).encode()
END = b"\r\n\r\n"
LIMITS = b"x-ratelimit-limit: 100000000\r\nx-ratelimit-remaining: 99999999\r\n"


def answer(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json; charset=utf-8\r\n%bcontent-length: %d" % (
        status,
        LIMITS,
        len(body),
    )
    return head + END + body


CREATED = answer(b"201 Created", CONTACT)
READ = answer(b"200 OK", CONTACT)
NONE = answer(b"200 OK", b"[]")
LISTS = (b"/v3.1/CustomFields", b"/v3.1/Teams", b"/v3.1/Users")  # what the unified API looks names up in


@dataclass
class Caller:
    """The calls of one key: those of the last second, all of them, and the most that any second saw."""

    stamps: deque[float] = field(default_factory=deque)
    calls: int = 0
    most: int = 0

    def count(self, now: float) -> None:
        stamps = self.stamps
        stamps.append(now)
        while stamps[0] <= now - 1.0:
            stamps.popleft()
        self.calls += 1
        self.most = max(self.most, len(stamps))


class Instant(asyncio.Protocol):
    """One connection: requests with a Content-Length or none, one after the other."""

    def __init__(self, callers: dict[bytes, Caller]) -> None:
        self.callers = callers
        self.rest = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        data = self.rest + data if self.rest else data
        out = []
        while (end := data.find(END)) >= 0:
            head = data[:end]
            length = int(read_header(head, b"content-length") or 0)
            whole = end + len(END) + length
            if b"100-continue" in head:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if len(data) < whole:
                break
            out.append(self.serve(head))
            data = data[whole:]
        self.rest = data
        if out:
            self.transport.write(b"".join(out))

    def serve(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        if rest.startswith(b"/_calls"):
            if method == b"DELETE":
                self.callers.clear()
            return answer(b"200 OK", self.report())
        key = read_header(head, b"authorization")
        caller = self.callers.get(key)
        if caller is None:
            caller = self.callers[key] = Caller()
        caller.count(time.monotonic())
        if method == b"POST":
            return CREATED
        return NONE if rest.startswith(LISTS) else READ

    def report(self) -> bytes:
        shown = {read_key(key): {"calls": c.calls, "most_in_a_second": c.most} for key, c in self.callers.items()}
        return json.dumps(shown).encode()


def read_header(head: bytes, name: bytes) -> bytes:
    start = head.lower().find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    end = head.find(b"\r\n", start + 2)
    return head[start + len(name) + 3 : end if end >= 0 else None].strip()


def read_key(header: bytes) -> str:
    coded = header.partition(b" ")[2].decode("latin-1").rstrip("=")
    try:
        return base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("latin-1").partition(":")[0]
    except ValueError:
        return header.decode("latin-1")


async def main(port: int) -> None:
    callers: dict[bytes, Caller] = {}
    server = await asyncio.get_running_loop().create_server(lambda: Instant(callers), "127.0.0.1", port, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"base_url": f"http://127.0.0.1:{port}/v3.1"}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
    except KeyboardInterrupt:
        sys.exit(0)
