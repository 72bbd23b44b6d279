"""An answer on its way out: IIS's headers, the day's limits, compression, and the faults of sending."""

import asyncio
import zlib
from dataclasses import dataclass
from functools import lru_cache

from crosswalk.sandbox.call import Answer
from crosswalk.sandbox.faults import Fault, Slow, Truncate
from crosswalk.sandbox.request import Request

Headers = list[tuple[bytes, bytes]]

FIXED: Headers = [
    (b"cache-control", b"no-cache"),
    (b"pragma", b"no-cache"),
    (b"expires", b"-1"),
    (b"vary", b"Accept-Encoding"),
    (b"server", b"Microsoft-IIS/10.0"),
]
"""Recorded with v2.1 (S8); the server's version is assumed."""
LEAST_PACKED = 512
"""Bodies below this go out as they are: packing would make them longer."""
WINDOW = {"gzip": 31, "deflate": 15}
CONTROLS = bytes([*range(9), *range(10, 32), 127])
TICK = 0.05
"""Seconds between two pieces of a slow body."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What the `X-RateLimit-*` headers tell of the day."""

    limit: int
    remaining: int


async def send_answer(
    request: Request, answer: Answer, *, date: bytes, budget: Budget, faults: tuple[Fault, ...] = ()
) -> None:
    """Send an answer whole, or as the faults of sending will have it."""
    coding = choose_coding(request.headers.get("accept-encoding", ""))
    body = answer.body
    if len(body) < LEAST_PACKED:
        coding = None
    if coding is not None:
        body = pack(body, coding)
    headers = make_headers(answer, len(body), date=date, budget=budget)
    if coding is not None:
        headers.append((b"content-encoding", coding.encode()))
    if answer.reason is not None and request.wire is not None:
        request.wire.phrase(answer.status, answer.reason)
    await send_start(request, answer.status, headers)
    if faults:
        await send_badly(request, body, faults)
    else:
        await send_body(request, body)


async def send_start(request: Request, status: int, headers: Headers) -> None:
    """Send the status line and headers."""
    if request.wire is not None:
        request.wire.hear_out()
    await request.send({"type": "http.response.start", "status": status, "headers": headers})


async def send_body(request: Request, body: bytes) -> None:
    """Send a body, and where the connection ends with it, hear the caller out: cut short, it would miss the answer."""
    if request.wire is not None and request.wire.busy:
        await request.send({"type": "http.response.body", "body": body, "more_body": True})
        body = b""
        while request.wire.busy:
            await request.receive()
    await request.send({"type": "http.response.body", "body": body})


async def send_plain(request: Request, answer: Answer) -> None:
    """Send an answer of the control plane: no limits, no compression."""
    headers = [
        (b"content-type", (answer.content_type or "text/plain").encode()),
        (b"content-length", b"%d" % len(answer.body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *((name.encode(), value.encode()) for name, value in answer.headers),
    ]
    await send_start(request, answer.status, headers)
    await send_body(request, answer.body)


def make_headers(answer: Answer, length: int, *, date: bytes, budget: Budget) -> Headers:
    """Write the headers of an answer."""
    headers = [
        *FIXED,
        (b"date", date),
        (b"x-ratelimit-limit", b"%d" % budget.limit),
        (b"x-ratelimit-remaining", b"%d" % budget.remaining),
        (b"content-length", b"%d" % length),
    ]
    if answer.content_type is not None:
        headers.append((b"content-type", clean(answer.content_type)))
    headers += [(name.encode("ascii"), clean(value)) for name, value in answer.headers]
    return headers


def clean(value: str) -> bytes:
    """Write a header's value without what no header may hold: a file name sent to us may come back in one."""
    return value.encode("latin-1", "replace").translate(None, CONTROLS)


@lru_cache(maxsize=256)
def choose_coding(accepted: str) -> str | None:
    """Choose gzip or deflate from an `Accept-Encoding` header, or neither."""
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, rest = part.strip().partition(";")
        weight = rest.strip().removeprefix("q=").strip() or "1"
        weights[name.strip()] = float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0
    star = weights.get("*", 0.0)
    best = max(WINDOW, key=lambda coding: weights.get(coding, star))
    return best if weights.get(best, star) > 0 else None


def pack(body: bytes, coding: str) -> bytes:
    """Compress a body, quickly rather than well."""
    worker = zlib.compressobj(1, zlib.DEFLATED, WINDOW[coding])
    return worker.compress(body) + worker.flush()


async def send_badly(request: Request, body: bytes, faults: tuple[Fault, ...]) -> None:
    """Send a body slowly, or less of it than was promised."""
    cut = next((fault for fault in faults if isinstance(fault, Truncate)), None)
    slow = next((fault for fault in faults if isinstance(fault, Slow)), None)
    whole = body if cut is None else body[: int(len(body) * cut.keep)]
    step = len(whole) if slow is None else max(1, int(slow.bytes_per_second * TICK))
    pause = 0.0 if slow is None else step / slow.bytes_per_second
    for start in range(0, len(whole), step or 1):
        await request.send({"type": "http.response.body", "body": whole[start : start + step], "more_body": True})
        await asyncio.sleep(pause)
        if request.wire is not None and request.wire.gone:
            return
    if cut is None or request.wire is None or len(whole) == len(body):
        await send_body(request, b"")
    else:
        request.wire.close()
        await wait_gone(request)


async def wait_gone(request: Request) -> None:
    """Wait until the connection is closed, by whichever side."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
