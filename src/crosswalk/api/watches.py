"""Watches over HTTP: what is followed, how often, what it costs, and addresses for Insightly's own webhooks."""

from litestar import Router, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, SkipValidation
from msgspec import UNSET, Struct, UnsetType

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.tokens import Caller
from crosswalk.api.body import ApiRequest
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.automations.change_watch import HintAddress, Hinted, Watch, Watches, read_pace, setup_guide
from crosswalk.automations.hint import MOST_BYTES
from crosswalk.store.database import Database

READ = needs("automations.watches:read")
CREATE = needs("automations.watches:create")
UPDATE = needs("automations.watches:update")
DELETE = needs("automations.watches:delete")

Place = FromPath[str]
Known = NamedDependency[SkipValidation[Watches]]


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to follow: a unified resource of an account. Times are in seconds; without them the usual ones."""

    integrated_account_id: str
    resource: str
    every: int | UnsetType = UNSET
    slowest: int | UnsetType = UNSET
    sweep_every: int | UnsetType | None = UNSET


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times to change, in seconds; what is not named stays. `sweep_every: null` looks for no deletions."""

    every: int | UnsetType = UNSET
    slowest: int | UnsetType = UNSET
    sweep_every: int | UnsetType | None = UNSET


class HintDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address to be made; with a user its calls need that user and a password, which is made."""

    user: str | None = None


class Address(Struct, frozen=True, kw_only=True):
    """An address for Insightly's workflows, shown this once, and what to do with it."""

    url: str
    address: HintAddress
    guide: list[str]


def provide_watches(
    database: NamedDependency[SkipValidation[Database]],
    caller: NamedDependency[SkipValidation[Caller]],
    accounts: NamedDependency[SkipValidation[Accounts]],
) -> Watches:
    """The watches of the accounts that the token reaches."""
    return Watches(database=database, accounts=accounts, reach=caller.accounts)


@get("/", summary="List watches", security=READ, responses=problems())
async def show_watches(*, watches: Known, limit: Limit = DEFAULT, next_cursor: Cursor = None) -> Page[Watch]:
    """What is followed, oldest first."""
    after = read_cursor(next_cursor, str) or ""
    return cut(await watches.list(after=after, most=limit + 1), limit, lambda found: found.id)


@post("/", summary="Follow a resource", security=CREATE, responses=problems(404, 409, 422))
async def create_watch(*, data: JSONBody[Draft], watches: Known) -> Watch:
    """Follow a resource of an account; what is there now is learned first, and not announced."""
    given = _given(data)
    return await watches.add(data.integrated_account_id, data.resource, read_pace(given) if given else None)


@get("/{place:str}", summary="Show a watch", security=READ, responses=problems(404))
async def show_watch(*, place: Place, watches: Known) -> Watch:
    """One watch, with what it cost today and what it costs in a day."""
    return await watches.find(place)


@patch("/{place:str}", summary="Look more often or more seldom", security=UPDATE, responses=problems(404, 422))
async def change_watch(*, place: Place, data: JSONBody[Change], watches: Known) -> Watch:
    """Change how often is looked."""
    found = await watches.find(place)
    return await watches.change(place, read_pace(_given(data), before=found))


@delete("/{place:str}", summary="Follow a resource no more", status_code=200, security=DELETE, responses=problems(404))
async def remove_watch(*, place: Place, watches: Known) -> Watch:
    """Forget a watch and how records were seen; events stay."""
    return await watches.remove(place)


@post("/{place:str}/poll", summary="Look now", status_code=200, security=UPDATE, responses=problems(404))
async def poll_watch(*, place: Place, watches: Known) -> Watch:
    """Look now, and often for a while."""
    return await watches.poll(place)


@post("/{place:str}/sweep", summary="Look for deletions now", status_code=200, security=UPDATE,
      responses=problems(404))  # fmt: skip
async def sweep_watch(*, place: Place, watches: Known) -> Watch:
    """Read the complete list now."""
    return await watches.sweep(place)


@post("/{place:str}/release", summary="Release held deletions", status_code=200, security=UPDATE,
      responses=problems(404))  # fmt: skip
async def release_watch(*, place: Place, watches: Known) -> Watch:
    """Let the next sweep announce what it misses, however many records; each is asked for by id first."""
    return await watches.release(place)


@post("/{place:str}/pause", summary="Pause a watch", status_code=200, security=UPDATE, responses=problems(404))
async def pause_watch(*, place: Place, watches: Known) -> Watch:
    """Look no more for now."""
    return await watches.pause(place)


@post("/{place:str}/resume", summary="Resume a watch", status_code=200, security=UPDATE, responses=problems(404))
async def resume_watch(*, place: Place, watches: Known) -> Watch:
    """Look again, now; what changed meanwhile is told merged."""
    return await watches.resume(place)


@post("/{place:str}/hint-url", summary="Make an address for Insightly's webhooks", security=UPDATE,
      responses=problems(404))  # fmt: skip
async def make_hint_url(*, place: Place, data: JSONBody[HintDraft], request: ApiRequest, watches: Known) -> Address:
    """A secret address that Insightly's workflows can post to, shown this once; the one before takes nothing more."""
    address = await watches.make_hint(place, user=data.user)
    base = str(request.base_url).rstrip("/")
    return Address(url=f"{base}{address.path}", address=address, guide=[*setup_guide(address, base)])


@delete("/{place:str}/hint-url", summary="Take no hints", status_code=200, security=UPDATE, responses=problems(404))
async def drop_hint_url(*, place: Place, watches: Known) -> Watch:
    """Let the secret address take nothing more."""
    return await watches.drop_hint(place)


@post("/hooks/insightly/{secret:str}", status_code=202, include_in_schema=False, request_max_body_size=MOST_BYTES)
async def take_hint(
    *,
    secret: FromPath[str],
    request: ApiRequest,
    hinted: NamedDependency[SkipValidation[Watches]],
) -> Hinted:
    """What one of Insightly's workflows posts: the record that it names is read again."""
    return await hinted.take_hint(secret, await request.body(), request.headers.get("authorization"))


def _given(data: Draft | Change) -> dict[str, int | None]:
    named = {"every": data.every, "slowest": data.slowest, "sweep_every": data.sweep_every}
    return {name: value for name, value in named.items() if not isinstance(value, UnsetType)}


ROUTES = Router(
    "/watches",
    route_handlers=[
        show_watches,
        create_watch,
        show_watch,
        change_watch,
        remove_watch,
        poll_watch,
        sweep_watch,
        release_watch,
        pause_watch,
        resume_watch,
        make_hint_url,
        drop_hint_url,
    ],
    dependencies={"watches": Provide(provide_watches, sync_to_thread=False)},
    tags=["events"],
)
