"""The account doctor: what works on an account and its plan, and what does not, each with its reason.

It asks: four calls of the linking check, one for each collection, one for each collection's custom fields.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec
from msgspec import Struct

from crosswalk.accounts.accounts import Account, Accounts
from crosswalk.accounts.check import Finding, Report, Right, check_key
from crosswalk.accounts.errors import CredentialRefused, InsightlySilent
from crosswalk.gate import Budget
from crosswalk.insightly import Insightly
from crosswalk.insightly.call import Answer
from crosswalk.insightly.custom_fields import CustomField, FieldTypes
from crosswalk.insightly.errors import InsightlyError
from crosswalk.insightly.record import read_many

SKEWED = 60.0
"""Seconds that two clocks may differ before it is said: changes are asked for by time."""
CUT = 0.5
"""Seconds that a `Date` lacks on average: it has whole ones, cut off."""
KEPT = 300.0
"""Seconds that an examination is answered again unless a newer one is asked for."""


class Collection(Struct, frozen=True):
    """One collection to look into: its path, its records' name, whether its records have custom fields."""

    path: str
    record: str
    custom: bool = False


class Opened(Struct, frozen=True):
    """What a collection answered: whether it can be read at all, why not, and the custom fields of its records."""

    path: str
    works: bool
    says: str
    custom_fields: tuple[CustomField, ...] = ()


class Examination(Struct, frozen=True, kw_only=True):
    """What the doctor found. `refused` is why the key opens nothing at all."""

    at: datetime
    findings: tuple[Finding, ...]
    rights: tuple[Right, ...] = ()
    opened: dict[str, Opened] = {}
    skew: float | None = None
    budget: Budget | None = None
    calls: int = 0
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Examines accounts; what was found is kept for a while, until the account changes."""

    accounts: Accounts
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _known: dict[str, tuple[int, Examination]] = field(default_factory=dict)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def examine(
        self, account: Account, collections: Sequence[Collection], *, max_age: float = KEPT
    ) -> Examination:
        """What works on an account; whoever asks together asks once. Raises `VaultError`, and when the day is spent."""
        async with self._turns.setdefault(account.id, asyncio.Lock()):
            revision, known = self._known.get(account.id, (0, None))
            if known is not None and revision == account.revision and self._age(known) <= max_age:
                return known
            found = await self._ask(account, collections)
            self._known[account.id] = (account.revision, found)
            return found

    def forget(self, account_id: str) -> None:
        """An account is gone."""
        self._known.pop(account_id, None)
        self._turns.pop(account_id, None)

    def _age(self, known: Examination) -> float:
        return (self.clock() - known.at).total_seconds()

    async def _ask(self, account: Account, collections: Sequence[Collection]) -> Examination:
        at = self.clock()
        async with self.accounts.connect(account) as crm:
            try:
                report = await check_key(crm)
            except (CredentialRefused, InsightlySilent) as exc:
                finding = Finding("key", works=False, says=str(exc))
                return Examination(at=at, findings=(finding,), calls=crm.calls, refused=str(exc))
            skew = await self._measure_skew(crm)
            opened = await asyncio.gather(*(look_into(crm, each) for each in collections))
            calls = crm.calls
        budget = await self.accounts.budget(account)
        return Examination(
            at=at,
            findings=tuple(_tell(report, opened, skew, budget)),
            rights=report.rights,
            opened={each.path: each for each in opened},
            skew=skew,
            budget=budget,
            calls=calls,
        )

    async def _measure_skew(self, crm: Insightly) -> float | None:
        """How far Insightly's clock is ahead of ours, in seconds; its `Date` has whole ones."""
        try:
            before, answer, after = self.clock(), await crm.request("GET", "/Users/Me"), self.clock()
        except InsightlyError:
            return None
        return read_skew(answer, before + (after - before) / 2)


def read_skew(answer: Answer, ours: datetime) -> float | None:
    """Seconds between an answer's `Date` and our own time; `None` without a readable one."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    if theirs.tzinfo is None:
        return None
    return round((theirs - ours).total_seconds() + CUT, 1)


async def look_into(crm: Insightly, collection: Collection) -> Opened:
    """Read one record of a collection and, where it has them, the definitions of its custom fields."""
    try:
        await crm.request("GET", collection.path, params={"top": "1", "brief": "true"})
    except InsightlyError as exc:
        return Opened(collection.path, works=False, says=str(exc))
    if not collection.custom:
        return Opened(collection.path, works=True, says="can be read")
    try:
        answer = await crm.request("GET", f"/CustomFields{collection.path}")
        found = FieldTypes.of(collection.record, read_many(answer.body, CustomField)).fields
    except (InsightlyError, msgspec.DecodeError) as exc:
        return Opened(collection.path, works=True, says=f"can be read; its custom fields cannot be told: {exc}")
    return Opened(collection.path, works=True, says="can be read", custom_fields=tuple(found.values()))


def _tell(report: Report, opened: Sequence[Opened], skew: float | None, budget: Budget) -> Sequence[Finding]:
    closed = [each for each in opened if not each.works]
    return [
        *report.findings,
        *(Finding(f"collection {each.path.lstrip('/')}", works=False, says=each.says) for each in closed),
        _tell_fields(opened),
        _tell_quota(budget),
        _tell_clock(skew),
    ]


def _tell_fields(opened: Sequence[Opened]) -> Finding:
    counts = [f"{each.path.lstrip('/')} {len(each.custom_fields)}" for each in opened if each.custom_fields]
    return Finding("custom fields", works=True, says=", ".join(counts) or "none are defined")


def _tell_quota(budget: Budget) -> Finding:
    if budget.remaining is None:
        return Finding("quota", works=False, says="Insightly does not tell how many calls a day there are")
    says = f"{budget.remaining:,} of {budget.quota or 0:,} calls left until {budget.resets_at:%Y-%m-%d %H:%M} UTC"
    return Finding("quota", works=budget.remaining > 0, says=says)


def _tell_clock(skew: float | None) -> Finding:
    if skew is None:
        return Finding("clock", works=False, says="Insightly's answers carry no readable Date")
    if abs(skew) <= SKEWED:
        return Finding("clock", works=True, says=f"{abs(skew):.0f} s apart from Insightly's")
    way = "ahead of" if skew > 0 else "behind"
    says = f"Insightly's is {abs(skew):.0f} s {way} this machine's; set this machine's clock"
    return Finding("clock", works=False, says=says)
