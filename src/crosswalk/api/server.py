"""Serve an application on a socket, inside the running event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from litestar import Litestar

GRACE_SECONDS = 5


class PortTaken(OSError):
    """The address cannot be listened on."""


class Server(uvicorn.Server):
    """A uvicorn that says when it is up and leaves signals to whoever started it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say that it is over; `started` says how it went."""
        try:
            await super().startup(sockets=sockets)
        finally:
            self.up.set()


@asynccontextmanager
async def serve(
    app: Litestar, *, host: str, port: int, proxies: Sequence[str] = (), grace: int = GRACE_SECONDS
) -> AsyncIterator[str]:
    """Serve while the block runs and yield the address; port 0 takes a free one. Raises `PortTaken`.

    `proxies` are the addresses that are believed when they say for whom they ask; nobody else is. Requests that are
    under way at the end have `grace` seconds.
    """
    with listen(host, port) as listening:
        server = Server(_configure(app, proxies, grace))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            await server.up.wait()
            if not server.started:
                raise RuntimeError("The HTTP server did not start; its log says why")
            yield address(listening)
        finally:
            server.should_exit = True
            await running


def _configure(app: Litestar, proxies: Sequence[str], grace: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=grace,
        proxy_headers=bool(proxies),  # uvicorn believes 127.0.0.1 unless told, and so every process of this machine
        forwarded_allow_ips=list(proxies),
    )


def listen(host: str, port: int) -> socket.socket:
    """Bind one socket; raises `PortTaken` with the way out."""
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.create_server(where[:2], family=family)
    except OSError as exc:
        cause = (exc.strerror or str(exc)).partition(" (")[0]  # the library adds the address once more
        raise PortTaken(f"Cannot listen on {host}:{port}: {cause}. Choose another with --port") from exc
    # asyncio sets it only on sockets made with proto=IPPROTO_TCP, and answers in two writes would wait 40 ms (RFC 896)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address(listening: socket.socket) -> str:
    """The URL of a bound socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
