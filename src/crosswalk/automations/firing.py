"""Firings and their steps as they are kept: begun once a key, worked on by one at a time, every change written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random, SystemRandom
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from crosswalk.automations.errors import AutomationError, FiringRefused, InputChanged, UnknownFiring
from crosswalk.automations.recipe import Automation, Occasion, Planned
from crosswalk.automations.steps import Step, show
from crosswalk.store import automations as table
from crosswalk.store.automations import FiringState, StepState
from crosswalk.store.database import Database
from crosswalk.store.ids import new_id
from crosswalk.unified.known import JSON

CHANCE = SystemRandom()
LEASE = timedelta(seconds=120)
"""For how long whoever works on a firing is believed to be at it, from its last step on: longer than a call lasts."""
NOBODY = datetime(1970, 1, 1, tzinfo=UTC)


class Kept(Struct, frozen=True, kw_only=True):
    """One step as it stands. `made` are the paths that take back what it made."""

    number: int
    step: Step
    state: StepState = "open"
    remote_id: str | None = None
    made: tuple[str, ...] = ()
    tries: int = 0
    sent_at: datetime | None = None
    empty_at: datetime | None = None
    ended_at: datetime | None = None
    status: int | None = None
    reason: str | None = None


class Firing(Struct, frozen=True, kw_only=True):
    """One firing as it stands; `round` counts how often it was planned anew."""

    id: str
    automation_id: str
    key: str
    subject: str
    state: FiringState
    input: dict[str, Any]
    result: dict[str, Any] | None = None
    reason: str | None = None
    round: int = 0
    due_at: datetime | None = None
    leased_until: datetime
    created_at: datetime
    ended_at: datetime | None = None

    @property
    def mark(self) -> str:
        """What begins the marks of everything that it makes."""
        return f"crosswalk {self.id.replace('-', '')[-15:]}{'' if self.round == 0 else f'r{self.round}'}"


class LeaseLost(AutomationError):
    """Another process took the firing over: whoever has it now goes on."""


class Shown(Struct, frozen=True, kw_only=True):
    """One step for people to read."""

    number: int
    name: str
    call: str
    state: StepState
    record_id: str | None = None
    tries: int = 0
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    body: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Firings:
    """The firings of one database."""

    database: Database
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = field(default=CHANCE)

    async def begin(self, automation: Automation, occasion: Occasion, *, strict: bool = False) -> tuple[Firing, bool]:
        """Begin a firing, or give the one that this key began; the flag says that it is new.

        With `strict`, raises `InputChanged` where that one was begun with another input.
        """
        at = self.now()
        skipped = occasion.skip is not None
        row = {
            "id": new_id(at, self.rng),
            "automation_id": automation.id,
            "key": occasion.key,
            "subject": occasion.subject,
            "state": "skipped" if skipped else "open",
            "input": msgspec.json.encode(occasion.input, order="deterministic").decode(),
            "reason": occasion.skip,
            "round": 0,
            "due_at": None if skipped else at,
            "leased_until": NOBODY,
            "created_at": at,
            "ended_at": at if skipped else None,
        }
        known = await self.known(automation, occasion.key)
        if known is None:
            try:
                async with self.database.begin() as connection:
                    await connection.execute(table.ADD_FIRING, row)
            except IntegrityError:  # another was quicker, or the automation is gone
                known = await self.known(automation, occasion.key)
                if known is None:
                    raise
            else:
                return await self.find(str(row["id"])), True
        if strict and known.input != msgspec.json.decode(str(row["input"])):
            raise InputChanged(f"Key {occasion.key!r} was used for another input; something new takes a new key")
        return known, False

    async def known(self, automation: Automation, key: str) -> Firing | None:
        """The firing of a key."""
        async with self.database.read() as connection:
            asked = {"automation": automation.id, "of_key": key}
            row = (await connection.execute(table.FIND_BY_KEY, asked)).mappings().one_or_none()
        return None if row is None else _firing_of(row)

    async def find(self, firing: str, automation: str | None = None) -> Firing:
        """One firing, of one automation. Raises `UnknownFiring`."""
        async with self.database.read() as connection:
            row = (await connection.execute(table.FIND_FIRING, {"firing": firing})).mappings().one_or_none()
        if row is None or automation not in {None, row["automation_id"]}:
            raise UnknownFiring(f"There is no firing {firing!r}. `crosswalk automations firings NAME` lists them")
        return _firing_of(row)

    async def list(
        self, automation: Automation, *, state: FiringState | None = None, before: str | None = None, most: int = 100
    ) -> Sequence[Firing]:
        """Firings of an automation, newest first, before one."""
        statement = table.LIST_FIRINGS.limit(most)
        if state is not None:
            statement = statement.where(table.firings.c.state == state)
        if before is not None:
            statement = statement.where(table.firings.c.id < before)
        async with self.database.read() as connection:
            rows = (await connection.execute(statement, {"automation": automation.id})).mappings()
            return [_firing_of(row) for row in rows]

    async def steps(self, firing: str) -> Sequence[Kept]:
        """A firing's steps in order."""
        async with self.database.read() as connection:
            rows = (await connection.execute(table.LIST_STEPS, {"firing": firing})).mappings()
            return [_step_of(row) for row in rows]

    async def due(self, most: int) -> Sequence[str]:
        """Ids of firings that somebody should go on with."""
        async with self.database.read() as connection:
            found = await connection.execute(table.DUE_FIRINGS, {"at": self.now(), "most": most})
            return [row.id for row in found]

    async def is_behind(self, firing: Firing) -> bool:
        """Whether an earlier firing about the same is under way."""
        asked = {"automation": firing.automation_id, "of_subject": firing.subject, "firing": firing.id}
        async with self.database.read() as connection:
            return (await connection.execute(table.FIND_EARLIER, asked)).first() is not None

    async def results(self, firing: Firing) -> Sequence[Mapping[str, JSON]]:
        """What earlier firings about the same came to, newest first."""
        asked = {"automation": firing.automation_id, "of_subject": firing.subject}
        async with self.database.read() as connection:
            rows = (await connection.execute(table.LIST_RESULTS, asked)).all()
        return [msgspec.json.decode(row.result) for row in rows if row.result]

    async def take_turn(self, automation: str, among: int) -> int:
        """Who is next of so many, 0 the first; two firings never have the same turn."""
        while True:
            async with self.database.begin() as connection:
                row = (await connection.execute(table.FIND_AUTOMATION, {"key": automation})).mappings().one()
                taken = await connection.execute(table.TAKE_TURN, {"automation": automation, "have": row["turn"]})
            if taken.rowcount == 1:
                return int(row["turn"]) % among

    async def take(self, firing: str) -> Firing | None:
        """Take a firing to work on it; `None` where another does, or it is over."""
        at = self.now()
        async with self.database.begin() as connection:
            values = {"firing": firing, "at": at, "until": at + LEASE}
            if (await connection.execute(table.TAKE_FIRING, values)).rowcount != 1:
                return None
        return await self.find(firing)

    async def plan(self, firing: Firing, planned: Planned) -> None:
        """Write down what a firing will do; nothing was sent."""
        rows = [
            {
                "firing_id": firing.id,
                "number": number,
                "step": msgspec.json.encode(step).decode(),
                "state": "open",
                "made": "[]",
                "tries": 0,
            }
            for number, step in enumerate(planned.steps)
        ]
        async with self.database.begin() as connection:
            changed = await connection.execute(
                table.CHANGE_FIRING.values(result=msgspec.json.encode(planned.result).decode()), _here(firing)
            )
            _hold_on(changed.rowcount)
            if rows:
                await connection.execute(table.ADD_STEPS, rows)
            if planned.keep is not None:
                await planned.keep(connection)

    async def change(self, firing: Firing, **values: Any) -> Firing:
        """Write columns of a firing that we have. Raises `LeaseLost`."""
        async with self.database.begin() as connection:
            changed = await connection.execute(table.CHANGE_FIRING.values(**values), _here(firing))
            _hold_on(changed.rowcount)
        return await self.find(firing.id)

    async def step(self, firing: Firing, number: int, **values: Any) -> Firing:
        """Write columns of a step, and that we are at it still. Raises `LeaseLost`."""
        until = self.now() + LEASE
        async with self.database.begin() as connection:
            changed = await connection.execute(table.CHANGE_FIRING.values(leased_until=until), _here(firing))
            _hold_on(changed.rowcount)
            where = {"firing": firing.id, "of_number": number}
            await connection.execute(table.CHANGE_STEP.values(**values), where)
        return replace(firing, leased_until=until)

    async def replay(self, firing: Firing) -> Firing:
        """Let a firing that came to no good end go on where it stopped, or an undone one begin anew.

        Raises `FiringRefused` for one that is done or under way.
        """
        at = self.now()
        anew = firing.state in {"undone", "skipped"}
        async with self.database.begin() as connection:
            values: dict[str, object] = {
                "state": "open",
                "reason": None,
                "due_at": at,
                "ended_at": None,
                "leased_until": NOBODY,
                "round": firing.round + (1 if anew else 0),
            }
            if anew:
                values["result"] = None
            asked = {"firing": firing.id, "states": ["failed", "held", "skipped", "undone"]}
            if (await connection.execute(table.REOPEN_FIRING.values(**values), asked)).rowcount != 1:
                raise FiringRefused(
                    f"Firing {firing.id} is {firing.state}; one that failed, is held, was skipped or undone goes again"
                )
            await connection.execute(table.REMOVE_STEPS if anew else table.REOPEN_STEPS, {"firing": firing.id})
        return await self.find(firing.id)

    async def undo(self, firing: Firing) -> Firing:
        """Have taken back what a firing made. Raises `FiringRefused` while it is under way, or where it made nothing.

        Changes of records that were there before stay.
        """
        steps = await self.steps(firing.id)
        if not any(each.made or each.step.undo or each.step.settling == "assigned" for each in steps):
            raise FiringRefused(f"Firing {firing.id} made no record that could be deleted")
        async with self.database.begin() as connection:
            values = {"state": "undoing", "due_at": self.now(), "ended_at": None, "leased_until": NOBODY}
            asked = {"firing": firing.id, "states": ["done", "failed", "held"]}
            if (await connection.execute(table.REOPEN_FIRING.values(**values), asked)).rowcount != 1:
                raise FiringRefused(
                    f"Firing {firing.id} is {firing.state}. Only one that is done, failed or is held can be undone"
                )
        return await self.find(firing.id)


def show_steps(kept: Sequence[Kept]) -> list[Shown]:
    """Steps for people to read, what they are made of named."""
    steps = [each.step for each in kept]
    shown = []
    for each in kept:
        told = show(each.step, steps)
        shown.append(
            Shown(
                number=each.number,
                name=told.name,
                call=f"{told.method} {told.path}",
                state=each.state,
                record_id=each.remote_id,
                tries=each.tries,
                sent_at=each.sent_at,
                ended_at=each.ended_at,
                reason=each.reason,
                body=told.body,
            )
        )
    return shown


def _hold_on(changed: int) -> None:
    if changed != 1:
        raise LeaseLost("Another process works on this firing; it goes on there")


def _here(firing: Firing) -> dict[str, object]:
    return {"firing": firing.id, "lease": firing.leased_until}


def _firing_of(row: RowMapping) -> Firing:
    plain: dict[str, Any] = {str(name): value for name, value in row.items()}
    plain["input"] = msgspec.json.decode(plain["input"])
    plain["result"] = None if plain["result"] is None else msgspec.json.decode(plain["result"])
    return msgspec.convert(plain, Firing)


def _step_of(row: RowMapping) -> Kept:
    plain: dict[str, Any] = {str(name): value for name, value in row.items() if name != "firing_id"}
    told: dict[str, Any] = msgspec.json.decode(plain.pop("step"))
    find = told.pop("find", None)
    step = Step(**told, find=None if find is None else (find[0], find[1]))  # a body is any JSON: no decoder says so
    return Kept(**plain | {"step": step, "made": tuple(msgspec.json.decode(plain["made"]))})
