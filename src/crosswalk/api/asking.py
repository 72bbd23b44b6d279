"""One unified request: by whom, about whose records, how long it waits, how old what it is told may be."""

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

import msgspec
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter, SkipValidation

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.errors import UnknownAccount
from crosswalk.accounts.pool import Pool
from crosswalk.accounts.tokens import Caller
from crosswalk.api.body import ApiRequest
from crosswalk.delivery.evaluator import find_evaluator
from crosswalk.delivery.jsonata import find_library
from crosswalk.insightly import Insightly
from crosswalk.insightly.pace import CALLS
from crosswalk.insightly.patience import waiting_at_most
from crosswalk.insightly.trail import recorded
from crosswalk.store.database import Database
from crosswalk.unified.idempotency import Keys
from crosswalk.unified.known import JSON
from crosswalk.unified.mapping import Noun
from crosswalk.unified.mappings import Mappings, Whose
from crosswalk.unified.references import MAX_AGE
from crosswalk.unified.service import Asker, Service

MAX_WAIT, LONGEST_WAIT = 10.0, 60.0
MOST_CALLS = 50
"""Calls that `explain=true` tells of."""

AccountId = Annotated[
    str, QueryParameter(name="integrated_account_id", min_length=1, description="Whose records: the account's id.")
]
MaxWait = Annotated[
    float | None,
    QueryParameter(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the account's pace; 10 unless given."),
]
MaxWaitHeader = Annotated[
    float | None, HeaderParameter(name="X-Max-Wait", ge=0, le=LONGEST_WAIT, description="The same, as a header.")
]
MaxAge = Annotated[
    float,
    QueryParameter(ge=0, le=86_400, description="Seconds that names of users, stages and the like may be old."),
]
Explain = Annotated[bool, QueryParameter(description="Tell the native calls that were made.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """What every unified request works with: open clients, the unified model, the keys of writes."""

    pool: Pool
    service: Service
    keys: Keys
    mappings: Mappings


def make_backing(
    database: Database, accounts: Accounts, pool: Pool, mappings: Mappings, *, settle_after: timedelta
) -> Backing:
    """What the unified routes of one process share."""
    service = Service(key=accounts.vault.derive("unified cursors"))
    keys = Keys(database=database, settle_after=settle_after)
    return Backing(pool=pool, service=service, keys=keys, mappings=mappings)


def make_mappings(database: Database) -> Mappings:
    """The saved overrides of a database, whose expressions are evaluated as those of deliveries are."""
    return Mappings(database=database, evaluate=_evaluate, check=lambda text: find_library().check(text))


def _evaluate(expression: str, context: Mapping[str, JSON]) -> JSON:
    answer: JSON = msgspec.json.decode(find_evaluator().evaluate(expression, msgspec.json.encode(context)))
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One request. `calls` fills with the native calls made, where they are to be told."""

    backing: Backing
    account: str
    max_wait: float
    max_age: float
    explain: bool
    calls: list[str] = field(default_factory=list)

    @property
    def service(self) -> Service:
        """The unified model."""
        return self.backing.service

    async def whose(self) -> Whose:
        """Whose records are asked for. Raises `UnknownAccount`."""
        account = await self.backing.pool.account(self.account)
        return Whose(account.id, account.tenant_id)

    async def noun(self, noun: Noun, at: str = "crm") -> Noun:
        """A resource as the account has it. Raises `UnknownAccount` and `MappingBroken`."""
        name = noun.name if at == "crm" else f"{at}.{noun.name}"
        return await self.backing.mappings.noun(name, await self.whose())

    @asynccontextmanager
    async def open(self, *, patient: bool = False) -> AsyncIterator[Asker]:
        """Whoever asks, with an open client; `patient` waits for the pace as long as it takes."""
        with ExitStack() as stack:
            if not patient:
                stack.enter_context(waiting_at_most(self.max_wait))
            trail = stack.enter_context(recorded()) if self.explain else []
            try:
                async with self.backing.pool.client(self.account) as crm:
                    yield Asker(account=self.account, crm=crm, max_age=self.max_age)
            finally:
                self.calls.extend(trail[:MOST_CALLS])

    def headers(self, crm: Insightly, age: float = 0.0) -> Mapping[str, str]:
        """What an answer tells beside its body: the age of what was kept, the limits, the native calls."""
        told = {"Age": str(int(age)), **limits_of(crm)}
        return told | ({"X-Crosswalk-Calls": "; ".join(self.calls)} if self.explain else {})


def limits_of(crm: Insightly) -> Mapping[str, str]:
    """Insightly's two limits, as far as it told them (draft-ietf-httpapi-ratelimit-headers)."""
    if crm.quota is None or crm.remaining is None:
        return {"RateLimit-Policy": f'"provider-second";q={CALLS};w=1'}
    policy = f'"provider-day";q={crm.quota}, "provider-second";q={CALLS};w=1'
    return {"RateLimit-Policy": policy, "RateLimit": f'"provider-day";r={crm.remaining}'}


def provide_asking(
    request: ApiRequest,
    caller: NamedDependency[SkipValidation[Caller]],
    account_id: AccountId,
    max_wait: MaxWait = None,
    max_wait_header: MaxWaitHeader = None,
    max_age: MaxAge = MAX_AGE,
    explain: Explain = False,  # noqa: FBT002 (a query parameter)
) -> Asking:
    """The request's account, where the token reaches it. Raises `UnknownAccount`, as for one that is not there."""
    backing: Backing = request.app.state.backing
    if not caller.may_use(account_id):
        raise unknown(account_id)
    waits = next((each for each in (max_wait, max_wait_header) if each is not None), MAX_WAIT)
    return Asking(backing=backing, account=account_id, max_wait=waits, max_age=max_age, explain=explain)


def unknown(account_id: str) -> UnknownAccount:
    """The pool's own words, so that nobody can tell a foreign account from one that is not there."""
    return UnknownAccount(f"No account has the id {account_id!r}. `crosswalk accounts list` lists them")


KnownAsking = NamedDependency[SkipValidation[Asking]]
