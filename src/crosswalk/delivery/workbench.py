"""The workbench: dead letters edited, previewed, replayed and discarded; held rows decided on. Each by a person.

Rows are taken in chunks, each in a transaction that locks them: whoever comes second finds them changed, and nothing
is sent twice. A row that is replayed is planned anew where its run is sent, unless its call is the same as before.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random, SystemRandom
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy import Executable, RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.accounts.accounts import Accounts
from crosswalk.contract import load
from crosswalk.delivery.batch import Parcel, pack
from crosswalk.delivery.edit import Edit, Edited, Planner, amend, amend_plan, read_row
from crosswalk.delivery.errors import DeliveryError, PlanError, UnfinishedRun, UnknownDelivery, WrongState
from crosswalk.delivery.history import DeliveryFilter, Place, RowNumber, conditions_of, is_of_group
from crosswalk.delivery.newer import find_newer
from crosswalk.delivery.payload import Invalid, Payload
from crosswalk.delivery.plan import Plan, Rows, SettledPlan
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.settings import Call, Preview, Refused
from crosswalk.delivery.steering import QUEUED, lock_run, require_account
from crosswalk.insightly import NotFound
from crosswalk.store import workbench as table
from crosswalk.store.database import Database
from crosswalk.store.decisions import ADD_DECISIONS, DecisionKind
from crosswalk.store.deliveries import RecordState
from crosswalk.store.history import OF_DELIVERY, narrow
from crosswalk.store.ids import new_id
from crosswalk.store.runs import CHANGE_RUN, FIND_UNFINISHED

CHUNK = 500
"""Rows of one transaction."""
MOST_PREVIEWED = 100
MOST_TOLD = 10
"""Rows whose reason is told when they are still dead."""


class Selection(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which rows: one of a run by its number, a group, or all; the others narrow.

    `decided` is how many decisions the one row had when it was looked at: another number is a conflict.
    """

    run: str | None = None
    number: RowNumber | None = None
    group: str | None = None
    all: bool = False
    account: str | None = None
    destination: str | None = None
    decided: int | None = None


class RunPreview(Preview, frozen=True, kw_only=True):
    """What rows of one run would become, each by its number; nothing was called."""

    run_id: str


class StillDead(Struct, frozen=True, kw_only=True):
    """A row that stays a dead letter, and why."""

    run_id: str
    number: int
    reason: str


class Left(Struct, frozen=True, kw_only=True):
    """A run whose rows were left as they are, and why."""

    run_id: str
    reason: str


class Changed(Struct, frozen=True, kw_only=True):
    """What was done: how many rows changed, in which runs, how many stay dead (some of them with why)."""

    rows: int
    runs: list[str]
    still_dead: int = 0
    examples: list[StillDead] = []
    left: list[Left] = []


Verdict = Literal["send_again", "adopt", "give_up"]


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is to become of a held row: send it again, adopt a record as its own, or give it up for a reason.

    The record is looked for in Insightly first, unless `unchecked`.
    """

    verdict: Verdict
    remote_id: str | None = None
    reason: str | None = None
    unchecked: bool = False
    decided: int | None = None


Chunk: TypeAlias = Sequence[RowMapping]
DraftOf = Callable[[RowMapping], Edited]
Act = Callable[[AsyncConnection, Chunk], Awaitable[None]]
Exists = Callable[[str, str], Awaitable[bool]]
"""Whether Insightly has a path, asked as an account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """Changes dead and held rows in the name of `who`, of the accounts in `reach`."""

    database: Database
    who: str
    reach: frozenset[str] | None = None
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    rng: Random = field(default_factory=SystemRandom)

    async def preview(self, wanted: Selection, edit: Edit, *, most: int = 10) -> list[RunPreview]:
        """The exact calls that edited rows would become, or why they stay dead. Nothing is called or changed."""
        found: list[RowMapping] = []

        async def take(_: AsyncConnection, rows: Chunk) -> None:
            found.extend(rows[: most - len(found)])

        await self._each(wanted, take, done=lambda: len(found) == most)
        shown: list[RunPreview] = []
        for run, rows in _by_run(found).items():
            made, keys = _preview(run, rows, lambda row: _amended(row, edit, wanted))
            async with self.database.read() as connection:
                newer = await find_newer(connection, rows[0], keys)
            shown.append(msgspec.structs.replace(made, notes=(*made.notes, *newer)))
        return shown

    async def edit(self, wanted: Selection, edit: Edit) -> Changed:
        """Change rows and leave them dead. Raises `PlanError` for an edit that changes none of them."""
        tally = _Tally()

        async def change(connection: AsyncConnection, rows: Chunk) -> None:
            drafts = [(row, _amended(row, edit, wanted)) for row in rows]
            drafts = [(row, draft) for row, draft in drafts if draft != _row_of(row)]
            values = [_seen(row) | {"draft": msgspec.json.encode(draft)} for row, draft in drafts]
            await self._change(connection, table.EDIT, values, _Said("edit", change=edit))
            tally.add(row for row, _ in drafts)

        await self._each(wanted, change)
        if not tally.count:
            raise PlanError("The edit changes nothing in these rows. Look at one: crosswalk dead-letters show RUN ROW")
        return tally.result()

    async def replay(self, wanted: Selection, edit: Edit | None = None) -> Changed:
        """Let rows go again, as they were edited before and now; those that still cannot be sent stay dead.

        The runs go back to the queue. Raises `UnfinishedRun` and `WrongState` when none of the rows' runs can.
        """
        tally = _Tally()
        planners: dict[str, Planner] = {}

        async def change(connection: AsyncConnection, rows: Chunk) -> None:
            for run, own in _by_run(rows).items():
                again = _plan(own, lambda row: _amended(row, edit or Edit(), wanted), planners, tally)
                if again.rows and run not in tally.left and await self._requeue(connection, run, tally):
                    await self._replay(connection, again, edit)
                    tally.add(row for row in own if row["number"] in again.numbers)

        await self._each(wanted, change)
        if tally.left and not tally.count and not tally.dead:
            raise next(iter(tally.left.values()))
        return tally.result()

    async def discard(self, wanted: Selection, reason: str) -> Changed:
        """Give dead rows up for a reason."""
        tally = _Tally()
        why, now = f"discarded by {self.who}: {_require(reason)}", self.now()

        async def change(connection: AsyncConnection, rows: Chunk) -> None:
            values = [_seen(row) | {"at": now, "why": why} for row in rows]
            await self._change(connection, table.GIVE_UP, values, _Said("discard", reason=reason))
            tally.add(rows)

        await self._each(wanted, change)
        return tally.result()

    async def decide(self, place: Place, decision: Decision, *, exists: Exists) -> Changed:
        """Decide on a held row. Raises `WrongState` when it is not held, or the record is not there or another's."""
        wanted = Selection(run=place.run, number=place.number, decided=decision.decided)
        if decision.verdict == "adopt":
            await self._check_record(wanted, decision, exists)
        elif decision.remote_id is not None:
            raise PlanError("A record's id goes with the decision that it is that record")

        async def change(connection: AsyncConnection, rows: Chunk) -> None:
            await self._decide(connection, rows[0], decision)

        await self._each(wanted, change, state="held")
        return Changed(rows=1, runs=[place.run])

    async def _decide(self, connection: AsyncConnection, row: RowMapping, decision: Decision) -> None:
        own, now = _seen(row), self.now()
        match decision.verdict:
            case "send_again":
                if failure := await self._find_obstacle(connection, row["run_id"]):
                    raise failure
                values = own | {"draft": row["edited"], "call": row["payload"]}
                await self._change(connection, table.REPLAY, [values], _Said("send_again", reason=decision.reason))
            case "adopt":
                values = own | {"at": now, "remote": decision.remote_id}
                said = _Said("adopt", reason=decision.reason, remote_id=decision.remote_id)
                await self._change(connection, table.ADOPT, [values], said)
            case "give_up":
                reason = _require(decision.reason)
                values = own | {"at": now, "why": f"given up by {self.who}: {reason}"}
                await self._change(connection, table.GIVE_UP, [values], _Said("give_up", reason=reason))

    async def _check_record(self, wanted: Selection, decision: Decision, exists: Exists) -> None:
        """Raise `WrongState` for a record that is not there, or that another row has made."""
        if decision.remote_id is None or not decision.remote_id.isdigit():
            raise PlanError(f"A record's id is a number, not {decision.remote_id!r}")
        found: list[RowMapping] = []

        async def look(connection: AsyncConnection, rows: Chunk) -> None:
            found.extend(rows)
            asked = {"account": rows[0]["account_id"], "ids": [decision.remote_id]}
            claim = (await connection.execute(table.CLAIMS, asked)).first()
            if claim is not None:
                raise WrongState(f"Record {claim.remote_id} is that of row {claim.number} of run {claim.run_id}")

        await self._each(wanted, look, state="held")
        row = found[0]
        if decision.unchecked:
            return
        require_account(row)
        route = _settle(row, msgspec.json.decode(row["plan"], type=Plan), ()).route
        if not await exists(row["account_id"], f"{route.resource.path}/{decision.remote_id}"):
            raise WrongState(f"Insightly has no {route.object} {decision.remote_id}. Look there, or give it up")

    def _conditions(self, wanted: Selection, state: RecordState, before: Place | None) -> dict[str, object]:
        narrowed = DeliveryFilter(
            run=wanted.run,
            number=wanted.number,
            account=wanted.account,
            destination=wanted.destination,
            reach=self.reach,
            state=state if wanted.number is None else None,
        )
        return conditions_of(narrowed, before)

    async def _each(
        self, wanted: Selection, act: Act, *, state: RecordState = "dead", done: Callable[[], bool] = lambda: False
    ) -> None:
        """Act on the rows selected, chunk by chunk, each locked until it is dealt with.

        Raises `UnknownDelivery` when there are none, `WrongState` for a row in another state.
        """
        _check(wanted)
        before: Place | None = None
        found = False
        while not done():
            statement = narrow(table.TROUBLED, OF_DELIVERY, self._conditions(wanted, state, before))
            async with self.database.begin() as connection:
                rows = (await connection.execute(statement, {"most": CHUNK})).mappings().all()
                if wanted.number is not None and rows:
                    _check_one(rows[0], wanted, state)
                chosen = [row for row in rows if is_of_group(row, wanted.group)]
                if chosen:
                    found = True
                    await act(connection, chosen)
            if len(rows) < CHUNK:
                break
            before = Place(rows[-1]["run_id"], rows[-1]["number"])
        if not found:
            raise UnknownDelivery(_nothing(wanted))

    async def _replay(self, connection: AsyncConnection, again: "_Again", edit: Edit | None) -> None:
        if again.sent:
            await connection.execute(table.KEEP_BODIES, again.sent)
        said = _Said("replay", change=edit if edit is not None and edit.changes else None)
        await self._change(connection, table.REPLAY, again.rows, said)

    async def _requeue(self, connection: AsyncConnection, run: str, tally: "_Tally") -> bool:
        """Put a run back in the queue, or keep in mind why that cannot be."""
        failure = await self._find_obstacle(connection, run)
        if failure is not None:
            tally.left[run] = failure
        return failure is None

    async def _find_obstacle(self, connection: AsyncConnection, run: str) -> DeliveryError | None:
        """Put a run back in the queue, and say what stands in the way of that."""
        row = await lock_run(connection, run, self.reach)
        try:
            require_account(row)
        except WrongState as error:
            return error
        if row["kind"] != "send":
            return WrongState(
                f"Run {run} was no sending of rows but a {row['kind']}; nothing of it is replayed. Send another"
            )
        match row["state"]:
            case "abandoned":
                return WrongState(f"Run {run} was given up ({row['reason']}); nothing of it is sent again")
            case "running" if row["asked"] is None:
                await connection.execute(CHANGE_RUN, {"run": run, "asked": "replay", "asked_by": self.who})
            case "running" if row["asked"] == "cancel":
                return WrongState(f"Run {run} is being cancelled; nothing of it is sent again")
            case "stopped" if row["asked"] != "pause":
                await connection.execute(CHANGE_RUN, {"run": run, **QUEUED})
            case "finished":
                return await _queue_again(connection, row)
            case _:
                pass
        return None

    async def _change(
        self,
        connection: AsyncConnection,
        statement: Executable,
        values: list[dict[str, Any]],
        said: "_Said",
    ) -> None:
        """Change rows and journal the decision. Raises `WrongState` where somebody else was first."""
        if not values:
            return
        done = await connection.execute(statement, values)
        if done.rowcount != len(values):
            raise WrongState("Somebody else has changed these rows a moment ago. Look at them again, then decide")
        now = self.now()
        own = said.as_row() | {"who": self.who, "at": now}
        rows = [{"id": new_id(now, self.rng), "run_id": each["run"], "number": each["row"]} | own for each in values]
        await connection.execute(ADD_DECISIONS, rows)


@dataclass(frozen=True, slots=True)
class _Said:
    """A decision as it is journalled for each of its rows."""

    kind: DecisionKind
    reason: str | None = None
    change: Edit | None = None
    remote_id: str | None = None

    def as_row(self) -> dict[str, object]:
        change = None if self.change is None else msgspec.json.encode(self.change).decode()
        return {"kind": self.kind, "reason": self.reason, "change": change, "remote_id": self.remote_id}


@dataclass(eq=False, slots=True)
class _Again:
    """Rows that go again: their new values, and what earlier attempts sent where the call is to be another."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)

    @property
    def numbers(self) -> frozenset[int]:
        return frozenset(row["row"] for row in self.rows)


@dataclass(eq=False, slots=True)
class _Tally:
    """What a replay has come to so far."""

    count: int = 0
    dead: int = 0
    runs: dict[str, None] = field(default_factory=dict)
    examples: list[StillDead] = field(default_factory=list)
    left: dict[str, DeliveryError] = field(default_factory=dict)

    def add(self, rows: Iterable[RowMapping]) -> None:
        for row in rows:
            self.count += 1
            self.runs[row["run_id"]] = None

    def refuse(self, row: RowMapping, reason: str) -> None:
        self.dead += 1
        if len(self.examples) < MOST_TOLD:
            self.examples.append(StillDead(run_id=row["run_id"], number=row["number"], reason=reason))

    def result(self) -> Changed:
        left = [Left(run_id=run, reason=str(error)) for run, error in self.left.items()]
        told = self.examples
        return Changed(rows=self.count, runs=list(self.runs), still_dead=self.dead, examples=told, left=left)


def _plan(rows: Chunk, draft_of: DraftOf, planners: dict[str, Planner], tally: _Tally) -> _Again:
    """Which rows of a run may go again. One with another call than before has none yet: it gets it where it is sent."""
    again = _Again()
    for row in rows:
        draft = draft_of(row)
        unchanged = draft == _row_of(row)
        same = unchanged and row["payload"] is not None and row["edited"] is None
        if not same and isinstance(made := _planner_of(row, planners).make(draft), Invalid):
            tally.refuse(row, made.reason)
            continue
        edited = row["edited"] if unchanged else msgspec.json.encode(draft)
        again.rows.append(_seen(row) | {"draft": edited, "call": row["payload"] if same else None})
        body = None if same or row["payload"] is None else msgspec.json.decode(row["payload"], type=Payload).body
        if body is not None:
            again.sent.append({"run": row["run_id"], "row": row["number"], "sent": msgspec.json.encode(body)})
    return again


async def _queue_again(connection: AsyncConnection, row: RowMapping) -> DeliveryError | None:
    """Put a finished run back in the queue, unless another of its name is on its way."""
    other = (await connection.execute(FIND_UNFINISHED, {"run_name": row["name"]})).one_or_none()
    if other is not None:
        return UnfinishedRun(
            f"Run {other.id} of the same rows is {other.state}, so run {row['id']} cannot be taken up again. "
            "Let that one end first, or cancel it"
        )
    try:
        async with connection.begin_nested():
            await connection.execute(CHANGE_RUN, {"run": row["id"], **QUEUED})
    except IntegrityError:
        return UnfinishedRun(f"Another run of the rows of run {row['id']} has just begun. Let that one end first")
    return None


async def look_for(accounts: Accounts, account: str, path: str) -> bool:
    """Whether an account's Insightly has something at a path: one call."""
    async with accounts.connect(await accounts.find(account)) as crm:
        try:
            await crm.request("GET", path)
        except NotFound:
            return False
    return True


def _check(wanted: Selection) -> None:
    ways = [wanted.number is not None, wanted.group is not None, wanted.all]
    if sum(ways) != 1:
        raise PlanError("Say which rows: one by its run and number, a group by its id, or all. Only one of the three")
    if wanted.number is not None and wanted.run is None:
        raise PlanError("A row's number counts within its run. Name the run as well")


def _check_one(row: RowMapping, wanted: Selection, state: RecordState) -> None:
    name = f"Row {row['number']} of run {row['run_id']}"
    if row["state"] != state:
        raise WrongState(f"{name} is {row['state']}, not {state}. Somebody may have decided on it: look at it again")
    if wanted.decided not in {None, row["decided"]}:
        raise WrongState(f"Somebody else has decided on {name[0].lower()}{name[1:]} meanwhile. Look at it again")


def _nothing(wanted: Selection) -> str:
    if wanted.number is not None:
        return f"Run {wanted.run!r} has no row {wanted.number}. `crosswalk deliveries list --run RUN` lists its rows"
    if wanted.group is not None:
        return (
            f"There are no dead letters of group {wanted.group!r} there. `crosswalk dead-letters groups` lists groups"
        )
    return "There are no dead letters there"


def _require(reason: str | None) -> str:
    if reason is None or not reason.strip():
        raise PlanError("Giving a row up needs a reason, for whoever reads its history")
    return reason


def _seen(row: RowMapping) -> dict[str, Any]:
    return {"run": row["run_id"], "row": row["number"], "seen": row["decided"]}


def _row_of(row: RowMapping) -> Edited:
    return read_row(row["cells"], row["edited"])


def _amended(row: RowMapping, edit: Edit, wanted: Selection) -> Edited:
    """The row as it is to be. One that could not be read is made up by whoever names it, never with many others."""
    known = _row_of(row)
    return known if known.cells is None and wanted.number is None else amend(known, edit)


def _by_run(rows: Sequence[RowMapping]) -> dict[str, list[RowMapping]]:
    found: dict[str, list[RowMapping]] = {}
    for row in rows:
        found.setdefault(row["run_id"], []).append(row)
    return found


def _settle(row: RowMapping, plan: Plan, columns: tuple[str, ...]) -> SettledPlan:
    rows = Rows(columns, closed=False)
    return settle_plan(plan, load(), rows, base_url=row["base_url"], now=row["started_at"])


def _planner_of(row: RowMapping, planners: dict[str, Planner]) -> Planner:
    """How rows of a run become calls, without asking the account anything."""
    if row["run_id"] not in planners:
        plan = msgspec.json.decode(row["plan"], type=Plan)
        planners[row["run_id"]] = Planner(plan, lambda plan, rows: _settle(row, plan, rows.columns))
    return planners[row["run_id"]]


def _preview(run: str, rows: Chunk, draft_of: DraftOf) -> tuple[RunPreview, dict[int, str]]:
    """What rows of one run would become, and the keys of those that would be sent, by their numbers."""
    planner = _planner_of(rows[0], {})
    calls: list[Call] = []
    refused: list[Refused] = []
    notes: dict[str, None] = {}
    made: list[tuple[int, Payload]] = []
    settled: SettledPlan | Invalid = Invalid("")
    for row in reversed(rows):
        draft = draft_of(row)
        payload = planner.make(draft)
        if isinstance(payload, Invalid):
            refused.append(Refused(row["number"], payload.reason))
            continue
        made.append((row["number"], payload))
        plan, cells = amend_plan(planner.plan, draft)
        settled = planner.settled(plan, tuple(cells))
        notes |= {} if isinstance(settled, Invalid) else dict.fromkeys(settled.notes)
    if not isinstance(settled, Invalid):
        calls = [_show(parcel, rows[0]["base_url"] or "") for parcel in pack(settled, made)]
    keys = {number: payload.key for number, payload in made if payload.key is not None}
    return RunPreview(run_id=run, calls=calls, refused=refused, notes=tuple(notes)), keys


def _show(parcel: Parcel, base_url: str) -> Call:
    """A call as it would go out."""
    content = {} if parcel.body is None else {"Content-Type": "application/json; charset=utf-8"}
    return Call(
        rows=parcel.numbers,
        method=parcel.method,
        url=f"{base_url}{parcel.path}",
        headers={"Authorization": "***", **content, **dict(parcel.headers)},
        body=None if parcel.body is None else parcel.body.decode(),
    )
