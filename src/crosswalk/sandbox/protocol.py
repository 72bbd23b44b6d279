"""uvicorn's HTTP protocol with what an emulator needs beneath ASGI: cuts, reason phrases, impatience, error pages."""

import asyncio
import socket
import struct
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from crosswalk.sandbox.denials import ERROR_PAGE, HTML_TYPE

EXTENSION = "crosswalk.wire"
NO_LINGER = struct.pack("ii", 1, 0)
TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 24\r\n"
    b"connection: close\r\n\r\nThe request did not end."
)


@dataclass(slots=True)
class Wire:
    """The connection beneath one call."""

    cycle: RequestResponseCycle
    patient: bool = False

    @property
    def gone(self) -> bool:
        """Whether the caller has left."""
        return self.cycle.disconnected

    @property
    def busy(self) -> bool:
        """Whether the caller still sends a body that is heard out before its connection ends."""
        return self.patient and self.cycle.more_body and not self.cycle.disconnected

    def hear_out(self) -> None:
        """Say, before the answer begins, that a body under way is heard out; one that waits for 100 never comes."""
        self.patient = not self.cycle.keep_alive and not self.cycle.waiting_for_100_continue

    def reset(self) -> None:
        """Cut with a TCP reset: no lingering, nothing more sent."""
        raw = self.cycle.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.cycle.transport.abort()

    def close(self) -> None:
        """Send what is written and close."""
        self.cycle.transport.close()

    def half_close(self) -> None:
        """Close the sending side; TLS cannot, so there it closes both."""
        if self.cycle.transport.can_write_eof():
            self.cycle.transport.write_eof()
        else:
            self.close()

    def phrase(self, status: int, reason: str) -> None:
        """Give the status line another phrase, which ASGI has no word for."""
        phrased = Phrased(self.cycle.transport, status, reason)
        self.cycle.transport = phrased  # type: ignore[assignment]  # it passes everything on


class Phrased:
    """A transport whose first written line gets another reason phrase."""

    __slots__ = ("inner", "new", "old")

    def __init__(self, inner: asyncio.Transport, status: int, reason: str) -> None:
        self.inner = inner
        self.old = f" {status} {HTTPStatus(status).phrase}\r\n".encode()
        self.new = f" {status} {reason}\r\n".encode("latin-1", "replace")

    def write(self, data: bytes) -> None:
        """Write, the first time with the phrase changed."""
        self.inner.write(data.replace(self.old, self.new, 1))
        self.old = self.new

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Protocol(HttpToolsProtocol):
    """One connection. A request that is not whole `patience` seconds after it began is answered 408 and cut."""

    def __init__(self, config: Config, state: ServerState, *, patience: float) -> None:
        super().__init__(config, state, {})
        self.patience = patience
        self.whole = False
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent does
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self.watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self.whole = True
        self.watch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, then wait for the rest, if there is one."""
        super().data_received(data)
        self.watch()

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self.whole = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the call, with its connection in the scope and our page for its unexpected faults."""
        super().on_headers_complete()
        self.scope["extensions"] = {EXTENSION: {"wire": Wire(self.cycle)}}
        self.cycle.send_500_response = partial(send_error_page, self.cycle)  # type: ignore[method-assign]  # its page

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self.whole = True
        super().on_message_complete()

    def watch(self) -> None:
        """Start the clock on a request that has begun, stop it for one that is whole."""
        if self.whole:
            if self.timer is not None:
                self.timer.cancel()
                self.timer = None
        elif self.timer is None:
            self.timer = self.loop.call_later(self.patience, self.give_up)

    def give_up(self) -> None:
        """Answer 408 and cut, unless it is we who do not read on (an earlier call of this connection is at work)."""
        self.timer = None
        if self.flow.read_paused:
            self.watch()
        elif not self.transport.is_closing():
            cycle: RequestResponseCycle | None = self.cycle  # uvicorn types it without the `None` it begins with
            if cycle is None or not (cycle.response_started and cycle.more_body):
                self.transport.write(TOO_SLOW)
            self.transport.close()


async def send_error_page(cycle: RequestResponseCycle) -> None:
    """Send what an unexpected fault of ours looks like; uvicorn has logged the traceback."""
    headers = [(b"content-type", HTML_TYPE.encode()), (b"content-length", str(len(ERROR_PAGE)).encode())]
    await cycle.send({"type": "http.response.start", "status": 500, "headers": headers})
    await cycle.send({"type": "http.response.body", "body": ERROR_PAGE, "more_body": False})
