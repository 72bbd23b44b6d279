"""Closed-won kickoff: a won opportunity becomes a project with milestones and tasks, once.

A win is known by the opportunity and the time that its history gives for it. Without a history the day that it closed
counts; without that too, the firing is skipped until a person replays it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct, convert

from crosswalk.automations.due import WEEKEND, due_on
from crosswalk.automations.errors import UnusableInput, UnusableSettings
from crosswalk.automations.recipe import Occasion, Planned, Work, fill_template
from crosswalk.automations.steps import Step, place_of
from crosswalk.insightly.call import Call
from crosswalk.insightly.errors import NotFound
from crosswalk.insightly.wire import to_moment, to_query
from crosswalk.unified.known import JSON, Wire
from crosswalk.unified.nouns import CRM
from crosswalk.unified.reference import find_id
from crosswalk.unified.wire_list import read_list, walk_all

WON = "WON"
OVERLAP = timedelta(minutes=2)
"""How far each look goes back behind the newest change that was seen: a search may lag."""
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Days = Annotated[int, Meta(ge=0, le=1000)]


class Task(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A task of the template. `assignee` is a role, `owner`, `assignee`, or a user by e-mail, name or id.

    `due` counts working days from the day of the win; `milestone` is one of the template's, by title.
    """

    title: Text
    details: str | None = None
    assignee: str | None = None
    due: Days | None = None
    priority: Literal["low", "normal", "high"] = "normal"
    milestone: str | None = None
    category: str | None = None


class Milestone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A milestone of the template, due so many working days after the win."""

    title: Text
    due: Days
    assignee: str | None = None


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What fires, and what is made. Without `stages` the state WON fires; `again` says whether another win does.

    `carry` gives custom fields of the project their opportunity's; `roles` give a role its user.
    """

    pipeline: str | None = None
    stages: tuple[Text, ...] = ()
    again: Literal["never", "each_win"] = "never"
    name: Text = "{name}"
    details: str | None = None
    category: str | None = None
    assignee: str = "assignee"
    project_pipeline: str | None = None
    project_stage: str | None = None
    carry: dict[str, str] = {}
    link_contacts: bool = True
    roles: dict[str, str] = {}
    milestones: tuple[Milestone, ...] = ()
    tasks: Annotated[tuple[Task, ...], Meta(max_length=100)] = ()
    activity_set: str | None = None
    timezone: str = "UTC"
    weekend: tuple[Annotated[int, Meta(ge=0, le=6)], ...] = tuple(sorted(WEEKEND))
    holidays: tuple[date, ...] = ()
    every_seconds: Annotated[int, Meta(ge=10, le=86_400)] = 300


class Kickoff:
    """The recipe."""

    settings: type[Struct] = Settings
    watches = True

    def check(self, before: Settings | None, settings: Settings) -> None:
        """Raise `UnusableSettings` for what no opportunity could make work."""
        if settings.again == "each_win" and settings.stages:
            raise UnusableSettings("again: Insightly keeps no history of stages; each_win goes with the state WON only")
        if before is not None and before.again != settings.again:
            raise UnusableSettings("again cannot be changed: past wins would fire anew. Make another automation")
        titles = [each.title for each in settings.milestones]
        if len(titles) != len(set(titles)):
            raise UnusableSettings("milestones: two have the same title; tell them apart")
        unknown = [each.milestone for each in settings.tasks if each.milestone and each.milestone not in titles]
        if unknown:
            raise UnusableSettings(
                f"tasks: there is no milestone {unknown[0]!r}; there are {', '.join(titles) or 'none'}"
            )
        try:
            ZoneInfo(settings.timezone)
            due_on(date(2026, 1, 1), 0, weekend=settings.weekend, holidays=settings.holidays)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UnusableSettings(f"timezone or weekend: {error}") from error

    async def look(self, work: Work) -> tuple[Sequence[Occasion], datetime | None]:
        """Opportunities that were won since; those that stood in a chosen stage at the first look are skipped."""
        settings, automation = _settings(work), work.automation
        first = automation.seen_until is None
        since = (automation.seen_until or automation.created_at) - OVERLAP
        seen, found = automation.seen_until or automation.created_at, []
        stages = await _stages(work, settings)
        for wire in await _standing(work, stages) if first and stages else ():
            why = "it stood in this stage when the automation was made; replay it to fire"
            found.append(_occasion(wire, _subject(wire), skip=why))
        query = {"updated_after_utc": to_query(since)}
        async for page in walk_all(work.asker.crm, CRM["opportunities"].resource, suffix="/Search", query=query):
            for wire in page:
                seen = max(seen, to_moment(str(wire.get("DATE_UPDATED_UTC"))))
                occasion = await self._won(work, wire, stages)
                found += [] if occasion is None else [occasion]
        return found, seen

    async def _won(self, work: Work, wire: Wire, stages: frozenset[int]) -> Occasion | None:
        """What one opportunity that changed fires, if anything."""
        if stages:
            return _occasion(wire, _subject(wire)) if wire.get("STAGE_ID") in stages else None
        if str(wire.get("OPPORTUNITY_STATE") or "").upper() != WON:
            return None
        at = await _won_at(work, wire)
        if at is None:
            return _occasion(wire, _subject(wire), skip="nothing says when it was won; replay it to fire")
        if at < work.automation.created_at.replace(microsecond=0):
            return None
        return _occasion(wire, _key(work, wire, at), at=at)

    async def admit(self, work: Work, given: Mapping[str, JSON], key: str | None) -> Occasion:
        """One opportunity by its id, if it is won; when it was won does not matter here. Raises `UnusableInput`."""
        record_id = given.get("opportunity")
        if set(given) != {"opportunity"} or not str(record_id).isdigit():
            raise UnusableInput('Give the opportunity by its id, {"opportunity": "7"}')
        try:
            wire = (await work.service.get(work.asker, CRM["opportunities"], str(record_id))).remote
        except NotFound as error:
            raise UnusableInput(f"There is no opportunity {record_id}") from error
        stages = await _stages(work, _settings(work))
        if stages and wire.get("STAGE_ID") not in stages:
            raise UnusableInput(f"Opportunity {record_id} is in none of the stages that fire")
        if stages:
            return _occasion(wire, _subject(wire))
        state = str(wire.get("OPPORTUNITY_STATE") or "").upper()
        if state != WON:
            raise UnusableInput(f"Opportunity {record_id} is {state or 'in no state'}, not {WON}")
        at = await _won_at(work, wire)
        return _occasion(wire, _key(work, wire, at), at=at)

    async def plan(self, work: Work, given: Mapping[str, JSON]) -> Planned:
        """The project with its links, its place in a pipeline, milestones, an activity set and tasks."""
        settings = _settings(work)
        shown = await work.service.get(work.asker, CRM["opportunities"], str(given["opportunity"]))
        start = _start(given, settings, work.now)
        project = await work.create(CRM["projects"], _project(settings, shown.record), "project")
        milestones = await _add_milestones(work, settings, shown.record, project=project, start=start)
        if settings.activity_set is not None:
            await _assign(work, settings.activity_set, project, start)
        for number, task in enumerate(settings.tasks, start=1):
            body = _task(settings, task, shown.record, start) | {"project": {"id": str(place_of(project))}}
            if task.milestone is not None:
                body["milestone"] = {"id": str(place_of(milestones[task.milestone]))}
            await work.create(CRM["tasks"], body, f"task {number}")
        return Planned(steps=tuple(work.steps), result={"opportunity": str(given["opportunity"])})


def _key(work: Work, wire: Wire, at: datetime | None) -> str:
    """By what a win fires once: the opportunity, and with `each_win` the time of the win."""
    each = _settings(work).again == "each_win" and at is not None
    return f"{_subject(wire)} won {at:%Y-%m-%d %H:%M:%S}" if each else _subject(wire)


def _settings(work: Work) -> Settings:
    return convert(work.automation.settings, Settings)


def _subject(wire: Wire) -> str:
    return f"opportunity {wire.get('OPPORTUNITY_ID')}"


def _occasion(wire: Wire, key: str, *, at: datetime | None = None, skip: str | None = None) -> Occasion:
    given: dict[str, JSON] = {"opportunity": str(wire.get("OPPORTUNITY_ID"))}
    if at is not None:
        given["won_at"] = at.isoformat()
    return Occasion(key=key, subject=_subject(wire), input=given, skip=skip)


async def _stages(work: Work, settings: Settings) -> frozenset[int]:
    """The ids of the stages that fire. Raises `Unfit` for a name that the account does not have."""
    if not settings.stages:
        return frozenset()
    known, _ = await work.service.learn(work.asker, CRM["opportunities"], ("pipelines", "stages"))
    within: dict[str, JSON] = {}
    if settings.pipeline is not None:
        within["PIPELINE_ID"] = find_id(known, "pipelines", settings.pipeline)
    return frozenset(find_id(known, "stages", each, within=within) for each in settings.stages)


async def _standing(work: Work, stages: frozenset[int]) -> Sequence[Wire]:
    """The opportunities that stand in these stages now."""
    found: list[Wire] = []
    for stage in sorted(stages):
        query = {"field_name": "STAGE_ID", "field_value": str(stage)}
        async for page in walk_all(work.asker.crm, CRM["opportunities"].resource, suffix="/Search", query=query):
            found += page
    return found


async def _won_at(work: Work, wire: Wire) -> datetime | None:
    """When the present win began: the first WON after the last other state, else the day that it closed."""
    call = Call(method="GET", path=f"/Opportunities/{wire.get('OPPORTUNITY_ID')}/StateHistory", reads=True)
    history = read_list(call, await work.asker.crm.call(call))
    began: datetime | None = None
    for entry in sorted(history, key=lambda entry: str(entry.get("DATE_CHANGED_UTC"))):
        if str(entry.get("FOR_OPPORTUNITY_STATE") or "").upper() != WON:
            began = None
        elif began is None:
            began = to_moment(str(entry.get("DATE_CHANGED_UTC")))
    closed = wire.get("ACTUAL_CLOSE_DATE")
    if began is None and isinstance(closed, str):
        # a day alone: its end, so that a win of the day on which the automation was made counts
        return to_moment(closed) + timedelta(days=1) - timedelta(seconds=1)
    return began


def _start(given: Mapping[str, JSON], settings: Settings, now: datetime) -> date:
    """The day from which due dates count, where the people are."""
    said = given.get("won_at")
    at = to_moment(said) if isinstance(said, str) else now
    return min(at, now).astimezone(ZoneInfo(settings.timezone)).date()


def _project(settings: Settings, deal: Mapping[str, JSON]) -> dict[str, JSON]:
    """The project in the unified model's words."""
    body: dict[str, JSON] = {
        "name": fill_template(settings.name, deal)[:255],
        "opportunity": [{"id": deal["id"]}],
    }
    if settings.details is not None:
        body["description"] = fill_template(settings.details, deal)
    for name, value in (("owner", deal.get("owner")), ("assignee", _user(settings, settings.assignee, deal))):
        if value is not None:
            body[name] = _id_alone(value)
    if deal.get("account") is not None:
        body["account"] = _id_alone(deal["account"])
    contacts = deal.get("contact")
    if settings.link_contacts and isinstance(contacts, list) and contacts:
        body["contact"] = [_id_alone(each) for each in contacts]
    if settings.category is not None:
        body["category"] = {"name": settings.category}
    if settings.project_pipeline is not None:
        body["pipeline"] = {"name": settings.project_pipeline}
    if settings.project_stage is not None:
        body["stage"] = {"name": settings.project_stage}
    carried = dict(_carried(settings, deal))
    return body | ({"custom_fields": carried} if carried else {})


def _carried(settings: Settings, deal: Mapping[str, JSON]) -> Iterator[tuple[str, JSON]]:
    custom = deal.get("custom_fields")
    for ours, theirs in settings.carry.items():
        value = custom.get(theirs) if isinstance(custom, dict) else None
        if value is not None:
            yield ours, value


def _user(settings: Settings, who: str | None, deal: Mapping[str, JSON]) -> JSON:
    """The user that a role, `owner`, `assignee`, or the user's own name stands for."""
    chosen = settings.roles.get(who, who) if who is not None else None
    if chosen in {"owner", "assignee"}:
        return deal.get(chosen) or deal.get("owner")
    return chosen


def _id_alone(value: JSON) -> JSON:
    return {"id": value["id"]} if isinstance(value, dict) and value.get("id") is not None else value


def _task(settings: Settings, task: Task, deal: Mapping[str, JSON], start: date) -> dict[str, JSON]:
    body: dict[str, JSON] = {"subject": fill_template(task.title, deal)[:500], "priority": task.priority}
    if task.details is not None:
        body["content"] = fill_template(task.details, deal)
    if (user := _user(settings, task.assignee or "assignee", deal)) is not None:
        body["assignee"] = _id_alone(user)
    if task.due is not None:
        body["due_date"] = str(due_on(start, task.due, weekend=settings.weekend, holidays=settings.holidays))
    if task.category is not None:
        body["type"] = {"name": task.category}
    return body


async def _add_milestones(
    work: Work, settings: Settings, deal: Mapping[str, JSON], *, project: int, start: date
) -> Mapping[str, int]:
    """Milestones by their titles in the template."""
    numbers: dict[str, int] = {}
    for each in settings.milestones:
        title = fill_template(each.title, deal)[:500]
        due = due_on(start, each.due, weekend=settings.weekend, holidays=settings.holidays)
        body: dict[str, JSON] = {"TITLE": title, "DUE_DATE": f"{due} 00:00:00", "COMPLETED": False}
        user = _user(settings, each.assignee or "assignee", deal)
        if user is not None:
            body["RESPONSIBLE_USER"] = await work.find(CRM["projects"], "users", user)
        parent = f"/Projects/{place_of(project)}/Milestones"
        numbers[each.title] = work.add(
            Step(
                name=f"create Milestone {title}",
                method="POST",
                path=parent,
                body=body,
                named=f"milestone {len(numbers) + 1}",
                object="Milestone",
                id_field="MILESTONE_ID",
                settling="titled",
                find=("TITLE", title),
                undo=f"{parent}/{{id}}",
            )
        )
    return numbers


async def _assign(work: Work, wanted: str, project: int, start: date) -> None:
    """Let Insightly make the tasks and events of one of the account's own activity sets."""
    call = Call(method="GET", path="/ActivitySets", params={"top": "500"}, reads=True)
    sets = [each for each in read_list(call, await work.asker.crm.call(call)) if each.get("FOR_PROJECTS")]
    hits = [
        each
        for each in sets
        if wanted == str(each.get("ACTIVITYSET_ID")) or str(each.get("NAME")).casefold() == wanted.casefold()
    ]
    if len(hits) != 1:
        known = ", ".join(sorted(str(each.get("NAME")) for each in sets)) or "none"
        raise UnusableInput(f"activity_set: {len(hits)} sets for projects are called {wanted!r}; there are {known}")
    path = f"/Projects/{place_of(project)}/ActivitySetAssignment"
    body: dict[str, JSON] = {"ACTIVITYSET_ID": hits[0]["ACTIVITYSET_ID"], "START_DATE": f"{start} 00:00:00"}
    work.add(Step(name=f"assign activity set {wanted}", method="POST", path=path, body=body, settling="assigned"))
