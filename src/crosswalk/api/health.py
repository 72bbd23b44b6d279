"""Whether the hub is there, and whether it can work."""

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


class Live(Struct, frozen=True):
    """The process answers."""

    status: Literal["live"] = "live"


class Ready(Struct, frozen=True):
    """The database answers, with the schema of this version."""

    revision: str
    status: Literal["ready"] = "ready"


@get("/health/live", summary="Whether the process answers")
async def show_live() -> Live:
    """Answer as long as the process runs."""
    return Live()


@get("/health/ready", summary="Whether the hub can work", responses={503: problem_of(503)})
async def show_ready(database: NamedDependency[SkipValidation[Database]]) -> Ready:
    """Answer 200 when the database answers and its schema is this version's, else 503."""
    try:
        await require_head(database)
    except DatabaseUnreachable as exc:  # its text says where the database is, and anyone may ask
        raise ServiceUnavailableException("The database does not answer; is it running?") from exc
    except StoreError as exc:
        raise ServiceUnavailableException(str(exc)) from exc
    return Ready(head())
