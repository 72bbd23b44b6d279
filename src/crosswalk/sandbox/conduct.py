"""Faults acted out: what happens to a call that the script has struck."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import assert_never

from crosswalk.sandbox.call import Answer, Refusal
from crosswalk.sandbox.denials import deny_burst, deny_day
from crosswalk.sandbox.faults import (
    Ending,
    Fault,
    Garble,
    HalfClose,
    Hang,
    LateCommit,
    Latency,
    RateLimit,
    Reset,
    SearchLag,
    Status,
)
from crosswalk.sandbox.protocol import Wire
from crosswalk.sandbox.reply import wait_gone
from crosswalk.sandbox.request import Request

Work = Callable[[float], Answer]
"""Does the call's work, with the search lag in seconds."""
BODILESS = (204, 304)
"""Statuses that end with their headers (RFC 9110): a body would be read as the next answer."""


async def conduct(
    request: Request, faults: tuple[Fault, ...], *, work: Work, per_day: int, rng: Random
) -> Answer | None:
    """Act out the faults of one call. Answers `None` when the connection is gone and there is nothing to send."""
    for fault in faults:
        if isinstance(fault, Latency):
            await asyncio.sleep((fault.ms + rng.random() * fault.spread_ms) / 1000)
    lag = max((fault.seconds for fault in faults if isinstance(fault, SearchLag)), default=0.0)
    ending = next((fault for fault in faults if isinstance(fault, Ending)), None)
    if ending is None:
        return garble(attempt(work, lag), faults)
    if isinstance(ending, LateCommit):
        await leave(request, ending)
        attempt(work, lag)
        return None
    if not isinstance(ending, RateLimit) and ending.commit:
        attempt(work, lag)
    if isinstance(ending, Status | RateLimit):
        return stand_in(ending, per_day)
    await cut(request, ending)
    return None


def attempt(work: Work, lag: float) -> Answer:
    """Do the work; a refusal is an answer like any other."""
    try:
        return work(lag)
    except Refusal as refusal:
        return refusal.answer


def stand_in(fault: Status | RateLimit, per_day: int) -> Answer:
    """The answer that a fault gives in place of the true one."""
    match fault:
        case Status():
            body = b"" if fault.status in BODILESS else fault.body.encode()
            return Answer(fault.status, body, fault.content_type, tuple(fault.headers.items()))
        case RateLimit(day=True):
            return deny_day(per_day)
        case RateLimit():
            return deny_burst(fault.retry_after)
        case _:
            assert_never(fault)


def garble(answer: Answer, faults: tuple[Fault, ...]) -> Answer:
    """Spoil the content type or the end of a body."""
    for fault in faults:
        if isinstance(fault, Garble):
            body = answer.body[: len(answer.body) - fault.drop] if fault.drop < len(answer.body) else b""
            answer = replace(answer, body=body, content_type=fault.content_type or answer.content_type)
    return answer


async def leave(request: Request, fault: LateCommit) -> None:
    """Let the caller go, by force or by silence, then wait."""
    if fault.leave == "reset":
        beneath(request).reset()
    await wait_gone(request)
    await asyncio.sleep(fault.seconds)


async def cut(request: Request, fault: Hang | Reset | HalfClose) -> None:
    """End the connection without an answer."""
    wire = beneath(request)
    match fault:
        case Reset():
            wire.reset()
        case Hang() | HalfClose():
            if isinstance(fault, HalfClose):
                wire.half_close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(fault.seconds):
                    await wait_gone(request)
            wire.close()
        case _:
            assert_never(fault)
    await wait_gone(request)


def beneath(request: Request) -> Wire:
    """The connection beneath a call. Raises `LookupError` under another server than the sandbox's own."""
    if request.wire is None:
        raise LookupError(
            "This fault cuts the connection, which takes crosswalk.sandbox.server beneath the application."
        )
    return request.wire
