"""A test: one call of a destination made for real, outside any run of its rows, and what it made deleted again.

A test is journalled as a run of its own kind before it goes out, and counted against the account's quota. It is never
repeated: when nobody knows what became of it, it is held, and says so.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, assert_never

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from crosswalk.accounts.accounts import Account, Accounts
from crosswalk.contract import Resource, load
from crosswalk.delivery.destinations import Destination, Destinations
from crosswalk.delivery.envelope import Told, describe_answer, describe_request, describe_silence
from crosswalk.delivery.errors import PlanError, TrialRefused
from crosswalk.delivery.flights import Flights
from crosswalk.delivery.headers import OURS, check_headers
from crosswalk.delivery.journal import KEPT, Attempt, Journal, Line, open_journal
from crosswalk.delivery.judge import Try, judge
from crosswalk.delivery.macros import MACRO, Clock
from crosswalk.delivery.outcome import Delivered, Halt, Rejected, Retry, Unknown
from crosswalk.delivery.payload import Payload
from crosswalk.delivery.plan import Manual, Plan
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.present import read_present, says_something
from crosswalk.delivery.responses import Responses, Rows, open_responses
from crosswalk.delivery.route import Method, Route, route_url
from crosswalk.delivery.run import Order, Run, add_run, count_calls
from crosswalk.delivery.settings import UNSEEN, Call, Settings, make_plan
from crosswalk.delivery.template import Template
from crosswalk.gate.purpose import calling_for
from crosswalk.insightly import Answer, Insightly, InsightlyError, ResponseUnknown
from crosswalk.insightly.errors import Answered
from crosswalk.insightly.trail import recorded
from crosswalk.outgoing.endpoints import Endpoints
from crosswalk.outgoing.message import Row
from crosswalk.store import runs
from crosswalk.store.database import Database
from crosswalk.store.deliveries import RecordState
from crosswalk.store.errors import DatabaseUnreachable
from crosswalk.store.ids import new_id
from crosswalk.store.trials import END_LEFT, FIND_TRIAL, HOLD_LEFT

MASKED = "***"
LEFT_AFTER = timedelta(minutes=15)
"""A test that began longer ago has nobody who waits for it: no request takes so long."""
LEFT = "the process died while this test was at Insightly: look there before you test again"
LOOK_EVERY = 60.0
"""Seconds between two looks for tests whose process died."""
log = structlog.get_logger()


class Ask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to test: rows, or a sample of the dataset; settings not saved yet; or the call itself, edited."""

    rows: list[dict[str, Any]] = []
    settings: Settings | None = None
    call: "Edited | None" = None


class Edited(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call as a person edited it; `headers` beside those that Crosswalk sets, `body` the exact text."""

    method: Method
    url: str
    headers: dict[str, str] = {}
    body: str | None = None


class Trial(Struct, frozen=True, kw_only=True):
    """What became of a test. `says` is Insightly's word in words, `undo` how to delete the record that it made."""

    run: str
    call: Call
    state: RecordState
    says: str
    status: int | None
    headers: Mapping[str, str]
    response: str | None
    elapsed_ms: int
    remote_id: str | None
    undo: str | None


class Ready(Struct, frozen=True, kw_only=True):
    """A call that may go out: the account's path, the exact body, and which operation it is."""

    call: Call
    path: str
    route: Route
    rows: tuple[dict[str, Any], ...]

    @property
    def headers(self) -> dict[str, str]:
        """Headers that are the user's."""
        return {name: value for name, value in self.call.headers.items() if name.lower() not in OURS}

    @property
    def body(self) -> bytes | None:
        """The bytes that go out."""
        return None if self.call.body is None else self.call.body.encode()

    @property
    def payload(self) -> Payload:
        """The call as the journal keeps it; of a batch without its body, which its attempt has."""
        body = None if self.call.body is None else msgspec.json.decode(self.call.body)
        headers = tuple(self.headers.items())
        return Payload(self.call.method, self.path, body if isinstance(body, dict) else None, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Tests of the destinations of one database, as far as `destinations` reaches."""

    database: Database
    accounts: Accounts
    destinations: Destinations
    now: Callable[[], datetime]
    rng: Random
    endpoints: Endpoints

    async def send(self, key: str, ask: Ask) -> Trial:
        """Make one call. Raises `TrialRefused` and `PlanError` for one that cannot be, before anything goes out."""
        found = await self.destinations.find(key)
        account = await self._account(found)
        with recorded() as asked, calling_for("probe"):
            ready = await self._prepare(found, account, ask)
        plan = make_plan(ask.settings or found.settings)
        run = await self._begin(found, account, plan, undoes=None)
        responses = await self._open_responses(run, found, account)
        trial = await self._carry_out(run, account, ready, responses)
        await count_calls(self.database, run.id, len(asked))
        made = trial.state == "delivered" and trial.remote_id is not None and _can_undo(ready.route)
        return msgspec.structs.replace(trial, undo=_how_to_undo(found, run) if made else None)

    async def undo(self, key: str, run: str) -> Trial:
        """Delete the record that a test made: that one, and once. Raises `TrialRefused` when none was made by it."""
        found = await self.destinations.find(key)
        account = await self._account(found)
        path = await self._find_made(found, account, run)
        url = f"{account.base_url}{path}"
        ready = self._read(Edited(method="DELETE", url=url), account, rows=())
        deleting = Plan(call=Manual(method="DELETE", url=url))
        try:
            begun = await self._begin(found, account, deleting, undoes=run)
        except IntegrityError as exc:
            raise TrialRefused(f"What test {run} made was deleted already, or is being deleted") from exc
        trial = await self._carry_out(begun, account, ready)
        if trial.state != "delivered":  # it may be asked for again: a repeated DELETE does no harm
            async with self.database.begin() as connection:
                await connection.execute(runs.CHANGE_RUN, {"run": begun.id, "undoes": None})
        return trial

    async def _account(self, found: Destination) -> Account:
        return await self.accounts.find((await self.destinations.account_of(found))["id"])

    async def _prepare(self, found: Destination, account: Account, ask: Ask) -> Ready:
        if ask.call is not None:
            return self._read(ask.call, account, rows=tuple(ask.rows))
        self._refuse_upsert(ask.settings or found.settings)
        rows = ask.rows or await self.destinations.samples(found, most=1)
        asking = replace(self.destinations, accounts=self.accounts)
        shown = await asking.preview(found.id, rows, ask.settings, ask=True)
        if not shown.calls:
            why = shown.refused[0].reason if shown.refused else "there is no row"
            raise TrialRefused(f"No call can be made of the row: {why}")
        call = shown.calls[0]
        own = {name: value for name, value in call.headers.items() if name.lower() not in OURS}
        method: Method = msgspec.convert(call.method, Method)
        edited = Edited(method=method, url=call.url, headers=own, body=call.body)
        edited = await self._look_first(edited, account, ask.settings or found.settings)
        return self._read(edited, account, rows=tuple(rows[number - 1] for number in call.rows))

    def _refuse_upsert(self, settings: Settings) -> None:
        """An upsert is no single call: which one, a look-up decides, and a creation for its own sake could double."""
        call = make_plan(settings).call
        if isinstance(call, Template) and call.action == "upsert":
            raise TrialRefused(f"{call.name} is no single call, so no test of it can be undone. Run it over one row")

    async def _look_first(self, edited: Edited, account: Account, settings: Settings) -> Edited:
        """The call without what its record has already, where fields go only into empty ones."""
        plan = settle_plan(make_plan(settings), load(), UNSEEN, base_url=account.base_url, now=self.now())
        if not plan.needs_present or edited.body is None:
            return edited
        body, resource = msgspec.json.decode(edited.body, type=dict[str, Any]), plan.route.resource
        record = str(body.get(resource.id or ""))
        payload = Payload(edited.method, resource.path, body, record, if_empty=plan.needs_present)
        async with self.accounts.connect(account) as crm:
            found = await read_present(crm, resource, payload, watch=_unwatched)
        if isinstance(found, InsightlyError):
            raise TrialRefused(f"The record cannot be read, as it is before it is written: {found}") from found
        if not says_something(found, resource):
            raise TrialRefused("The record has a value in every field that would be sent; nothing would be")
        return msgspec.structs.replace(edited, body=msgspec.json.encode(found.body).decode())

    def _read(self, edited: Edited, account: Account, *, rows: tuple[dict[str, Any], ...]) -> Ready:
        """Check a call as it is to go out: it stays below the account's address, and sets no header of ours."""
        if MACRO.search(edited.url):
            raise PlanError("A test's URL holds a macro. Write the value that it stands for.")
        check_headers(edited.headers.items())
        clock = Clock(now=self.now())
        route = route_url(edited.method, edited.url, load(), base_url=account.base_url, clock=clock)
        if edited.body is not None:
            _check_body(edited.body)
        ours = {"Content-Type": "application/json; charset=utf-8"} if edited.body is not None else {}
        call = Call(
            rows=tuple(range(1, max(1, len(rows)) + 1)),
            method=edited.method,
            url=edited.url,
            headers={"Authorization": MASKED, **ours, **edited.headers},
            body=edited.body,
        )
        return Ready(call=call, path=edited.url.removeprefix(account.base_url.rstrip("/")), route=route, rows=rows)

    async def _begin(self, found: Destination, account: Account, plan: Plan, *, undoes: str | None) -> Run:
        at = self.now()
        content = f"test:{new_id(at, self.rng)}"
        order = Order(
            source="a test",
            content=content,
            account=account.id,
            plan=plan,
            destination=found.id,
            version=found.version,
            kind="test",
        )
        async with self.database.begin() as connection:
            run = await add_run(connection, order, now=at, rng=self.rng, state="running")
            await connection.execute(runs.CHANGE_RUN, {"run": run.id, "undoes": undoes, "read_whole": 1})
        return run

    async def _open_responses(self, run: Run, found: Destination, account: Account) -> Responses | None:
        """Who hears of the test, as of any call of the destination."""
        webhook = run.order.plan.response_webhook
        if webhook is None:
            return None
        return await open_responses(
            self.database,
            self.endpoints,
            webhook,
            run=run.id,
            account=account.id,
            base_url=account.base_url,
            destination=found.id,
            test=True,
            now=self.now(),
            rng=self.rng,
        )

    async def _carry_out(self, run: Run, account: Account, ready: Ready, responses: Responses | None = None) -> Trial:
        """Make the call between its intent and its outcome, and end the run."""
        flights = Flights()
        async with (
            self.accounts.connect(account) as crm,
            open_journal(self.database, run.id, self.rng) as journal,
        ):
            await journal.take(_lines(ready), at=self.now())
            made = await self._call(crm, ready, flights)
            await self._write(journal, ready, made, responses)
        async with self.database.begin() as connection:
            ended = {"state": "finished", "ended_at": made.ended, "calls": flights.left}
            await connection.execute(runs.CHANGE_RUN, {"run": run.id} | ended)
        answer = made.answer
        shown = describe_answer(answer.status, answer.headers, b"", elapsed_ms=made.elapsed_ms) if answer else None
        return Trial(
            run=run.id,
            call=ready.call,
            state=made.state,
            says=made.says,
            status=answer.status if answer else None,
            headers=(shown.headers or {}) if shown else {},
            response=answer.body[:KEPT].decode(errors="replace") if answer else None,
            elapsed_ms=made.elapsed_ms,
            remote_id=made.remote_ids[0] if made.remote_ids else None,
            undo=None,
        )

    async def _call(self, crm: Insightly, ready: Ready, flights: Flights) -> "Made":
        began = self.now()
        result: Answer | InsightlyError
        try:
            with calling_for("probe"):
                async with flights.call() as watch:
                    result = await crm.request(
                        ready.call.method, ready.path, body=ready.body, headers=ready.headers, retry=False, watch=watch
                    )
        except InsightlyError as error:
            result = error
        return _judge(result, ready, began=began, ended=self.now(), chance=self.rng.random())

    async def _write(self, journal: Journal, ready: Ready, made: "Made", responses: Responses | None) -> None:
        answer = made.answer
        attempt = Attempt(
            number=1,
            kind="send",
            began_at=made.began,
            ended_at=made.ended,
            request=f"{ready.call.method} {ready.path}",
            outcome=made.told,
            body=ready.body if ready.payload.body is None else None,
            status=answer.status if answer else None,
            response=answer.body if answer else b"",
            reason=None if made.state == "delivered" else made.says,
            messages=() if responses is None else _tell(responses, ready, made),
        )
        await journal.settle(
            ready.call.rows,
            made.state,
            at=made.ended,
            status=answer.status if answer else None,
            remote_ids=made.remote_ids or None,
            reason=None if made.state == "delivered" else made.says,
            attempt=attempt,
        )

    async def _find_made(self, found: Destination, account: Account, run: str) -> str:
        """The path of the record that a test made, as its own answer named it."""
        async with self.database.read() as connection:
            values = {"run": run, "destination": found.id}
            rows = (await connection.execute(FIND_TRIAL, values)).mappings().all()
        if not rows:
            raise TrialRefused(f"Destination {found.name} has no test {run!r}. `crosswalk runs list` lists them")
        if len(rows) > 1:
            raise TrialRefused(f"Test {run} sent a batch; look in Insightly which records it made")
        made = rows[0]
        route = self._route_of(made, account)
        if made["answered"] != "delivered" or made["remote_id"] is None or route is None or not _can_undo(route):
            raise TrialRefused(f"Test {run} made no record that could be deleted")
        return f"{route.resource.path}/{made['remote_id']}"

    def _route_of(self, made: RowMapping, account: Account) -> Route | None:
        if made["payload"] is None:
            return None
        payload = msgspec.json.decode(made["payload"], type=Payload)
        method: Method = msgspec.convert(payload.method, Method)
        url = f"{account.base_url}{payload.path}"
        return route_url(method, url, load(), base_url=account.base_url, clock=Clock(now=self.now()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A call that was made, and what came of it."""

    began: datetime
    ended: datetime
    result: Answer | InsightlyError
    state: RecordState
    told: Told
    says: str
    remote_ids: tuple[str | None, ...] = ()

    @property
    def answer(self) -> Answer | None:
        """What Insightly answered, if it did."""
        match self.result:
            case Answer():
                return self.result
            case Answered() | ResponseUnknown():
                return self.result.answer
            case _:
                return None

    @property
    def elapsed_ms(self) -> int:
        """How long it took, its wait for a turn included."""
        return round((self.ended - self.began).total_seconds() * 1000)


def _judge(result: Answer | InsightlyError, ready: Ready, *, began: datetime, ended: datetime, chance: float) -> Made:
    """What a call came to. It is not repeated: an unknown outcome is held, whatever a lane would do."""
    attempt = Try(
        method=ready.call.method,
        number=1,
        harmless=False,
        id_field=ready.route.answer_id,
        keys=(None,) * len(ready.call.rows),
        now=ended,
        chance=chance,
    )
    outcome = judge(result, attempt)
    made = partial(Made, began=began, ended=ended, result=result)
    match outcome:
        case Delivered(status, remote_ids):
            says = f"Insightly took it ({status})"
            return made(state="delivered", told="delivered", says=says, remote_ids=remote_ids)
        case Rejected(_, reason) | Halt(_, _, reason):
            return made(state="dead", told="rejected", says=reason)
        case Unknown(_, _, reason) | Retry(_, _, reason):
            says = f"Nobody knows whether it took effect: {reason}. Look in Insightly before you test again"
            return made(state="held", told="unknown", says=says)
        case _:
            assert_never(outcome)


def _tell(responses: Responses, ready: Ready, made: Made) -> Sequence[Row]:
    """The messages that tell of a test, its envelope marked as one."""
    answer = made.answer
    came = (
        describe_silence(made.says, elapsed_ms=made.elapsed_ms)
        if answer is None
        else describe_answer(answer.status, answer.headers, answer.body, elapsed_ms=made.elapsed_ms)
    )
    return responses.write(
        Rows(numbers=ready.call.rows, key=None, attempt=1, batch=len(ready.call.rows) > 1),
        describe_request(ready.call.method, ready.call.url, ready.body),
        came,
        outcome=made.told,
        remote_id=made.remote_ids[0] if made.remote_ids else None,
        at=made.ended,
    )


def _unwatched(*, flying: bool) -> None:
    """Nobody waits to give this call up."""


def _lines(ready: Ready) -> list[Line]:
    """The rows of the call as the journal takes them: about to go out."""
    cells = dict(enumerate(ready.rows, start=1))
    return [
        Line(number=number, phase="sending", cells=cells.get(number), payload=ready.payload, parcel=1)
        for number in ready.call.rows
    ]


def _check_body(body: str) -> None:
    try:
        msgspec.json.decode(body, type=dict[str, Any] | list[Any])
    except msgspec.DecodeError as error:
        raise PlanError(f"The body is no JSON that Insightly could take: {error}.") from error


def _can_undo(route: Route) -> bool:
    """Whether what a call makes can be deleted by its id."""
    return route.action == "create" and route.method == "POST" and _deletes(route.resource) and not route.record


def _deletes(resource: Resource) -> bool:
    return any(each.verb == "DELETE" and each.path == f"{resource.path}/{{id}}" for each in resource.operations)


def _how_to_undo(found: Destination, run: Run) -> str:
    return (
        f"crosswalk destinations test {found.name} --undo {run.id}, "
        f"or DELETE /v1/destinations/{found.id}/tests/{run.id}"
    )


async def hold_left(database: Database, *, now: datetime) -> int:
    """Hold what a test may have sent whose process died, and end it; answers how many rows are held."""
    values = {"before": now - LEFT_AFTER, "at": now, "why": LEFT}
    async with database.begin() as connection:
        held = await connection.execute(HOLD_LEFT, values)
        await connection.execute(END_LEFT, values)
        return held.rowcount


async def work_trials(database: Database, *, clock: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Hold what dead processes left of tests, now and then, until stopped."""
    while not stop.is_set():
        try:
            await hold_left(database, now=clock())
        except DatabaseUnreachable as error:
            log.warning("trials.waiting", why=str(error))
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await stop.wait()
