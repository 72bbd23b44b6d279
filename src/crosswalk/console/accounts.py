"""Accounts: their days as pictures, what the doctor says of them, who may use them, and linking one."""

from collections.abc import Sequence
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, URLEncodedBody
from msgspec import Struct

from crosswalk.accounts.accounts import Account, Wanted
from crosswalk.accounts.check import Report
from crosswalk.accounts.errors import AccountError
from crosswalk.accounts.tokens import Token
from crosswalk.accounts.vault import Secret
from crosswalk.api.page import read_cursor, write_cursor
from crosswalk.console.days import day_of
from crosswalk.console.frame import ConsoleRequest, desk_of, go, older, show
from crosswalk.console.runs import name_sources
from crosswalk.delivery.history import RunFilter, list_runs
from crosswalk.insightly import HostRefused, InsightlyError
from crosswalk.insightly.pods import base_url

HERE = "Accounts"
PAGE, MOST_RUNS = 25, 8
Place = FromPath[str]


class NewAccount(Struct, frozen=True, kw_only=True):
    """What the form for linking an account says."""

    name: str = ""
    api_key: str = ""
    where: str = ""


class Limits(Struct, frozen=True, kw_only=True):
    """An account's limits as its form gives them; an empty one is the usual."""

    rate: str = ""
    reserve: str = ""


class NewKey(Struct, frozen=True, kw_only=True):
    """The key that an account is to have from now on."""

    api_key: str = ""


class Goodbye(Struct, frozen=True, kw_only=True):
    """The name, typed again by whoever removes it."""

    name: str = ""


@get("/accounts")
async def show_accounts(
    *, request: ConsoleRequest, find: FromQuery[str] = "", next_cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """Every account, a page at a time; `find` narrows by name, instance or tenant."""
    desk = desk_of(request)
    after = read_cursor(next_cursor, str) or ""
    every = await desk.accounts.list()
    wanted = [account for account in every if _is_found(account, find.casefold()) and account.id > after]
    cursor = write_cursor(wanted[PAGE - 1].id) if len(wanted) > PAGE else None
    days = [await day_of(desk, account) for account in wanted[:PAGE]]
    data = {"days": days, "find": find, "count": len(every), "older": older(request, cursor)}
    return await show(request, "accounts.html", data, here=HERE)


def _is_found(account: Account, text: str) -> bool:
    return not text or any(
        text in (each or "").casefold() for each in (account.name, account.instance_name, account.tenant_id, account.id)
    )


@get("/accounts/new")
async def show_new(*, request: ConsoleRequest) -> Response[Any]:
    """The form for linking an account."""
    return await _show_new(request, NewAccount())


@post("/accounts/new")
async def link_account(*, request: ConsoleRequest, data: URLEncodedBody[NewAccount]) -> Response[Any]:
    """Check the key and link the account."""
    desk = desk_of(request)
    where = data.where.strip()
    try:
        hosts = desk.accounts.allow_hosts
        pod, whole = (None, where) if "/" in where else (where, None)
        address = base_url(pod=pod, whole=whole, allow_hosts=hosts)
        key = Secret(data.api_key.strip())
        account, _ = await desk.accounts.add(Wanted(name=data.name.strip(), api_key=key, base_url=address))
    except (AccountError, InsightlyError, HostRefused) as exc:
        return await _show_new(request, data, wrong=str(exc))
    return go(f"/accounts/{account.name}")


async def _show_new(request: ConsoleRequest, form: NewAccount, wrong: str | None = None) -> Response[Any]:
    data = {"name": form.name, "where": form.where, "wrong": wrong}
    return await show(request, "account_new.html", data, here=HERE, status=200 if wrong is None else 422)


@get("/accounts/{place:str}")
async def show_account(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """One account."""
    return await _show_one(request, await desk_of(request).accounts.find(place))


@post("/accounts/{place:str}/check")
async def check_account(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """Ask Insightly again, and show what it says."""
    desk = desk_of(request)
    try:
        account, report = await desk.accounts.check(place)
    except AccountError as exc:
        return await _show_one(request, await desk.accounts.find(place), wrong=str(exc))
    return await _show_one(request, account, report=report)


@post("/accounts/{place:str}/limits")
async def change_limits(*, request: ConsoleRequest, place: Place, data: URLEncodedBody[Limits]) -> Response[Any]:
    """Write the account's limits."""
    desk = desk_of(request)
    try:
        changes = {"rate": _read_limit(data.rate, 1000), "reserve": _read_limit(data.reserve, 100)}
    except ValueError as exc:
        return await _show_one(request, await desk.accounts.find(place), wrong=str(exc))
    await desk.accounts.change(place, changes)
    return go(f"/accounts/{place}")


def _read_limit(text: str, most: int) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or int(text) > most:
        raise ValueError(f"{text!r} is no number from 0 to {most}")
    return int(text)


@post("/accounts/{place:str}/relink")
async def relink_account(*, request: ConsoleRequest, place: Place, data: URLEncodedBody[NewKey]) -> Response[Any]:
    """Put a checked key in the place of the account's."""
    desk = desk_of(request)
    account = await desk.accounts.find(place)
    wanted = Wanted(name=account.name, api_key=Secret(data.api_key.strip()), base_url=account.base_url)
    try:
        report = await desk.accounts.examine(wanted)
        account = await desk.accounts.relink(account.id, wanted, report)
    except (AccountError, InsightlyError) as exc:
        return await _show_one(request, account, wrong=str(exc))
    return await _show_one(request, account, report=report)


@post("/accounts/{place:str}/remove")
async def remove_account(*, request: ConsoleRequest, place: Place, data: URLEncodedBody[Goodbye]) -> Response[Any]:
    """Forget an account, when its name was typed again."""
    desk = desk_of(request)
    account = await desk.accounts.find(place)
    if data.name.strip() != account.name:
        return await _show_one(
            request, account, wrong=f"Type {account.name} to remove it; {data.name!r} is another name"
        )
    await desk.accounts.remove(account.id)
    return go("/accounts")


async def _show_one(
    request: ConsoleRequest, account: Account, *, report: Report | None = None, wrong: str | None = None
) -> Response[Any]:
    desk = desk_of(request)
    runs = await list_runs(desk.database, RunFilter(account=account.id), most=MOST_RUNS)
    destinations = [each for each in await desk.destinations.list() if each.account_id == account.id]
    data = {
        "account": account,
        "day": await day_of(desk, account),
        "findings": () if report is None else report.findings,
        "wrong": wrong,
        "destinations": destinations,
        "tokens": _reaching(await desk.tokens.list(), account),
        "runs": runs,
        "sources": await name_sources(desk, runs),
    }
    return await show(request, "account.html", data, here=HERE, status=200 if wrong is None else 422)


def _reaching(tokens: Sequence[Token], account: Account) -> list[Token]:
    """Living tokens that may use an account."""
    return [
        token
        for token in tokens
        if token.revoked_at is None and (token.accounts is None or account.id in token.accounts)
    ]


PAGES: tuple[HTTPRouteHandler, ...] = (
    show_accounts,
    show_new,
    link_account,
    show_account,
    check_account,
    change_limits,
    relink_account,
    remove_account,
)
