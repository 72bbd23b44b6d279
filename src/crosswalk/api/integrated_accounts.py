"""Integrated accounts over HTTP: listed, shown, their context changed, checked, examined, removed."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from litestar import Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation
from msgspec import Struct
from msgspec.structs import asdict

from crosswalk.accounts.accounts import Account, Accounts, Wish
from crosswalk.accounts.check import Finding, Right
from crosswalk.accounts.doctor import KEPT, Doctor
from crosswalk.accounts.errors import CredentialRefused, UnknownAccount
from crosswalk.accounts.links import check_context
from crosswalk.accounts.tokens import Caller
from crosswalk.accounts.where import pod_of
from crosswalk.api.capabilities import Capability, collections, judge_examination
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, cut, read_cursor
from crosswalk.api.tools import Tool, make_tools
from crosswalk.store.accounts import Status
from crosswalk.unified.fields import UnifiedField, custom_field
from crosswalk.unified.nouns import CRM

READ = needs("accounts:read")
UPDATE = needs("accounts:update")
DELETE = needs("accounts:delete")

Place = FromPath[str]
Linked = NamedDependency[SkipValidation[Accounts]]
Who = NamedDependency[SkipValidation[Caller]]
Examiner = NamedDependency[SkipValidation[Doctor]]
Tenant = Annotated[str | None, QueryParameter(description="Only accounts of this tenant.")]
State = Annotated[Status | None, QueryParameter(description="Only accounts of this status.")]
MaxAge = Annotated[
    int,
    QueryParameter(ge=0, le=86_400, description="How old an examination may be, in seconds; 0 asks Insightly anew."),
]


class Person(Struct, frozen=True):
    """Whose key it is."""

    id: str | None
    name: str | None
    administrator: bool | None


class Instance(Struct, frozen=True):
    """Which Insightly instance it opens."""

    id: str | None
    name: str | None
    plan: str | None


class IntegratedAccount(Struct, frozen=True, kw_only=True):
    """One linked account. Its key is never shown; `scopes` are what its link asked for."""

    id: str
    name: str
    integration: Literal["insightly"] = "insightly"
    tenant_id: str | None
    context: dict[str, Any]
    pod: str | None
    base_url: str
    status: Status
    status_reason: str | None
    scopes: Sequence[str]
    user: Person
    instance: Instance
    created_at: datetime
    checked_at: datetime | None
    last_good_call_at: datetime | None
    refused_at: datetime | None


class AccountPage(Struct, frozen=True, kw_only=True):
    """A part of the list, in the envelope of the unified API. `prev_cursor` is always null: the list goes on only."""

    result: Sequence[IntegratedAccount]
    next_cursor: str | None
    prev_cursor: str | None = None
    result_count: int


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of an account can be changed: the context, whole."""

    context: dict[str, Any]


class Named(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which account."""

    integrated_account_id: str


class Refreshed(IntegratedAccount, frozen=True, kw_only=True):
    """An account as it was found just now, and what was asked."""

    report: Sequence[Finding]


class Quota(Struct, frozen=True):
    """The day's calls: as told, left, and kept for people."""

    limit: int | None
    remaining: int | None
    reserved: int
    resets_at: datetime


class Capabilities(Struct, frozen=True, kw_only=True):
    """What works on an account and what does not, each with its reason; `calls` is what the examination cost."""

    integrated_account_id: str
    status: Status
    examined_at: datetime
    calls: int
    user: Person
    instance: Instance
    quota: Quota | None
    clock_skew_seconds: float | None
    findings: Sequence[Finding]
    permissions: Sequence[Right]
    custom_fields: dict[str, Sequence[UnifiedField]]
    methods: Sequence[Capability]


class Tools(Struct, frozen=True):
    """Tools for agents."""

    result: Sequence[Tool]


@get("/", summary="List accounts", security=READ, responses=problems())
async def list_accounts(
    *,
    accounts: Linked,
    caller: Who,
    tenant_id: Tenant = None,
    status: State = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> AccountPage:
    """Accounts that the token reaches, oldest first."""
    after = read_cursor(next_cursor, str) or ""
    wish = Wish(after=after, most=limit + 1, status=status, tenant_id=tenant_id, reach=caller.accounts)
    found = [show(account) for account in await accounts.page(wish)]
    page = cut(found, limit, lambda account: account.id)
    return AccountPage(result=page.result, next_cursor=page.next_cursor, result_count=len(page.result))


@get("/{account_id:str}", summary="Show an account", security=READ, responses=problems(404))
async def show_account(*, account_id: Place, accounts: Linked, caller: Who) -> IntegratedAccount:
    """One account by id."""
    return show(await _find(account_id, accounts, caller))


@patch("/{account_id:str}", summary="Change an account's context", security=UPDATE, responses=problems(404))
async def change_account(
    *, account_id: Place, data: JSONBody[Change], accounts: Linked, caller: Who
) -> IntegratedAccount:
    """Put another context in the place of the account's; nothing of Insightly's changes."""
    account = await _find(account_id, accounts, caller)
    return show(await accounts.set_context(account.id, check_context(data.context)))


@delete("/{account_id:str}", summary="Remove an account", status_code=200, security=DELETE, responses=problems(404))
async def remove_account(*, account_id: Place, accounts: Linked, caller: Who, doctor: Examiner) -> IntegratedAccount:
    """Forget an account; its key is destroyed at once, in every process."""
    account = await _find(account_id, accounts, caller)
    doctor.forget(account.id)
    return show(await accounts.remove(account.id))


@post("/refresh-credentials", summary="Check an account's key", status_code=200, security=UPDATE,
      responses=problems(404, 424, 502))  # fmt: skip
async def refresh_credentials(*, data: JSONBody[Named], accounts: Linked, caller: Who) -> Refreshed:
    """Ask Insightly, in four calls, whether the key still works, and store what it says.

    An Insightly key has no other half to be refreshed with: a refused one makes the account `needs_reauth`, and
    `POST /link-token` with its id lets the customer give another.
    """
    account = await _find(data.integrated_account_id, accounts, caller)
    try:
        account, report = await accounts.check(account.id)
        findings = report.findings
    except CredentialRefused as exc:
        account = await accounts.find(account.id)
        findings = (Finding("key", works=False, says=str(exc)),)
    return Refreshed(
        **asdict(show(account)), report=[each for each in findings if caller.accounts is None or not _tells(each)]
    )


@get("/{account_id:str}/capabilities", summary="Examine an account", security=READ, responses=problems(404))
async def show_capabilities(
    *, account_id: Place, accounts: Linked, caller: Who, doctor: Examiner, max_age: MaxAge = int(KEPT)
) -> Capabilities:
    """Permissions, closed collections, custom fields, quota, clock, and every unified method with the reason.

    It costs about twenty calls, once in five minutes.
    """
    account = await _find(account_id, accounts, caller)
    found = await doctor.examine(account, collections(), max_age=max_age)
    account = await accounts.find(account.id)
    day = found.budget
    return Capabilities(
        integrated_account_id=account.id,
        status=account.status,
        examined_at=found.at.astimezone(UTC),
        calls=found.calls,
        user=show(account).user,
        instance=show(account).instance,
        quota=None if day is None else Quota(day.quota, day.remaining, day.reserved, day.resets_at),
        clock_skew_seconds=found.skew,
        findings=found.findings,
        permissions=found.rights,
        custom_fields={
            name: [custom_field(noun, each, {}) for each in found.opened[noun.resource.path].custom_fields]
            for name, noun in CRM.items()
            if noun.resource.path in found.opened
        },
        methods=judge_examination(found),
    )


@get("/{account_id:str}/tools", summary="List tools for agents", security=READ, responses=problems(404))
async def show_tools(
    *, account_id: Place, accounts: Linked, caller: Who, doctor: Examiner, max_age: MaxAge = int(KEPT)
) -> Tools:
    """The unified methods that work on this account, each with the JSON schema of what it takes, custom fields too."""
    account = await _find(account_id, accounts, caller)
    return Tools(list(make_tools(await doctor.examine(account, collections(), max_age=max_age))))


def show(account: Account) -> IntegratedAccount:
    """An account as callers see it; ids of Insightly's are texts, as everywhere."""
    return IntegratedAccount(
        id=account.id,
        name=account.name,
        tenant_id=account.tenant_id,
        context=account.context,
        pod=pod_of(account.base_url),
        base_url=account.base_url,
        status=account.status,
        status_reason=account.status_reason,
        scopes=account.scopes,
        user=Person(_text(account.user_id), account.user_name, account.administrator),
        instance=Instance(_text(account.instance_id), account.instance_name, account.plan),
        created_at=account.created_at,
        checked_at=account.checked_at,
        last_good_call_at=account.last_good_call_at,
        refused_at=account.refused_at,
    )


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


async def _find(account_id: str, accounts: Accounts, caller: Caller) -> Account:
    """An account of the caller's reach. Raises `UnknownAccount`, for others' accounts too."""
    with suppress(UnknownAccount):
        account = await accounts.find(account_id)
        if caller.may_use(account.id):
            return account
    raise UnknownAccount(f"There is no account {account_id!r}. GET /integrated-account lists them")


def _tells(finding: Finding) -> bool:
    """Whether a line names accounts beyond the caller's reach."""
    return finding.what == "instance" and "also linked as" in finding.says


ROUTES = Router(
    "/integrated-account",
    route_handlers=[
        list_accounts,
        show_account,
        change_account,
        remove_account,
        refresh_credentials,
        show_capabilities,
        show_tools,
    ],
    tags=["accounts"],
)
