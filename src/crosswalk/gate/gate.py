"""Open a paced client for one account."""

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from crosswalk.gate.budget import RESERVE, Budget, Shares, budget_of
from crosswalk.gate.day import Day, fix, turn
from crosswalk.gate.hearing import About, Hear, Hearing, deaf
from crosswalk.gate.ledger import Ledger
from crosswalk.gate.meter import Meter
from crosswalk.gate.pacer import AccountPacer
from crosswalk.gate.paces import Paces
from crosswalk.gate.shared_pacer import SharedPacer
from crosswalk.gate.tally import Clocks
from crosswalk.insightly import Insightly
from crosswalk.insightly.client import ATTEMPTS
from crosswalk.insightly.pace import Lessons
from crosswalk.insightly.pacer import Pacer
from crosswalk.insightly.transport import TIMEOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A key and where it may be sent. The key stays out of the `repr`."""

    base_url: str
    api_key: str = field(repr=False)
    allow_hosts: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How an account's calls are paced.

    `rate` calls in a second (`None` is Insightly's ten, 0 no limit), `daily` calls in a day (`None` no limit of our
    own), `reserve` percent of the day left to people, `timeout` seconds for one request, and at most `attempts` of a
    call that may be repeated. `resets` is the second of the UTC day at which a day begins; `None` learns it.
    """

    rate: int | None = None
    daily: int | None = None
    reserve: int = RESERVE
    resets: int | None = None
    timeout: float = TIMEOUT
    attempts: int = ATTEMPTS


@asynccontextmanager
async def connect(
    credential: Credential,
    limits: Limits,
    *,
    folder: Path,
    paces: Paces | None = None,
    hear: Hear = deaf,
    about: About | None = None,
) -> AsyncIterator[Insightly]:
    """Open a client for one account; every process that names the same `folder` keeps to one pace.

    With `paces` every process of their database does, wherever it runs. `hear` is told how each call ended;
    `about` says whose calls are measured, and where. Raises `HostRefused` for a host that is not allowed.
    """
    opened = _open_pacer(_name(credential), limits, folder) if paces is None else _share(credential, limits, paces)
    async with opened as pacer, AsyncExitStack() as stack:
        crm = Insightly(
            credential.api_key,
            base_url=credential.base_url,
            allow_hosts=credential.allow_hosts,
            pacer=Hearing(pacer, hear, About(meter=Meter()) if about is None else about),
            timeout=limits.timeout,
            attempts=limits.attempts,
        )
        yield await stack.enter_async_context(crm)


@asynccontextmanager
async def _open_pacer(name: str, limits: Limits, folder: Path) -> AsyncIterator[Pacer]:
    """The pacer of an account's file."""
    with Ledger(folder / name) as ledger:
        pacer = _pacer(ledger, limits)
        try:
            yield pacer
        finally:
            pacer.close()


@asynccontextmanager
async def _share(credential: Credential, limits: Limits, paces: Paces) -> AsyncIterator[Pacer]:
    """The pacer of an account's row."""
    shares = Shares(limits.daily, limits.reserve)
    pacer = SharedPacer(paces, _name(credential), limits.rate, shares, resets=limits.resets, clocks=Clocks())
    try:
        yield pacer
    finally:
        await pacer.close()


def _pacer(ledger: Ledger, limits: Limits) -> AccountPacer:
    shares, resets = Shares(limits.daily, limits.reserve), limits.resets
    if resets is None:
        return AccountPacer(ledger, limits.rate, shares)
    clocks = Clocks(learns=False)
    ledger.change_day(lambda day: fix(day, resets, clocks.now().timestamp()))
    return AccountPacer(ledger, limits.rate, shares, clocks=clocks)


def budget(credential: Credential, limits: Limits, *, folder: Path, now: datetime) -> Budget:
    """What is left of an account's day, as its ledger has it; Insightly is not asked."""
    with Ledger(folder / _name(credential)) as ledger:
        day = ledger.day
    return _left_of(day, limits, now.timestamp())


async def shared_budget(credential: Credential, limits: Limits, paces: Paces) -> Budget:
    """What is left of an account's day, as its row has it. Raises `DatabaseUnreachable`."""
    purse, now = await paces.look(_name(credential))
    return _left_of(purse.day, limits, now)


def _left_of(day: Day, limits: Limits, at: float) -> Budget:
    day = day if limits.resets is None else fix(day, limits.resets, at)
    return budget_of(turn(day, at), Shares(limits.daily, limits.reserve))


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """An account's pace as kept and as learned; `stamps` are the last sends of all processes, oldest first.

    `rate` calls go in `window` seconds now, `in_flight` at once; `None` where nothing was learned.
    """

    stamps: tuple[float, ...]
    rate: int | None = None
    window: float | None = None
    in_flight: int | None = None


def track(credential: Credential, *, folder: Path, now: float) -> Track:
    """What the account's ledger knows of its pace; Insightly is not asked."""
    with Ledger(folder / _name(credential)) as ledger:
        stamps, (learned, _) = ledger.stamps(now), ledger.lessons(now)
    return _tracked(stamps, learned)


async def shared_track(credential: Credential, paces: Paces, *, now: float) -> Track:
    """What the account's row knows of its pace, its last places on this machine's clock. Raises `DatabaseUnreachable`.

    Places that are taken ahead are not among them.
    """
    purse, there = await paces.look(_name(credential))
    stamps = tuple(at - there + now for at in purse.places if at <= there)
    return _tracked(stamps, purse.lessons)


def _tracked(stamps: tuple[float, ...], learned: Lessons | None) -> Track:
    if learned is None:
        return Track(stamps=stamps)
    return Track(stamps=stamps, rate=int(learned.calls), window=learned.window, in_flight=int(learned.room))


def _name(credential: Credential) -> str:
    """One name for one key at one place, from which neither can be read."""
    return sha256(f"{credential.base_url}\n{credential.api_key}".encode()).hexdigest()[:32]
