"""A lead with an instant task: one call makes the lead, or finds it by its e-mail address, and a task for somebody."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from random import SystemRandom
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, ValidationError, convert, to_builtins

from crosswalk.automations.errors import UnusableInput
from crosswalk.automations.recipe import Occasion, Planned, Work, fill_template
from crosswalk.automations.steps import place_of, steps_of_update
from crosswalk.automations.working import Assign, Calendar
from crosswalk.insightly.errors import NotFound
from crosswalk.store.ids import new_id
from crosswalk.unified.known import JSON, Search, Wire
from crosswalk.unified.mapping import needs_write, plan_update
from crosswalk.unified.nouns import CRM
from crosswalk.unified.search import searches
from crosswalk.unified.service import find, read_wire

CHANCE = SystemRandom()
LEADS = CRM["leads"]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Priority = Literal["low", "normal", "high"]


class Task(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The task; its texts are templates over the lead. `due` counts working days, 0 is today."""

    title: Text = "Follow up {name}"
    details: str | None = None
    priority: Priority = "high"
    due: Annotated[int, Meta(ge=0, le=1000)] | None = 0
    category: str | None = None


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of a lead that is there (`existing`), what every lead has, who gets the task."""

    assign: Assign
    existing: Literal["use", "update", "refuse", "always_new"] = "use"
    source: str | None = None
    status: str | None = None
    fields: dict[str, Any] = {}
    task: Task = Task()
    own_lead: bool = True
    calendar: Calendar = Calendar()


class Given(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a call gives: the lead as the unified model has it; what its task says otherwise; the user, if chosen."""

    lead: dict[str, Any]
    task: dict[str, Any] = {}
    assignee: str | None = None


class LeadTask:
    """The recipe."""

    settings: type[Struct] = Settings
    watches = False

    def check(self, before: Settings | None, settings: Settings) -> None:
        """Raise `UnusableSettings` for what no lead could make work."""
        settings.assign.check()
        settings.calendar.check()

    async def look(self, work: Work) -> tuple[Sequence[Occasion], datetime | None]:
        """Nothing: it fires when it is called."""
        return (), None

    async def admit(self, work: Work, given: Mapping[str, JSON], key: str | None) -> Occasion:
        """One lead. The caller's key names it, else it is new each time. Raises `UnusableInput`."""
        read = _read(given)
        email, chosen = _email(read.lead), _settings(work)
        fires = key or new_id(work.now, CHANCE)
        subject = f"lead {email.casefold()}" if email and chosen.existing != "always_new" else fires
        return Occasion(key=fires, subject=subject, input=dict(given))

    async def plan(self, work: Work, given: Mapping[str, JSON]) -> Planned:
        """The lead, if it is not there, and the task linked with it."""
        settings, read = _settings(work), _read(given)
        task = _task(settings, read)
        body = dict(settings.fields) | dict(read.lead)
        for name, usual in (("lead_source", settings.source), ("status", settings.status)):
            if usual is not None:
                body.setdefault(name, {"name": usual})
        record = _shown(body)
        wire = None if settings.existing == "always_new" else await _find(work, _email(body))
        if wire is not None and settings.existing == "refuse":
            return Planned(skip=f"lead {wire.get('LEAD_ID')} has this e-mail address already")
        user = read.assignee or await _choose(work, settings.assign, record)
        if wire is None:
            if settings.own_lead:
                body.setdefault("assignee", user)
            lead = str(place_of(await work.create(LEADS, body, "lead")))
        else:
            lead = str(wire.get("LEAD_ID"))
            if settings.existing == "update":
                await _update(work, lead, body, wire)
        await work.create(
            CRM["tasks"], _task_body(settings, task, record, user, work.now) | {"lead": [{"id": lead}]}, "task"
        )
        result: dict[str, JSON] = {} if wire is None else {"lead": lead}
        return Planned(steps=tuple(work.steps), result=result | {"existing": wire is not None})


def _settings(work: Work) -> Settings:
    return convert(work.automation.settings, Settings)


def _read(given: Mapping[str, JSON]) -> Given:
    try:
        return convert(dict(given), Given)
    except ValidationError as error:
        raise UnusableInput(f"The input cannot be read: {error}. It is {{lead, task, assignee}}") from error


def _task(settings: Settings, given: Given) -> Task:
    """The task of the settings, with what this call says otherwise."""
    try:
        return convert({**to_builtins(settings.task), **given.task}, Task)
    except ValidationError as error:
        raise UnusableInput(f"The task cannot be read: {error}") from error


def _email(body: Mapping[str, Any]) -> str | None:
    """The first e-mail address of a lead."""
    given = body.get("email_addresses")
    first = given[0] if isinstance(given, list) and given else None
    found = first.get("email") if isinstance(first, dict) else first
    return found.strip() if isinstance(found, str) and found.strip() else None


def _shown(body: Mapping[str, Any]) -> dict[str, JSON]:
    """What templates and rules read: the lead as it was given, with its name and address in one."""
    name = " ".join(str(part) for key in ("first_name", "last_name") if (part := body.get(key))) or body.get("name")
    blank: dict[str, JSON] = dict.fromkeys(LEADS.row)
    custom = body.get("custom_fields")
    custom = custom if isinstance(custom, dict) else {}
    return blank | {"name": name} | dict(body) | {"email": _email(body), "custom_fields": custom}


async def _find(work: Work, email: str | None) -> Wire | None:
    """The lead of an address: the one that an earlier firing made, which a search may not know yet, else the newest."""
    if email is None:
        return None
    for result in await work.earlier() if work.earlier is not None else ():
        made = result.get("made")
        known = result.get("lead") or (made.get("lead") if isinstance(made, dict) else None)
        if known is not None:
            try:
                wire = await read_wire(work.asker, LEADS, str(known))
            except NotFound:
                continue
            if not wire.get("CONVERTED"):
                return wire
    hits = await find(work.asker, Search("Lead", "EMAIL", email))
    same = [
        wire
        for wire in hits
        if not wire.get("CONVERTED") and str(wire.get("EMAIL") or "").strip().casefold() == email.casefold()
    ]
    return max(same, key=lambda wire: int(str(wire.get("LEAD_ID"))), default=None)


async def _choose(work: Work, assign: Assign, record: Mapping[str, JSON]) -> str:
    """The user by the rule. Raises `UnusableInput` where it names nobody."""
    if assign.user is not None:
        return assign.user
    if assign.in_turn:
        assert work.turn is not None, "firings and rehearsals have turns"
        return assign.in_turn[await work.turn(len(assign.in_turn))]
    value = fill_template(f"{{{assign.field}}}", record)
    user = assign.by_value(value)
    if user is None:
        raise UnusableInput(f"assign: nobody has {assign.field} {value!r}, and otherwise names nobody")
    return user


async def _update(work: Work, lead: str, body: Mapping[str, JSON], wire: Wire) -> None:
    """Plan the change of a lead that is there."""
    wanted = needs_write(LEADS, body, creates=False)
    known, _ = await work.service.learn(work.asker, LEADS, wanted, searches(LEADS, body))
    plan = plan_update(LEADS, lead, body, known, present=wire)
    work.steps += steps_of_update(plan, "lead")


def _task_body(settings: Settings, task: Task, record: Mapping[str, JSON], user: str, now: datetime) -> dict[str, JSON]:
    body: dict[str, JSON] = {
        "subject": fill_template(task.title, record)[:500],
        "priority": task.priority,
        "assignee": user,
    }
    if task.details is not None:
        body["content"] = fill_template(task.details, record)
    if task.due is not None:
        body["due_date"] = settings.calendar.due(now, task.due)
    if task.category is not None:
        body["type"] = {"name": task.category}
    return body
