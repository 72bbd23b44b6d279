"""The Litestar application: its routes, its one error body, its OpenAPI document."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib.metadata import version

from litestar import Litestar
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import SkipValidation

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.callers import open_callers
from crosswalk.accounts.doctor import Doctor
from crosswalk.accounts.links import LinkTokens
from crosswalk.accounts.pool import open_pool
from crosswalk.accounts.tokens import Caller, Tokens
from crosswalk.api import (
    audit,
    automations,
    datasets,
    dead_letters,
    deliveries,
    destinations,
    events,
    integrated_accounts,
    link_tokens,
    mappings,
    notices,
    requests,
    runs,
    sources,
    tokens,
    trials,
    watches,
    webhooks,
)
from crosswalk.api.arrival import arrive
from crosswalk.api.asking import make_backing, make_mappings
from crosswalk.api.body import ApiRequest
from crosswalk.api.docs import show_docs, show_style
from crosswalk.api.errors import HANDLERS
from crosswalk.api.guard import SCHEME, provide_caller, require_token
from crosswalk.api.health import Vitals, show_live, show_ready
from crosswalk.api.hooks import take_post
from crosswalk.api.mcp import mcp, open_agents
from crosswalk.api.metrics import Stopwatch, show_metrics
from crosswalk.api.once import Once
from crosswalk.api.origins import allow_origins
from crosswalk.api.ping import ping, welcome
from crosswalk.api.proxy import proxy
from crosswalk.api.query import refuse_unknown
from crosswalk.api.transparent import transparent
from crosswalk.api.unified_routes import unified_router
from crosswalk.api.witness import Witness
from crosswalk.automations.automations import Automations
from crosswalk.automations.carrying import Carrier
from crosswalk.automations.change_watch import Watches
from crosswalk.automations.firing import Firings
from crosswalk.automations.work import Worker
from crosswalk.delivery.datasets import Datasets
from crosswalk.delivery.destinations import Destinations
from crosswalk.delivery.hook import Inbox
from crosswalk.delivery.notices import Notices
from crosswalk.delivery.places import Places
from crosswalk.delivery.sources import Sources
from crosswalk.gate.request_log import open_request_log
from crosswalk.outgoing.office import Office
from crosswalk.store.database import Database
from crosswalk.unified.mappings import open_mappings

DOCUMENT = OpenAPIConfig(
    title="Crosswalk",
    version=version("crosswalk"),
    description="The integration hub for Insightly CRM.",
    components=SCHEME,
    use_handler_docstrings=True,
    path="/openapi.json",
    render_plugins=[JsonRenderPlugin(path="/")],
)
WEEK = timedelta(days=7)
SETTLE_AFTER = timedelta(seconds=120)
GUARDED = (
    tokens.ROUTES,
    tokens.WIDGET_ROUTES,
    audit.ROUTES,
    requests.ROUTES,
    sources.ROUTES,
    datasets.ROUTES,
    destinations.ROUTES,
    trials.ROUTES,
    runs.ROUTES,
    deliveries.ROUTES,
    dead_letters.ROUTES,
    webhooks.ROUTES,
    notices.ROUTES,
    automations.ROUTES,
    mappings.ROUTES,
    events.ROUTES,
    events.SUBSCRIPTION_ROUTES,
    watches.ROUTES,
)


ROOTED = (integrated_accounts.ROUTES, link_tokens.ROUTES, show_metrics)
"""Guarded like those of `/v1`, at the paths that callers of other unified APIs know."""


def provide_destinations(
    database: NamedDependency[SkipValidation[Database]],
    caller: NamedDependency[SkipValidation[Caller]],
    accounts: NamedDependency[SkipValidation[Accounts]],
) -> Destinations:
    """The destinations of the accounts that the token reaches."""
    return Destinations(database=database, who=f"token {caller.name}", reach=caller.accounts, accounts=accounts)


def provide_tokens(request: ApiRequest, database: NamedDependency[SkipValidation[Database]]) -> Tokens:
    """The tokens, with where the request came from for the audit log."""
    return Tokens(database=database, ip=request.client.host if request.client else None)


def provide_datasets(
    database: NamedDependency[SkipValidation[Database]], caller: NamedDependency[SkipValidation[Caller]]
) -> Datasets:
    """The datasets of the accounts that the token reaches."""
    return Datasets(database=database, reach=caller.accounts)


def _notices_of(office: Office) -> Notices:
    return Notices(database=office.database, emails=office.emails, can_mail=office.mail is not None)


def make_api(
    database: Database,
    *,
    accounts: Accounts | None = None,
    office: Office | None = None,
    places: Places | None = None,
    front: HTTPRouteHandler = welcome,
    keep_requests: timedelta | None = WEEK,
    settle_after: timedelta = SETTLE_AFTER,
    vitals: Vitals | None = None,
) -> Litestar:
    """Build the API over an open database.

    `accounts` for the routes that call Insightly, `office` for webhooks, `places` for sources: what they may read;
    `front` is served at `/`. Requests are written down and kept so long; with `None` they are not.
    `vitals` are of the process that serves. `settle_after` its last byte a call of a unified write has taken
    effect or never will.
    """

    @asynccontextmanager
    async def know_callers(app: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            vault = None if accounts is None else accounts.vault
            if keep_requests is not None:
                app.state.requests = await stack.enter_async_context(open_request_log(database, keep_requests))
            app.state.callers = await stack.enter_async_context(open_callers(database, vault))
            app.state.pool = None if accounts is None else await stack.enter_async_context(open_pool(accounts))
            app.state.mappings = await stack.enter_async_context(open_mappings(make_mappings(database)))
            yield

    @asynccontextmanager
    async def hold_clients(app: Litestar) -> AsyncIterator[None]:
        assert accounts is not None, "clients are held where accounts are served"
        state = app.state
        state.backing = make_backing(database, accounts, state.pool, state.mappings, settle_after=settle_after)
        carrier = Carrier(
            automations=Automations(database=database),
            firings=Firings(database=database),
            service=state.backing.service,
            pool=state.pool,
            notices=None if office is None else _notices_of(office),
            settle_after=settle_after,
        )
        state.automations = Worker(carrier)
        yield

    def provide_sources(caller: NamedDependency[SkipValidation[Caller]]) -> Sources:
        assert accounts is not None, "sources are served with accounts"
        assert places is not None, "sources are served with places"
        who = f"token {caller.name}"
        return Sources(database=database, vault=accounts.vault, places=places, who=who, reach=caller.accounts)

    stopwatch, felt = Stopwatch(), Vitals() if vitals is None else vitals
    doctor = None if accounts is None else Doctor(accounts=accounts)
    told = None if office is None else _notices_of(office)
    inbox = None if accounts is None else Inbox(database=database, vault=accounts.vault, notices=told)
    hinted = None if accounts is None else Watches(database=database, accounts=accounts)
    guarded = Once(
        "/v1",
        route_handlers=GUARDED,
        guards=[require_token],
        dependencies={
            "caller": Provide(provide_caller, sync_to_thread=False),
            "datasets": Provide(provide_datasets, sync_to_thread=False),
            "destinations": Provide(provide_destinations, sync_to_thread=False),
            "sources": Provide(provide_sources, sync_to_thread=False),
            "accounts": Provide(lambda: accounts, sync_to_thread=False),
            "office": Provide(lambda: office, sync_to_thread=False),
            "tokens": Provide(provide_tokens, sync_to_thread=False),
        },
    )
    rooted = Once(
        "/",
        route_handlers=ROOTED,
        guards=[require_token],
        dependencies={
            "caller": Provide(provide_caller, sync_to_thread=False),
            "accounts": Provide(lambda: accounts, sync_to_thread=False),
            "doctor": Provide(lambda: doctor, sync_to_thread=False),
            "stopwatch": Provide(lambda: stopwatch, sync_to_thread=False),
            "links": Provide(lambda: LinkTokens(database=database), sync_to_thread=False),
        },
    )
    return Litestar(
        [
            front,
            ping,
            show_live,
            show_ready,
            show_docs,
            show_style,
            take_post,
            watches.take_hint,
            proxy,
            transparent,
            mcp,
            guarded,
            rooted,
            unified_router(),
        ],
        dependencies={
            "database": Provide(lambda: database, sync_to_thread=False),
            "vitals": Provide(lambda: felt, sync_to_thread=False),
            "inbox": Provide(lambda: inbox, sync_to_thread=False),
            "hinted": Provide(lambda: hinted, sync_to_thread=False),
        },
        middleware=[
            arrive,
            stopwatch.middleware,
            Witness(database).middleware,
            *([] if accounts is None else [allow_origins(accounts.vault)]),
        ],
        before_request=refuse_unknown,
        request_class=ApiRequest,
        exception_handlers=HANDLERS,
        lifespan=[know_callers] if accounts is None else [know_callers, hold_clients, open_agents],
        openapi_config=DOCUMENT,
        logging_config=None,
    )
