"""Where the sandbox is served: on the running loop for tests and the demo, or as a process of its own."""

import asyncio
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from uvicorn import Config
from uvicorn.server import ServerState

from crosswalk.sandbox.app import App
from crosswalk.sandbox.protocol import Protocol
from crosswalk.sandbox.sandbox import Sandbox
from crosswalk.sandbox.save import keep_state, save_state

PATIENCE = 120.0
"""Seconds that a request may take to arrive, and that an idle connection is kept: IIS's own default."""
GRACE = 1.0
"""Seconds that calls in flight get to end when the sandbox stops."""


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that answers. `url` is its root, `base_url` what a client is given."""

    sandbox: Sandbox
    app: App
    url: str

    @property
    def base_url(self) -> str:
        """Where the API begins."""
        return f"{self.url}/v3.1"

    @property
    def key(self) -> str:
        """The first account's administrator's key."""
        return self.sandbox.first.instance.users[0].key

    @property
    def keys(self) -> list[str]:
        """The administrator's key of each account."""
        return [account.instance.users[0].key for account in self.sandbox.accounts.values()]


def bind(host: str, port: int) -> socket.socket:
    """Take a port, any free one for 0. Raises `OSError` when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


@asynccontextmanager
async def serve(
    sandbox: Sandbox,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    sock: socket.socket | None = None,
    tls: ssl.SSLContext | None = None,
    patience: float = PATIENCE,
    grace: float = GRACE,
) -> AsyncIterator[Running]:
    """Serve on the running loop until the block ends. Raises `OSError` when the port is taken.

    `patience` is how many seconds a request may take to arrive, `grace` what calls in flight get to end.
    """
    sock = sock or bind(host, port)
    app, state = App(sandbox), ServerState()
    config = Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=int(patience),
    )
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Protocol(config, state, patience=patience), sock=sock, ssl=tls, backlog=config.backlog
    )
    name = f"[{host}]" if ":" in host else host
    try:
        yield Running(sandbox, app, f"{'https' if tls else 'http'}://{name}:{sock.getsockname()[1]}")
    finally:
        server.close()
        await wind_down(app, state, grace)


async def wind_down(app: App, state: ServerState, grace: float) -> None:
    """End idle connections, let calls in flight end, then cut what is left."""
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        await asyncio.wait(set(state.tasks), timeout=grace)
    app.closing = True
    for connection in list(state.connections):
        connection.transport.abort()
    await asyncio.sleep(0)
    late = set(state.tasks)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


async def run(
    sandbox: Sandbox,
    sock: socket.socket,
    *,
    host: str,
    announce: Callable[[Running], None],
    tls: ssl.SSLContext | None = None,
    state: Path | None = None,
    patience: float = PATIENCE,
) -> None:
    """Serve until SIGINT or SIGTERM; `announce` hears when calls are answered.

    Keeps the state file, if one is named; a group of `Unwritable` ends the serving when it cannot be kept.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    async with serve(sandbox, host=host, sock=sock, tls=tls, patience=patience) as running, asyncio.TaskGroup() as work:
        announce(running)
        keeper = work.create_task(keep_state(sandbox, state)) if state else None
        await stop.wait()
        if keeper is not None:
            keeper.cancel()
    if state is not None:
        save_state(sandbox, state)
