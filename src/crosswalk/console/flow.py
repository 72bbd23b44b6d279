"""The flow, step by step: a dataset, an account, a template or a call, a mapping, a test, and letting it go.

Each page answers its data as JSON too. What the wizard's script asks while one types stands below `/flow`; it needs the
session and its token, as every form does.
"""

from collections.abc import Mapping, Sequence
from random import SystemRandom
from typing import Annotated, Any

import msgspec
from litestar import MediaType, Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from crosswalk.accounts.accounts import Account, Wanted
from crosswalk.accounts.check import Finding, Report
from crosswalk.accounts.vault import Secret
from crosswalk.console.desk import Desk
from crosswalk.console.flow_form import (
    Asked,
    Choice,
    Target,
    list_choices,
    list_macros,
    list_targets,
    route_of,
    takes_custom,
)
from crosswalk.console.flow_known import Shelf
from crosswalk.console.frame import ConsoleRequest, show
from crosswalk.console.pages import headers
from crosswalk.contract import load
from crosswalk.delivery.backlog import Choice as Backlog
from crosswalk.delivery.datasets import Shown
from crosswalk.delivery.destinations import Destination, Draft
from crosswalk.delivery.errors import DeliveryError
from crosswalk.delivery.forecast import Forecast
from crosswalk.delivery.kinds import File
from crosswalk.delivery.known import Known
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.settings import UNSEEN, Call, Refused, Settings, make_plan, preview
from crosswalk.delivery.sources import Draft as SourceDraft
from crosswalk.delivery.suggest import Suggestion, suggest
from crosswalk.delivery.template import find_template
from crosswalk.delivery.trial import Ask, Trial, Trials
from crosswalk.delivery.upload import keep_upload
from crosswalk.insightly import InsightlyError
from crosswalk.insightly.custom_fields import CustomField
from crosswalk.insightly.pods import base_url

HERE = "Flows"
MOST_CARDS = 60
SAMPLES = 5
MOST_ROWS = 100
Place = FromPath[str]
Rows = Annotated[list[dict[str, Any]], Meta(max_length=MOST_ROWS)]


class Card(Struct, frozen=True):
    """A dataset as its card shows it, with the destinations that read it."""

    dataset: Shown
    rows: Sequence[Mapping[str, Any]]
    readers: Sequence[Destination]


class Credential(Struct, frozen=True):
    """An account that may be chosen."""

    id: str
    name: str
    base_url: str
    status: str
    instance_name: str | None


class Wizard(Struct, frozen=True, kw_only=True):
    """All that the wizard begins with; `destination` is the one that is edited."""

    dataset: Shown
    rows: Sequence[Mapping[str, Any]]
    accounts: Sequence[Credential]
    choices: Asked
    macros: Sequence[Choice]
    destination: Destination | None = None


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings as they are being written, for an account and a dataset; `rows` instead of the dataset's samples."""

    dataset: str
    account: str
    settings: Settings
    rows: Rows = []


class Seen(Struct, frozen=True, kw_only=True):
    """What samples become; `wrong` says why the settings make no call yet."""

    calls: Sequence[Call] = ()
    refused: Sequence[Refused] = ()
    notes: Sequence[str] = ()
    wrong: str | None = None


class Fields(Struct, frozen=True, kw_only=True):
    """What a call may set and a first mapping; `says` why the account's custom fields are missing."""

    targets: Sequence[Target]
    suggestion: Suggestion | None
    says: str | None = None


class NewAccount(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account to be linked: its key, and its pod or whole API URL."""

    name: str
    api_key: str
    where: str

    def __repr__(self) -> str:
        """Show what is linked, not its key."""
        return f"NewAccount(name={self.name!r}, api_key=***, where={self.where!r})"


class Checked(Struct, frozen=True):
    """An account and what its key may do."""

    account: Credential
    findings: Sequence[Finding]


class NewFlow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A destination to be made as a draft."""

    dataset: str
    account: str
    name: str
    settings: Settings


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New settings, on top of a version."""

    settings: Settings
    version: int


class Activation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of the records that wait."""

    backlog: Backlog | None = None


class Uploaded(Struct, frozen=True):
    """The source and dataset that a file became."""

    source: str
    dataset: str


def desk_of(request: ConsoleRequest) -> Desk:
    """The hub that this console shows."""
    desk: Desk = request.app.state.desk
    return desk


def answer(value: Struct, *, status: int = 200) -> Response[bytes]:
    """A value as JSON, never kept by a browser."""
    return Response(msgspec.json.encode(value), status_code=status, media_type=MediaType.JSON, headers=headers())


@get("/flows")
async def show_flows(*, request: ConsoleRequest) -> Response[Any]:
    """Every dataset as a card."""
    desk = desk_of(request)
    found = await desk.datasets.list(most=MOST_CARDS + 1)
    every = await desk.destinations.list()
    cards = [_card(await desk.datasets.show(each.id), every) for each in found[:MOST_CARDS]]
    data = {"cards": cards, "more": len(found) > MOST_CARDS}
    return await show(request, "flow/datasets.html", data, here=HERE)


@get("/flows/{place:str}")
async def show_wizard(
    *, place: Place, request: ConsoleRequest, destination: Annotated[str | None, QueryParameter()] = None
) -> Response[Any]:
    """The wizard on one dataset; with `destination`, to change one that there is."""
    desk = desk_of(request)
    dataset = await desk.datasets.show(place)
    edited = None if destination is None else await desk.destinations.find(destination)
    wizard = Wizard(
        dataset=dataset,
        rows=_samples(dataset),
        accounts=[_credential(each) for each in await desk.accounts.list()],
        choices=list_choices(),
        macros=list_macros([column.name for column in dataset.schema.columns]),
        destination=edited,
    )
    return await show(request, "flow/wizard.html", {"wizard": wizard, "data": msgspec.to_builtins(wizard)}, here=HERE)


@get("/flow/datasets/{place:str}")
async def show_card(*, place: Place, request: ConsoleRequest) -> Response[bytes]:
    """One dataset: whether its rows have come."""
    desk = desk_of(request)
    return answer(_card(await desk.datasets.show(place), await desk.destinations.list()))


@post("/flow/uploads", status_code=201, request_max_body_size=None)
async def upload(
    *, request: ConsoleRequest, name: Annotated[str, QueryParameter(max_length=255)], source: FromQuery[str]
) -> Response[bytes]:
    """Keep the body as a file and make a source of it; it is read at once."""
    desk = desk_of(request)
    kept = await keep_upload(request.stream(), name, places=desk.places)
    made = (await desk.sources.create(SourceDraft(name=source, settings=File(path=kept.path)))).source
    await desk.sources.ask(made.id)
    return answer(Uploaded(made.name, made.dataset), status=201)


@post("/flow/accounts", status_code=201)
async def link_account(*, request: ConsoleRequest, data: JSONBody[NewAccount]) -> Response[bytes]:
    """Check a key and link its account; a refused key links nothing."""
    accounts = desk_of(request).accounts
    whole = data.where if "/" in data.where else None
    where = base_url(pod=None if whole else data.where.strip(), whole=whole, allow_hosts=accounts.allow_hosts)
    account, report = await accounts.add(Wanted(name=data.name, api_key=Secret(data.api_key), base_url=where))
    return answer(_checked(account, report), status=201)


@post("/flow/accounts/{place:str}/check", status_code=200)
async def check_account(*, place: Place, request: ConsoleRequest) -> Response[bytes]:
    """Ask Insightly again what an account's key may do."""
    return answer(_checked(*await desk_of(request).accounts.check(place)))


@post("/flow/preview", status_code=200)
async def preview_flow(*, request: ConsoleRequest, data: JSONBody[Wish]) -> Response[bytes]:
    """The exact calls that samples become; nothing is sent. Settings that are not finished are told, no error."""
    desk = desk_of(request)
    account = await desk.accounts.find(data.account)
    rows = data.rows or _samples(await desk.datasets.show(data.dataset))
    try:
        known, notes = await _ask(request, account, data)
        made = preview(
            data.settings,
            rows,
            load(),
            base_url=account.base_url,
            now=desk.now(),
            custom=known.custom,
            references=known.references,
        )
    except DeliveryError as error:
        return answer(Seen(wrong=str(error)))
    return answer(Seen(calls=made.calls, refused=made.refused, notes=(*made.notes, *notes)))


@post("/flow/fields", status_code=200)
async def list_fields(*, request: ConsoleRequest, data: JSONBody[Wish]) -> Response[bytes]:
    """The fields that the call may set, the account's custom fields among them, and a first mapping."""
    desk = desk_of(request)
    account = await desk.accounts.find(data.account)
    route = route_of(data.settings, load(), base_url=account.base_url, now=desk.now())
    custom, says = await _read_custom(request, account, route.object) if takes_custom(route) else (None, None)
    required: tuple[str, ...] = ()
    suggestion = None
    if data.settings.template is not None:
        template = find_template(data.settings.template)
        required = template.required
        columns = [each.name for each in (await desk.datasets.show(data.dataset)).schema.columns]
        suggestion = suggest(template, columns, load(), custom=custom) if template.action != "delete" else None
    return answer(Fields(targets=list_targets(route, custom, required=required), suggestion=suggestion, says=says))


@post("/flow/destinations", status_code=201)
async def save_draft(*, request: ConsoleRequest, data: JSONBody[NewFlow]) -> Response[bytes]:
    """Make the destination as a draft: nothing is sent before it is activated."""
    draft = Draft(name=data.name, account=data.account, dataset=data.dataset, settings=data.settings)
    return answer(await desk_of(request).destinations.create(draft), status=201)


@patch("/flow/destinations/{place:str}")
async def save_change(*, place: Place, request: ConsoleRequest, data: JSONBody[Change]) -> Response[bytes]:
    """Make the settings the present ones, as a new version."""
    return answer(await desk_of(request).destinations.change(place, data.settings, version=data.version))


@get("/flow/destinations/{place:str}/forecast")
async def forecast_flow(*, place: Place, request: ConsoleRequest) -> Response[bytes]:
    """What sending the records that wait will cost; nothing is called."""
    desk = desk_of(request)
    made: Forecast = await desk.destinations.forecast(place, desk.accounts)
    return answer(made)


@post("/flow/destinations/{place:str}/activate", status_code=200)
async def activate_flow(*, place: Place, request: ConsoleRequest, data: JSONBody[Activation]) -> Response[bytes]:
    """Let rows go."""
    return answer(await desk_of(request).destinations.activate(place, data.backlog))


@post("/flow/destinations/{place:str}/pause", status_code=200)
async def pause_flow(*, place: Place, request: ConsoleRequest) -> Response[bytes]:
    """Let no more rows go."""
    return answer(await desk_of(request).destinations.pause(place))


@post("/flow/destinations/{place:str}/tests", status_code=200)
async def send_test(*, place: Place, request: ConsoleRequest, data: JSONBody[Ask]) -> Response[bytes]:
    """Make one real call, as it stands in the panel."""
    made: Trial = await _trials(desk_of(request)).send(place, data)
    return answer(made)


@delete("/flow/destinations/{place:str}/tests/{run:str}", status_code=200)
async def undo_test(*, place: Place, run: FromPath[str], request: ConsoleRequest) -> Response[bytes]:
    """Delete the record that a test made."""
    made: Trial = await _trials(desk_of(request)).undo(place, run)
    return answer(made)


def _trials(desk: Desk) -> Trials:
    return Trials(
        database=desk.database,
        accounts=desk.accounts,
        destinations=desk.destinations,
        now=desk.now,
        rng=SystemRandom(),
        endpoints=desk.office.endpoints(),
    )


def _card(dataset: Shown, every: Sequence[Destination]) -> Card:
    return Card(dataset, _samples(dataset), [each for each in every if each.dataset_id == dataset.id])


def _samples(dataset: Shown) -> Sequence[Mapping[str, Any]]:
    return dataset.samples[-SAMPLES:]


def _credential(account: Account) -> Credential:
    return Credential(account.id, account.name, account.base_url, account.status, account.instance_name)


def _checked(account: Account, report: Report) -> Checked:
    return Checked(_credential(account), report.findings)


def _shelf(request: ConsoleRequest) -> Shelf:
    """Kept with the application: one for all who are signed in."""
    shelf: Shelf = request.app.state.setdefault("flow_known", Shelf())
    return shelf


async def _ask(request: ConsoleRequest, account: Account, wish: Wish) -> tuple[Known, tuple[str, ...]]:
    """What the plan needs of its account, and a note where the account did not say."""
    desk = desk_of(request)
    plan = settle_plan(make_plan(wish.settings), load(), UNSEEN, base_url=account.base_url, now=desk.now())
    try:
        return await _shelf(request).known(desk.accounts, account, plan), ()
    except InsightlyError as error:
        return Known(), (f"Names and custom fields are not checked: {error}",)


async def _read_custom(
    request: ConsoleRequest, account: Account, record: str
) -> tuple[Mapping[str, CustomField] | None, str | None]:
    """An account's custom fields of an object, asked anew with each visit of the step; or why there are none."""
    accounts, shelf = desk_of(request).accounts, _shelf(request)
    shelf.forget(account)
    try:
        return await shelf.custom(accounts, account, record), None
    except InsightlyError as error:
        return None, f"The custom fields of {account.name} could not be read: {error}"


PAGES: tuple[HTTPRouteHandler, ...] = (
    show_flows,
    show_wizard,
    show_card,
    upload,
    link_account,
    check_account,
    preview_flow,
    list_fields,
    save_draft,
    save_change,
    forecast_flow,
    activate_flow,
    pause_flow,
    send_test,
    undo_test,
)
