"""Whether the hub is there, and whether it can work."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import ServiceUnavailableException
from litestar.params import SkipValidation
from msgspec import Struct

from crosswalk.api.errors import problem_of
from crosswalk.store.database import Database
from crosswalk.store.errors import DatabaseUnreachable, StoreError
from crosswalk.store.migrate import head, require_head

SILENT = 60.0
"""Seconds without a sign of life after which the engine counts as stuck: it gives one a second."""
FULL = 100 << 20
"""Free bytes of the home's disk below which nothing can be kept for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What of this process can be felt: its home, for how long its engine is silent, whether it ends.

    `None` where a process has no home or no engine of its own.
    """

    home: Path | None = None
    silent: Callable[[], float] | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def free(self) -> int | None:
        """Free bytes of the home's disk."""
        return None if self.home is None else shutil.disk_usage(self.home).free

    def find_fault(self) -> str | None:
        """Why no work can be done here, or `None`."""
        if self.stopping.is_set():
            return "This process is ending; what was begun is finished"
        if self.silent is not None and self.silent() > SILENT:
            return f"The engine has given no sign of life for {self.silent():.0f} s; look at the log, and start it anew"
        if self.free is not None and self.free < FULL:
            return f"The disk of the home has {self.free >> 20} MiB left; make room"
        return None


class Live(Struct, frozen=True):
    """The process answers."""

    status: Literal["live"] = "live"


class Ready(Struct, frozen=True):
    """The database answers with the schema of this version, there is room, and the engine, where one is, lives."""

    revision: str
    engine: Literal["alive", "elsewhere"] = "elsewhere"
    status: Literal["ready"] = "ready"


@get("/health/live", summary="Whether the process answers")
async def show_live() -> Live:
    """Answer as long as the process runs."""
    return Live()


@get("/health/ready", summary="Whether the hub can work", responses={503: problem_of(503)})
async def show_ready(
    database: NamedDependency[SkipValidation[Database]], vitals: NamedDependency[SkipValidation[Vitals]]
) -> Ready:
    """Answer 200 when database, schema, disk and engine are well and the process is not ending, else 503."""
    try:
        await require_head(database)
    except DatabaseUnreachable as exc:  # its text says where the database is, and anyone may ask
        raise ServiceUnavailableException("The database does not answer; is it running?") from exc
    except StoreError as exc:
        raise ServiceUnavailableException(str(exc)) from exc
    fault = vitals.find_fault()
    if fault is not None:
        raise ServiceUnavailableException(fault)
    return Ready(head(), "elsewhere" if vitals.silent is None else "alive")
