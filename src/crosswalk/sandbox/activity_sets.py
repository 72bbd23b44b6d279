"""Activity sets: prepared tasks and events, made and linked when a set is assigned to a record."""

from datetime import datetime, timedelta

import msgspec

from crosswalk.contract import load
from crosswalk.sandbox.answers import success
from crosswalk.sandbox.bodies import read_object, take_shape
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.linked import end_of, join
from crosswalk.sandbox.refusals import Invalid
from crosswalk.sandbox.values import format_moment

HEAD = "apiActivitySetAssignment"
WEEK = ("SKIP_MON", "SKIP_TUE", "SKIP_WED", "SKIP_THU", "SKIP_FRI", "SKIP_SAT", "SKIP_SUN")


def assign_activity_set(instance: Instance, call: Call) -> Answer:
    """Assign a set to a record: its tasks and events are made and linked to it."""
    end_of(instance, call)
    taken = take_assignment(instance, call, read_object(call, HEAD))
    assign(instance, call, taken)
    return Answer(success(call), msgspec.json.encode(taken))


def take_assignment(instance: Instance, call: Call, body: object) -> dict[str, object]:
    """Read an assignment and check all that it names. Raises `Invalid`."""
    taken = take_shape(load().shape("ActivitySetAssignment"), body, HEAD)
    activities = {a["ACTIVITY_ID"] for a in activities_of(instance, call, taken["ACTIVITYSET_ID"])}
    entries = taken["ACTIVITY_ASSIGNMENTS"] or []
    if not isinstance(entries, list):
        raise Invalid((f"{HEAD}.ACTIVITY_ASSIGNMENTS", "ACTIVITY_ASSIGNMENTS must be an array."))
    shape, where = load().shape("ActivityAssignment"), f"{HEAD}.ACTIVITY_ASSIGNMENTS"
    for name in ("START_DATE", "END_DATE"):
        if taken[name] is not None and not "1900" < str(taken[name]) < "9000":
            raise Invalid((f"{HEAD}.{name}", f"The value '{taken[name]}' is out of range."))
    taken["ACTIVITY_ASSIGNMENTS"] = chosen = [take_shape(shape, entry, where) for entry in entries]
    known = {"ACTIVITY_ID": activities, "RESPONSIBLE_USER_ID": instance.tables["users"].rows}
    known["ASSIGNED_TEAM_ID"] = instance.tables["teams"].rows
    for entry in chosen:
        for name, ids in known.items():
            if entry[name] is not None and entry[name] not in ids:
                raise Invalid((f"{where}.{name}", f"The value '{entry[name]}' is not a valid {name}."))
    return taken


def activities_of(instance: Instance, call: Call, number: object) -> list[dict[str, object]]:
    """Give the activities of a set that may be assigned to this kind of record. Raises `Invalid`."""
    table = instance.tables["activity_sets"]
    row = table.rows.get(number) if isinstance(number, int) else None
    if row is None or not table.get(row, f"FOR_{call.resource.key.upper()}"):
        raise Invalid((f"{HEAD}.ACTIVITYSET_ID", f"The value '{number}' is not a valid ACTIVITYSET_ID."))
    found = table.get(row, "ACTIVITIES")
    return found if isinstance(found, list) else []


def assign(instance: Instance, call: Call, taken: dict[str, object]) -> None:
    """Make what an assignment asks for."""
    start = _moment(taken["START_DATE"]) or call.now.replace(tzinfo=None)
    end = _moment(taken["END_DATE"]) or start
    entries = taken["ACTIVITY_ASSIGNMENTS"]
    chosen = {entry["ACTIVITY_ID"]: entry for entry in entries} if isinstance(entries, list) else {}
    for activity in activities_of(instance, call, taken["ACTIVITYSET_ID"]):
        _make(instance, call, activity, chosen=chosen.get(activity["ACTIVITY_ID"], {}), window=(start, end))


def _make(
    instance: Instance,
    call: Call,
    activity: dict[str, object],
    *,
    chosen: dict[str, object],
    window: tuple[datetime, datetime],
) -> None:
    due = _due(activity, *window)
    facts: dict[str, object]
    responsible = chosen.get("RESPONSIBLE_USER_ID") or activity["RESPONSIBLE_USER_ID"] or call.user.id
    if activity["ACTIVITY_TYPE"] == "Event":
        hours = int(str(activity["DURATION"] or 1))
        facts = {"START_DATE_UTC": _text(due), "END_DATE_UTC": _text(due + timedelta(hours=hours))}
        key = "events"
    else:
        facts = {"DUE_DATE": f"{due.date()} 00:00:00", "STATUS": "NOT STARTED", "PRIORITY": 2, "PERCENT_COMPLETE": 0}
        facts |= {"RESPONSIBLE_USER_ID": responsible, "CATEGORY_ID": activity["CATEGORY_ID"]}
        facts |= {"ASSIGNED_BY_USER_ID": call.user.id, "ASSIGNED_TEAM_ID": chosen.get("ASSIGNED_TEAM_ID")}
        key = "tasks"
    _keep(
        instance, call, key, facts=facts | {"TITLE": activity["ACTIVITY_NAME"], "DETAILS": activity["ACTIVITY_DETAILS"]}
    )


def _keep(instance: Instance, call: Call, key: str, *, facts: dict[str, object]) -> None:
    table, now = instance.tables[key], format_moment(call.now)
    facts |= {"OWNER_USER_ID": call.user.id, "CREATED_USER_ID": call.user.id}
    facts |= {"DATE_CREATED_UTC": now, "DATE_UPDATED_UTC": now}
    values = [facts.get(name, blank) for name, blank in zip(table.schema.names, table.schema.blank, strict=True)]
    row = table.add(values, version=instance.next_version(), born=call.now.timestamp())
    join(instance, (key, row.id), end_of(instance, call), now=call.now)


def _due(activity: dict[str, object], start: datetime, end: datetime) -> datetime:
    kind = "EVENT" if activity["ACTIVITY_TYPE"] == "Event" else "DUE"
    before = activity[f"{kind}_DAYS_BEFORE_END"]
    after = activity[f"{kind}_DAYS_AFTER_START"]
    due = end - timedelta(days=int(str(before))) if before else start + timedelta(days=int(str(after or 0)))
    while activity[WEEK[due.weekday()]] and not all(activity[day] for day in WEEK):
        due += timedelta(days=1)
    return due


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _text(moment: datetime) -> str:
    return moment.isoformat(" ", "seconds")
