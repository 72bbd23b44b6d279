"""A dry run: what a run of a destination would come to, row by row and deletion by deletion. Nothing is sent.

Rows are read and made into calls as a run does it, and held against what is remembered of the account's records. Where
nothing is remembered only a look-up could tell whether a record is there, and that is what is said.
"""

import asyncio
import math
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from crosswalk.accounts.accounts import Accounts
from crosswalk.contract import load
from crosswalk.delivery.destinations import Destination, Destinations
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.forecast import Forecast, Pace, forecast, rate_of
from crosswalk.delivery.known import Known, count_questions
from crosswalk.delivery.memory import Known as Remembered
from crosswalk.delivery.memory import Memory, digest_of
from crosswalk.delivery.mirror import NOTHING, PART, Deletion, Loss, is_all, list_own, object_to
from crosswalk.delivery.payload import Invalid, Payload, make_payload
from crosswalk.delivery.plan import Rows, SettledPlan
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.records import spool
from crosswalk.delivery.row import Options, Row, Unreadable
from crosswalk.delivery.run import Counts
from crosswalk.delivery.settings import Refused, make_plan
from crosswalk.delivery.source import open_source
from crosswalk.delivery.upsert import wish_of

Fate: TypeAlias = Literal["creates", "updates", "deletes", "unchanged", "looks", "refused"]
BLOCK = 500
"""Rows that are read, and held against the memory, at once."""
MOST_TOLD = 100
"""Refused rows, and deletions, that are told one by one; all are counted."""
UNASKED = (
    "The account was not asked for its custom fields and names: a row that was sent before may be told as changed. "
    "Ask it with --ask-account, or ask_account over HTTP."
)
ACTIONS: Mapping[str, Fate] = {"create": "creates", "update": "updates", "delete": "deletes"}


class Mirrored(Struct, frozen=True, kw_only=True):
    """What the mirror would delete: `gone` of its `own` records, the first of them one by one.

    `objection` is why it would delete nothing at all.
    """

    gone: int
    own: int
    share: float
    objection: str | None
    deletions: tuple[Deletion, ...]


class Rehearsal(Struct, frozen=True, kw_only=True):
    """What a run would come to. Each row read is counted once: `rows` is the sum of the next six.

    `looks` are rows whose record is looked for first: it is changed if it is there, else made. `reasons` tell the first
    refused rows.
    """

    rows: int
    creates: int
    updates: int
    deletes: int
    unchanged: int
    looks: int
    refused: int
    reasons: tuple[Refused, ...]
    mirror: Mirrored | None
    forecast: Forecast
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearser:
    """Dry runs of the destinations that somebody reaches, of so many rows at most."""

    destinations: Destinations
    accounts: Accounts
    most: int | None = None

    async def rehearse_file(
        self, key: str, path: Path, options: Options = Options(), *, ask: bool = False
    ) -> Rehearsal:
        """What a run over a file would come to; with `ask`, the account is asked for custom fields and names.

        Raises `SourceError`, and `PlanError` for what no run could do.
        """
        return await self._rehearse(await self.destinations.find(key), path, options, whole=True, ask=ask)

    async def rehearse_rows(self, key: str, rows: Sequence[dict[str, Any]], *, ask: bool = False) -> Rehearsal:
        """What a run over rows that are given would come to."""
        found = await self.destinations.find(key)
        with TemporaryDirectory(prefix="crosswalk-") as folder:
            path = Path(folder, "rows.jsonl")
            await asyncio.to_thread(path.write_bytes, msgspec.json.Encoder().encode_lines(rows))
            return await self._rehearse(found, path, Options(), whole=False, ask=ask)

    async def rehearse_records(self, key: str, dataset: str | None = None, *, ask: bool = False) -> Rehearsal:
        """What a run over a dataset's records would come to; of its own, or without one, over those that wait."""
        found = await self.destinations.find(key)
        name = dataset or found.dataset_id
        if name is None:
            raise PlanError(f"Destination {found.name} reads no dataset. Name a file, or another dataset")
        row = await self.destinations.find_dataset(name)
        first = found.position + 1 if row["id"] == found.dataset_id else 1
        with TemporaryDirectory(prefix="crosswalk-") as folder:
            path = Path(folder, "records.jsonl")
            await spool(self.destinations.database, row["id"], first, row["last"], path)
            return await self._rehearse(found, path, Options(), whole=is_all(first, row["name"]), ask=ask)

    async def _rehearse(self, found: Destination, path: Path, options: Options, *, whole: bool, ask: bool) -> Rehearsal:
        account = await self.destinations.account_of(found)
        known = await self.destinations.ask(found.settings, account) if ask else Known()
        with ExitStack() as stack:
            seen = stack.enter_context(_seen())
            source = await asyncio.to_thread(lambda: stack.enter_context(open_source(path, options)))
            plan = settle_plan(
                make_plan(found.settings),
                load(),
                Rows(source.columns, closed=source.closed),
                base_url=account["base_url"],
                now=self.destinations.now(),
                custom=known.custom,
                references=known.references,
            )
            memory = self._memory(found, account["id"], plan)
            tally = Tally(plan=plan, memory=memory, seen=seen)
            while block := await asyncio.to_thread(lambda: list(islice(source.rows, BLOCK))):
                await tally.count(block)
                self._check_size(tally)
            mirrored = await _mirror(tally, whole=whole)
        notes = (*source.notes, *plan.notes)
        if not ask and memory is not None and count_questions(plan):
            notes = (*notes, UNASKED)
        return await self._tell(account["id"], tally, mirrored, notes)

    def _memory(self, found: Destination, account: str, plan: SettledPlan) -> Memory | None:
        if plan.remembered_by is None:
            return None
        name, database = plan.route.object, self.destinations.database
        return Memory(database=database, account=account, name=name, by=plan.remembered_by, destination=found.id)

    def _check_size(self, tally: "Tally") -> None:
        if self.most is not None and tally.rows > self.most:
            raise PlanError(
                f"There are more than {self.most:,} rows, which is too many to wait for here. "
                "Use the command line: crosswalk destinations run NAME FILE --dry-run"
            )

    async def _tell(self, account: str, tally: "Tally", mirrored: Mirrored | None, notes: tuple[str, ...]) -> Rehearsal:
        linked = await self.accounts.find(account)
        pace = Pace(rate=rate_of(linked.rate), budget=await self.accounts.budget(linked))
        calls = tally.calls + (mirrored.gone if mirrored is not None and mirrored.objection is None else 0)
        return Rehearsal(
            rows=tally.rows,
            creates=tally.counts["creates"],
            updates=tally.counts["updates"],
            deletes=tally.counts["deletes"],
            unchanged=tally.counts["unchanged"],
            looks=tally.counts["looks"],
            refused=tally.counts["refused"],
            reasons=tuple(tally.reasons),
            mirror=mirrored,
            forecast=forecast(tally.rows, calls, pace, self.destinations.now()),
            notes=notes,
        )


@dataclass(slots=True, kw_only=True)
class Tally:
    """Rows counted by what becomes of them; `seen` holds the values of the match field that they name."""

    plan: SettledPlan
    memory: Memory | None
    seen: sqlite3.Connection
    counts: Counter[Fate] = field(default_factory=Counter)
    reasons: list[Refused] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows counted so far."""
        return self.counts.total()

    @property
    def calls(self) -> int:
        """Calls that they cost; rows of a batch share one."""
        counts, plan = self.counts, self.plan
        written = counts["creates"] + counts["updates"] + counts["deletes"] + counts["looks"]
        if plan.grouping is not None:
            written = math.ceil(written / plan.grouping.size)
        read = counts["updates"] + counts["looks"] if plan.needs_present else 0
        return written + counts["looks"] + read + (count_questions(plan) if self.rows else 0)

    async def count(self, block: Sequence[Row | Unreadable]) -> None:
        """Count some rows."""
        made = [(row.number, self._make(row)) for row in block]
        keys = sorted({each.key for _, each in made if isinstance(each, Payload) and each.key is not None})
        known = {} if self.memory is None or not keys else await self.memory.recall(keys)
        self.seen.executemany("INSERT OR IGNORE INTO seen VALUES (?)", [(key,) for key in keys])
        for number, each in made:
            self._add(number, each, known)

    def _make(self, row: Row | Unreadable) -> Payload | Invalid:
        return Invalid(row.reason) if isinstance(row, Unreadable) else make_payload(self.plan, row.cells)

    def _add(self, number: int, made: Payload | Invalid, known: Mapping[str, Remembered]) -> None:
        if isinstance(made, Invalid):
            self.counts["refused"] += 1
            if len(self.reasons) < MOST_TOLD:
                self.reasons.append(Refused(number, made.reason))
            return
        self.counts[self._fate(made, known.get(made.key or ""))] += 1

    def _fate(self, made: Payload, found: Remembered | None) -> Fate:
        plan = self.plan
        wish = wish_of(made, plan.route.resource.id or "") if plan.upserts else made
        if found is not None and not plan.verify and plan.changed_only and found.digest == digest_of(wish):
            return "unchanged"
        if plan.upserts:
            return "looks" if found is None or plan.verify else "updates"
        return ACTIONS.get(plan.route.action, BY_METHOD[made.method])


BY_METHOD: Mapping[str, Fate] = {"POST": "creates", "PUT": "updates", "PATCH": "updates", "DELETE": "deletes"}
"""What a call does that is no action of a record of its own, by its method."""


async def _mirror(tally: Tally, *, whole: bool) -> Mirrored | None:
    """What the mirror would delete; `None` for a destination that mirrors nothing."""
    if tally.plan.mirror is None or tally.memory is None:
        return None
    own, gone, told = 0, 0, list[Deletion]()
    async for block in list_own(tally.memory):
        own += len(block)
        lost = [each for each in block if not _is_seen(tally.seen, each.value)]
        gone += len(lost)
        told += lost[: MOST_TOLD - len(told)]
    loss = Loss(gone, own)
    sure = tally.rows - tally.counts["refused"]
    counts = Counts({"dead": tally.counts["refused"], "delivered": sure})
    objection = object_to(tally.plan.mirror, counts, loss)
    if objection is None and gone and not whole:
        objection = PART
    if objection is not None:
        objection = objection.replace(NOTHING, "The mirror would delete nothing")
    return Mirrored(gone=gone, own=own, share=loss.share, objection=objection, deletions=tuple(told))


def _is_seen(seen: sqlite3.Connection, value: str) -> bool:
    return seen.execute("SELECT 1 FROM seen WHERE value = ?", (value,)).fetchone() is not None


@contextmanager
def _seen() -> Iterator[sqlite3.Connection]:
    """Values in a database of the disk that is gone with its connection: there may be millions."""
    with closing(sqlite3.connect("", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE seen (value TEXT PRIMARY KEY) WITHOUT ROWID")
        yield connection
