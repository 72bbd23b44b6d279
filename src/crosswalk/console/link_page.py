"""The link page: a customer pastes an API key, sees what it opens, and connects it. Framed by one origin at most."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from litestar import Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, SkipValidation
from msgspec import Struct

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.check import Finding, Right
from crosswalk.accounts.errors import LinkEnded, UnknownLink
from crosswalk.accounts.linking import Found, Linking
from crosswalk.accounts.links import LinkToken, LinkTokens
from crosswalk.accounts.scopes import parse_scope
from crosswalk.accounts.vault import Secret
from crosswalk.api.capabilities import asked_for, judge_methods
from crosswalk.api.errors import HANDLERS
from crosswalk.console.pages import STATIC, headers, render
from crosswalk.store.database import Database
from crosswalk.unified.mapping import verbs
from crosswalk.unified.nouns import CRM

NOT_FOUND, GONE = 404, 410
TWIN = "is connected here already by somebody else; both share one day's calls"
SCRIPT = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}

Text = FromPath[str]
Link = NamedDependency[SkipValidation[Linking]]


class Tried(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key, and where it belongs as the customer copied it; empty when nobody knows."""

    api_key: str
    api_url: str = ""

    def __repr__(self) -> str:
        """Show where, not the key."""
        return f"Tried(api_key=***, api_url={self.api_url!r})"


class Agreed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sealed proof of what was found, sent back."""

    proof: str


class Opens(Struct, frozen=True, kw_only=True):
    """What a key opens, for the customer to read before it is kept."""

    user: str
    instance: str
    plan: str
    place: str
    lines: Sequence[Finding]
    proof: str


class Linked(Struct, frozen=True, kw_only=True):
    """What the opener is told."""

    integrated_account_id: str
    result: str = "success"
    integration: str = "insightly"


@get("/link/{text:str}", include_in_schema=False)
async def show_link(*, text: Text, linking: Link) -> Response[str]:
    """The page, or why this link cannot be used any more. Loading it uses nothing up."""
    try:
        token = await linking.tokens.find(text)
    except UnknownLink as exc:
        return render("link/ended.html", {"says": str(exc), "token": None, "site": None}, status=NOT_FOUND)
    ancestors = token.origin or "'none'"
    try:
        await linking.tokens.live(text)
    except LinkEnded as exc:
        data = {"says": str(exc), "token": token, "site": _site(token)}
        return render("link/ended.html", data, status=GONE, ancestors=ancestors)
    data = {"token": token, "site": _site(token), "wants": [*_spell_wants(token)]}
    return render("link/page.html", data, ancestors=ancestors)


@post("/link/{text:str}/check", include_in_schema=False, status_code=200)
async def check_key(*, text: Text, data: JSONBody[Tried], linking: Link) -> Response[Opens]:
    """Try a key and say what it opens; nothing is kept."""
    found = await linking.check(text, Secret(data.api_key), data.api_url)
    token = await linking.tokens.find(text)
    return Response(_describe(found, token), headers=headers())


@post("/link/{text:str}/confirm", include_in_schema=False, status_code=200)
async def confirm_key(*, text: Text, data: JSONBody[Agreed], linking: Link) -> Response[Linked]:
    """Keep what was tried, and use the link up."""
    account = await linking.confirm(text, data.proof)
    return Response(Linked(integrated_account_id=account.id), headers=headers())


@get("/link.js", include_in_schema=False)
async def show_script() -> Response[bytes]:
    """The script that other sites load to open the page."""
    return Response((STATIC / "link.js").read_bytes(), media_type="text/javascript", headers=SCRIPT)


def make_link_routes(database: Database, accounts: Accounts) -> Router:
    """The page's routes. They take no API token: the link's own text is the leave."""
    linking = Linking(accounts=accounts, tokens=LinkTokens(database=database))
    return Router(
        "/",
        route_handlers=[show_link, check_key, confirm_key, show_script],
        dependencies={"linking": Provide(lambda: linking, sync_to_thread=False)},
        exception_handlers=HANDLERS,
        include_in_schema=False,
    )


def _site(token: LinkToken) -> str | None:
    """Who asks, as the customer knows it: the host of the page that opened this one."""
    return urlsplit(token.origin or token.redirect_uri or "").hostname


def _spell_wants(token: LinkToken) -> Iterator[str]:
    """What the maker of the link wants to do, in words."""
    for text in token.scopes:
        scope = parse_scope(text)
        what = " ".join(scope.path[1:] if scope.path[:1] == ("crm",) else scope.path) or "everything"
        yield f"{'do anything with' if scope.verb == '*' else scope.verb} {what.replace('_', ' ')}"


def _describe(found: Found, token: LinkToken) -> Opens:
    report = found.report
    rights = "administrator" if report.administrator else "not an administrator"
    return Opens(
        user=f"{report.user_name or 'a user without a name'}, {rights}",
        instance=report.instance_name or "not told",
        plan=report.plan or "not told",
        place=urlsplit(found.base_url).netloc,
        lines=[*_tell(found, token)],
        proof=found.proof,
    )


def _tell(found: Found, token: LinkToken) -> Iterator[Finding]:
    """What will work and what will not: calls that were answered otherwise, rights, what was asked for."""
    yield from (each for each in found.report.findings if not each.works and each.what != "delivery key")
    if found.twin:
        yield Finding("this Insightly", works=False, says=TWIN)
    yield from tell_rights(found.report.rights)
    methods = [each for each in judge_methods(found.report.rights) if not each.works]
    for text in token.scopes:
        barred = asked_for(text, methods)
        yield from (Finding(f"asked for: {text}", works=False, says=str(each.reason)) for each in barred[:1])


def tell_rights(rights: Sequence[Right]) -> Iterator[Finding]:
    """A line for each resource that can be written: what the key's user may do with it."""
    methods = [*judge_methods(rights)]
    for name, noun in CRM.items():
        mine = [each for each in methods if each.resource == f"crm/{name}" and each.verb in verbs(noun)]
        barred = [each for each in mine if not each.works]
        if any(each.verb == "create" for each in mine):
            says = "read and written" if not barred else str(barred[0].reason)
            yield Finding(name, works=not barred, says=says)
