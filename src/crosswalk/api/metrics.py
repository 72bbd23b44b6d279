"""Metrics for Prometheus: what the database and the gate know, read at each scrape, and how long requests take."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import get_args

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.exceptions import PermissionDeniedException
from litestar.params import SkipValidation
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.errors import VaultError
from crosswalk.accounts.tokens import Caller
from crosswalk.api.arrival import route_of
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.health import Vitals
from crosswalk.store.database import Database
from crosswalk.store.deliveries import Phase
from crosswalk.store.history import COUNT_TROUBLED
from crosswalk.store.metrics import (
    COUNT_ACCOUNTS,
    COUNT_DEAD_MESSAGES,
    COUNT_PHASES,
    COUNT_RUNS,
    OLDEST_RUNS,
    WAITING_MESSAGES,
)

READ = needs("admin.metrics:read")
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Seconds: from an answer of our own to one that waited for Insightly's pace."""
PHASES = get_args(Phase)
Families = list[Metric]


class Snapshot:
    """Families of one moment, as the library wants to collect them."""

    def __init__(self, families: Families) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Give them out."""
        yield from self._families


class Stopwatch:
    """How long requests take, by route, method and class of status."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._seconds = Histogram(
            "crosswalk_request_seconds",
            "Seconds that requests took, by route, method and class of status.",
            ("route", "method", "status"),
            buckets=BUCKETS,
            registry=self.registry,
        )

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Measure every request that a route takes."""

        async def measured(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            http, began, status = scope, time.perf_counter(), "5xx"

            async def sending(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = f"{message['status'] // 100}xx"
                await send(message)

            try:
                await app(scope, receive, sending)
            finally:
                took = time.perf_counter() - began
                self._seconds.labels(route_of(http), http["method"], status).observe(took)

        return measured


@get("/metrics", summary="Metrics for Prometheus", security=READ, responses=problems(), media_type="text/plain")
async def show_metrics(
    *,
    caller: NamedDependency[SkipValidation[Caller]],
    database: NamedDependency[SkipValidation[Database]],
    accounts: NamedDependency[SkipValidation[Accounts]],
    stopwatch: NamedDependency[SkipValidation[Stopwatch]],
    vitals: NamedDependency[SkipValidation[Vitals]],
) -> Response[bytes]:
    """The installation as it stands, and what this process did since its start.

    Accounts, runs, rows, messages and budgets are of the database; requests, calls to Insightly, memory and the
    engine's sign of life are of the process that answers.
    """
    if caller.accounts is not None:
        raise PermissionDeniedException("Metrics tell of every account; this token reaches some only")
    families = [*await _count(database, datetime.now(UTC)), *await _read_budgets(accounts), *_feel(vitals)]
    registry = CollectorRegistry()
    registry.register(Snapshot(families))
    body = generate_latest(registry) + generate_latest(stopwatch.registry) + generate_latest(accounts.meter.registry)
    return Response(body, media_type=CONTENT_TYPE_LATEST)


async def _count(database: Database, now: datetime) -> Families:
    async with database.read() as connection:
        by_status = [tuple(row) for row in await connection.execute(COUNT_ACCOUNTS)]
        by_state = [tuple(row) for row in await connection.execute(COUNT_RUNS)]
        troubled = [tuple(row) for row in await connection.execute(COUNT_TROUBLED)]
        phases = dict(tuple(row) for row in await connection.execute(COUNT_PHASES))
        begun = dict(tuple(row) for row in await connection.execute(OLDEST_RUNS))
        dead = int(await connection.scalar(COUNT_DEAD_MESSAGES) or 0)
        waiting, oldest = (await connection.execute(WAITING_MESSAGES)).one()
    lags = {state: (now - at).total_seconds() for state, at in begun.items()}
    rows = {"pending": sum(phases.values()), "dead": 0, "held": 0} | dict(troubled)
    age = (now - oldest).total_seconds() if oldest is not None else 0.0
    return [
        _gauge("accounts", "Linked accounts, by status.", "status", dict(by_status)),
        _gauge("runs", "Runs, by state.", "state", dict(by_state)),
        _gauge("records", "Rows that wait in unfinished runs, and rows that need a person.", "state", rows),
        _gauge("pending_records", "Rows that wait, by what they wait for.", "phase", dict.fromkeys(PHASES, 0) | phases),
        _gauge(
            "lane_lag_seconds",
            "Age of the oldest run that waits to be sent, and of the oldest that is being sent.",
            "state",
            {"queued": 0.0, "running": 0.0} | lags,
        ),
        GaugeMetricFamily("crosswalk_outbox_dead", "Messages that never arrived.", value=dead),
        GaugeMetricFamily("crosswalk_outbox_messages", "Messages that wait to go out.", value=waiting),
        GaugeMetricFamily("crosswalk_outbox_oldest_seconds", "Age of the oldest message that waits.", value=age),
    ]


def _feel(vitals: Vitals) -> Families:
    """What can be felt of this process."""
    said = [GaugeMetricFamily("crosswalk_build_info", "The version that answers.", labels=["version"])]
    said[0].add_metric([version("crosswalk")], 1)
    if vitals.silent is not None:
        says = "Seconds since the engine's last sign of life."
        said.append(GaugeMetricFamily("crosswalk_engine_silent_seconds", says, value=vitals.silent()))
    if vitals.free is not None:
        says = "Free bytes of the home's disk."
        said.append(GaugeMetricFamily("crosswalk_home_free_bytes", says, value=vitals.free))
    return [*said]


async def _read_budgets(accounts: Accounts) -> Families:
    """Each account's day, as the gate knows it; no call is made."""
    spent, remaining, quota = (
        GaugeMetricFamily(f"crosswalk_budget_{name}", says, labels=["account"])
        for name, says in (
            ("spent", "Calls of the account's day that are ours."),
            ("remaining", "Calls of the account's day that are left."),
            ("quota", "Calls that the account's day has."),
        )
    )
    async for name, budget in _budgets(accounts):
        spent.add_metric([name], budget[0])
        for family, value in ((remaining, budget[1]), (quota, budget[2])):
            if value is not None:
                family.add_metric([name], value)
    return [spent, remaining, quota]


async def _budgets(accounts: Accounts) -> AsyncIterator[tuple[str, tuple[int, int | None, int | None]]]:
    for account in await accounts.list():
        try:
            budget = await accounts.budget(account)
        except VaultError:  # an account whose key does not open makes no calls
            continue
        yield account.name, (budget.spent, budget.remaining, budget.quota)


def _gauge(name: str, says: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"crosswalk_{name}", says, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
