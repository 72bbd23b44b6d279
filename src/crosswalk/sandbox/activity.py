"""When something last happened with a record, and what comes next: told from what is linked to it.

The two fields move with every write of a linked activity, not with the clock alone.
"""

from collections.abc import Iterator
from datetime import datetime

from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.links import End
from crosswalk.sandbox.rules import Draft
from crosswalk.sandbox.table import Row
from crosswalk.sandbox.values import format_moment

DATED = frozenset({"contacts", "leads", "opportunities", "organisations", "projects"})
HAPPENED = {
    "notes": "DATE_CREATED_UTC",
    "emails": "EMAIL_DATE_UTC",
    "events": "START_DATE_UTC",
    "tasks": "COMPLETED_DATE_UTC",
}
EXPECTED = {"events": "START_DATE_UTC", "tasks": "DUE_DATE"}


def note_activity(draft: Draft, row: Row) -> None:
    """Tell the records that an activity is linked to of its change."""
    refresh_around(draft.instance, (draft.table.schema.key, row.id), now=draft.now)


def refresh_around(instance: Instance, end: End, *, now: datetime) -> None:
    """Bring up to date every record that a record is linked to."""
    for link in instance.links.of(end):
        refresh_activity(instance, link.other(end), now=now)


def refresh_activity(instance: Instance, end: End, *, now: datetime) -> None:
    """Write a record's last and next activity anew; nothing happens to a kind that has none."""
    key, number = end
    if key not in DATED:
        return
    table, moment = instance.tables[key], format_moment(now)
    row = table.rows[number]
    found = {
        "LAST_ACTIVITY_DATE_UTC": max((at for at in read_past(instance, end) if at <= moment), default=None),
        "NEXT_ACTIVITY_DATE_UTC": min(read_open(instance, end, moment), default=None),
    }
    if any(table.get(row, name) != at for name, at in found.items()):
        values = list(row.values)
        for name, at in found.items():
            values[table.schema.place[name.lower()]] = at
        table.replace(row, values, version=instance.next_version())


def read_past(instance: Instance, end: End) -> Iterator[str]:
    """Yield when notes, emails and events linked to a record happened and its tasks were completed."""
    for key, name in HAPPENED.items():
        table = instance.tables[key]
        for number in instance.links.linked(end, key):
            at = table.get(table.rows[number], name)
            if isinstance(at, str):
                yield at


def read_open(instance: Instance, end: End, moment: str) -> Iterator[str]:
    """Yield when the events and open tasks linked to a record are due, from now on; a task's day is no moment."""
    for key, name in EXPECTED.items():
        table = instance.tables[key]
        since = moment if key == "events" else moment[: len("2018-04-09")]
        for row in (table.rows[number] for number in instance.links.linked(end, key)):
            at = table.get(row, name)
            if isinstance(at, str) and at > since and not (key == "tasks" and table.get(row, "COMPLETED")):
                yield at
