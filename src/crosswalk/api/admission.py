"""Who may pass which call on to Insightly, and how: what the proxy's forms share."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from litestar.types import HTTPScope, Receive

from crosswalk.accounts.callers import Callers, Shown
from crosswalk.accounts.pool import Pool
from crosswalk.accounts.scopes import Scope, Verb
from crosswalk.accounts.tokens import Caller
from crosswalk.api.asking import LONGEST_WAIT, MAX_WAIT, unknown
from crosswalk.api.relaying import Upload, headers_out, open_body
from crosswalk.insightly.errors import InsightlyError
from crosswalk.insightly.paths import check_path, check_query, resource_name
from crosswalk.insightly.patience import waiting_at_most
from crosswalk.insightly.relay import Passage, Relayed

VERBS: Mapping[str, Verb] = {
    "GET": "read",
    "HEAD": "read",
    "OPTIONS": "read",
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}


class NotServed(Exception):
    """A method that no call to Insightly has."""


class Denied(Exception):
    """The token may not make this call."""

    def __init__(self, caller: Caller, wanted: Scope) -> None:
        super().__init__(f"Token {caller.name} lacks the scope {wanted}, or is denied it")
        self.wanted = wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One call as its caller asks for it: `path` and `query` as written, below the version."""

    account: str
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str]
    authorization: str | None

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path


async def admit(scope: HTTPScope, wanted: Wanted) -> Caller:
    """Whoever may make this call. Raises `Unidentified`, `Denied`, `UnsafePath`, `NotServed` and `UnknownAccount`."""
    state: Any = scope["litestar_app"].state
    callers: Callers = state.callers
    client = scope["client"]
    shown = Shown(wanted.authorization, client[0] if client else None, wanted.headers.get("origin"))
    caller = await callers.identify(shown)
    scope["user"] = caller
    parts = check_path(wanted.path)
    check_query(wanted.query)
    verb = VERBS.get(wanted.method)
    if verb is None:
        raise NotServed(f"Insightly takes no {wanted.method}")
    needed = Scope("proxy", (resource_name(parts[0]),), verb)
    if not caller.may(needed):
        raise Denied(caller, needed)
    if not caller.may_use(wanted.account):
        raise unknown(wanted.account)
    return caller


@asynccontextmanager
async def pass_on(
    scope: HTTPScope, wanted: Wanted, receive: Receive, *, unpack: bool = False
) -> AsyncIterator[Relayed]:
    """Make the call and yield its answer as it begins.

    Raises what `Insightly.relay` and the budget raise, `UnknownAccount`, `TooLarge` and `SenderGone`.
    """
    body = await open_body(wanted.headers, receive)
    headers = headers_out(wanted.headers, body)
    if unpack:
        headers["accept-encoding"] = "gzip, deflate"
    passage = Passage(method=wanted.method, path=wanted.target, headers=headers, body=body, unpack=unpack)
    pool: Pool = scope["litestar_app"].state.pool
    async with pool.client(wanted.account) as crm:
        try:
            with waiting_at_most(_patience(wanted.headers)):
                async with crm.relay(passage) as relayed:
                    yield relayed
        except InsightlyError as exc:
            failure = body.failure if isinstance(body, Upload) else None
            if failure is None:
                raise
            raise failure from exc


def _patience(headers: Mapping[str, str]) -> float:
    """Seconds to wait for the account's pace, as `X-Max-Wait` says."""
    text = headers.get("x-max-wait", "")
    return min(float(text), LONGEST_WAIT) if text.replace(".", "", 1).isdecimal() else MAX_WAIT
