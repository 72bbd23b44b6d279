"""Links between records: one link, seen from both of its ends."""

from collections.abc import Iterator

from msgspec import Struct

End = tuple[str, int]

# The singular names that a link may carry, and the table behind each. A plural is refused (S2).
LINKABLE = {
    "Contact": "contacts",
    "Organisation": "organisations",
    "Opportunity": "opportunities",
    "Project": "projects",
    "Lead": "leads",
    "Task": "tasks",
    "Event": "events",
    "Note": "notes",
    "Email": "emails",
}
TABLES = {name.lower(): key for name, key in LINKABLE.items()} | {"organization": "organisations"}
NAMES = {key: name for name, key in LINKABLE.items()}


class Link(Struct):
    """One link. `near` is the end that made it; IS_FORWARD is told from there and turned at the other end."""

    id: int
    near: End
    far: End
    role: str | None = None
    details: str | None = None
    relationship_id: int | None = None
    forward: bool = True

    def other(self, end: End) -> End:
        """Give the end that is not this one."""
        return self.far if end == self.near else self.near

    def seen_from(self, end: End) -> dict[str, object]:
        """Describe the link as the record at this end shows it."""
        key, number = self.other(end)
        return {
            "LINK_ID": self.id,
            "OBJECT_NAME": NAMES[end[0]],
            "OBJECT_ID": end[1],
            "LINK_OBJECT_NAME": NAMES[key],
            "LINK_OBJECT_ID": number,
            "ROLE": self.role,
            "DETAILS": self.details,
            "RELATIONSHIP_ID": self.relationship_id,
            "IS_FORWARD": self.forward if end == self.near else not self.forward,
        }


class Links:
    """Every link of an instance, found by its id and by either end."""

    def __init__(self, first_id: int) -> None:
        self.by_id: dict[int, Link] = {}
        self.by_end: dict[End, dict[int, Link]] = {}
        self.next_id = first_id

    def add(self, near: End, far: End) -> Link:
        """Make a link between two records."""
        link = Link(self.next_id, near, far)
        self.next_id += 1
        self.keep(link)
        return link

    def keep(self, link: Link) -> None:
        """File a link under its id and both ends."""
        self.by_id[link.id] = link
        for end in (link.near, link.far):
            self.by_end.setdefault(end, {})[link.id] = link

    def drop(self, link: Link) -> None:
        """Forget a link at both ends."""
        del self.by_id[link.id]
        for end in (link.near, link.far):
            self.by_end[end].pop(link.id, None)
            if not self.by_end[end]:
                del self.by_end[end]

    def of(self, end: End) -> tuple[Link, ...]:
        """Give a record's links, oldest first."""
        return tuple(self.by_end.get(end, {}).values())

    def between(self, end: End, far: End) -> Link | None:
        """Find the link between two records."""
        return next((link for link in self.of(end) if link.other(end) == far), None)

    def linked(self, end: End, key: str) -> Iterator[int]:
        """Yield ids of the records of one kind that are linked to this one."""
        return (number for kind, number in (link.other(end) for link in self.of(end)) if kind == key)
