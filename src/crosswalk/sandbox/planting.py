"""How a seed puts a record into an instance."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar

from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.table import Row, Table

T = TypeVar("T")
YEARS = 63_072_000  # two of them in seconds: how far back the records go
REST = 86_400  # and how long nothing has happened


class Planting:
    """An instance that is being seeded: its size, its randomness, and what its records have in common."""

    def __init__(self, instance: Instance, *, seed: int, sizes: Mapping[str, int], now: datetime) -> None:
        self.instance = instance
        self.sizes = sizes
        self.now = now.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        self.rng = Random(f"{seed}/{instance.name}")  # noqa: S311 (made-up data)

    def table(self, key: str) -> Table:
        """Find a table."""
        return self.instance.tables[key]

    def ids(self, key: str) -> Sequence[int]:
        """Give the ids planted so far."""
        return self.instance.tables[key].order

    def choose(self, things: Sequence[T]) -> T:
        """Choose one."""
        return things[int(self.rng.random() * len(things))]

    def happens(self, share: float) -> bool:
        """Whether something happens that happens in this share of cases."""
        return self.rng.random() < share

    def one_of(self, key: str, share: float = 1.0) -> int | None:
        """Choose the id of a record, in this share of cases; `None` otherwise, or where there is none."""
        ids = self.ids(key)
        return self.choose(ids) if ids and self.happens(share) else None

    def made(self, i: int, n: int) -> datetime:
        """Tell when the i-th of n records was made: in order of id, over the last two years."""
        return self.now - timedelta(seconds=REST + int(YEARS * (n - i) / (n + 1)))

    def later(self, moment: datetime) -> datetime:
        """Choose a moment between this one and yesterday."""
        span = (self.now - moment).total_seconds() - REST
        return moment + timedelta(seconds=int(self.rng.random() ** 2 * max(span, 0)))

    def day(self, days: int) -> str:
        """Write a day, so many days from now."""
        return f"{(self.now + timedelta(days=days)).date()} 00:00:00"

    def add(self, key: str, facts: Mapping[str, object], *, i: int = 0, n: int = 1) -> Row:
        """Put a record into its table, made and updated in the past."""
        table = self.instance.tables[key]
        place, values = table.schema.place, list(table.schema.blank)
        made = self.made(i, n)
        if "date_created_utc" in place:
            values[place["date_created_utc"]] = made.isoformat(" ")
        if "date_updated_utc" in place:
            values[place["date_updated_utc"]] = self.later(made).isoformat(" ")
        for name in ("owner_user_id", "created_user_id"):
            if name in place:
                values[place[name]] = self.choose(self.ids("users")) if self.ids("users") else None
        for name, value in facts.items():
            values[place[name.lower()]] = value
        return table.add(values, version=self.instance.next_version(), born=made.replace(tzinfo=UTC).timestamp())

    def link(self, near: tuple[str, int], far: tuple[str, int | None], *, role: str | None = None) -> None:
        """Link two records; nothing happens where the far one is missing."""
        key, number = far
        if number is None or self.instance.links.between(near, (key, number)) is not None:
            return
        self.instance.links.add(near, (key, number)).role = role
