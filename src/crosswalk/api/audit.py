"""The audit log over HTTP: read, and followed from end to end."""

from datetime import datetime

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException
from litestar.params import FromQuery, SkipValidation
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict

from crosswalk.accounts.audit import Broken, Line, Wanted, Whole, list_lines, verify
from crosswalk.accounts.tokens import Caller
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.store.database import Database

READ = needs("admin.audit:read")
Data = NamedDependency[SkipValidation[Database]]
Who = NamedDependency[SkipValidation[Caller]]


class Entry(Struct, frozen=True, kw_only=True):
    """One line. Its digest covers the digest of the one before it."""

    number: int
    at: datetime
    actor: str
    ip: str | None
    action: str
    object: str
    account_id: str | None
    detail: str | None
    before: str
    digest: str


class Verdict(Struct, frozen=True):
    """Whether the chain holds: how many lines and the last one's digest, or where it breaks and how."""

    whole: bool
    lines: int | UnsetType = UNSET
    digest: str | UnsetType = UNSET
    number: int | UnsetType = UNSET
    says: str | UnsetType = UNSET


@get("/", summary="List the audit log", security=READ, responses=problems())
async def show_audit(
    *,
    database: Data,
    caller: Who,
    actor: FromQuery[str | None] = None,
    action: FromQuery[str | None] = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[Entry]:
    """Who did what when from where, newest first. For tokens that reach every account."""
    _refuse_narrow(caller)
    wanted = Wanted(actor=actor, action=action, before=read_cursor(next_cursor, int))
    lines = [_entry(line) for line in await list_lines(database, wanted, most=limit + 1)]
    return cut(lines, limit, lambda line: line.number)


@get("/verify", summary="Verify the audit log", security=READ, responses=problems())
async def verify_audit(*, database: Data, caller: Who, digest: FromQuery[str | None] = None) -> Verdict:
    """Follow the chain of digests; with `digest`, one kept from an earlier time must still be in it."""
    _refuse_narrow(caller)
    return judge(await verify(database, digest))


def judge(found: Whole | Broken) -> Verdict:
    """A verdict as it is shown."""
    match found:
        case Whole(lines, last):
            return Verdict(whole=True, lines=lines, digest=last)
        case Broken(number, says):
            return Verdict(whole=False, number=number, says=says)


def _entry(line: Line) -> Entry:
    return Entry(**asdict(line) | {"before": line.before.hex(), "digest": line.digest.hex()})


def _refuse_narrow(caller: Caller) -> None:
    if caller.accounts is not None:
        raise PermissionDeniedException("The audit log tells of every account; this token reaches some only")


ROUTES = Router("/audit", route_handlers=[show_audit, verify_audit], tags=["audit"])
