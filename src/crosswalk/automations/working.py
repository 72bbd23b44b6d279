"""Working days as settings have them, and who gets a task. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from crosswalk.automations.due import WEEKEND, due_on
from crosswalk.automations.errors import UnusableSettings

Weekday = Annotated[int, Meta(ge=0, le=6)]


class Calendar(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which days are working days. In `weekend` Monday is 0."""

    timezone: str = "UTC"
    weekend: tuple[Weekday, ...] = tuple(sorted(WEEKEND))
    holidays: tuple[date, ...] = ()

    def check(self) -> None:
        """Raise `UnusableSettings` for a calendar that has no working day, or no such time zone."""
        try:
            ZoneInfo(self.timezone)
            due_on(date(2026, 1, 1), 0, weekend=self.weekend, holidays=self.holidays)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UnusableSettings(f"timezone or weekend: {error}") from error

    def due(self, at: datetime, days: int) -> str:
        """The day so many working days after a moment, where the people are."""
        start = at.astimezone(ZoneInfo(self.timezone)).date()
        return str(due_on(start, days, weekend=self.weekend, holidays=self.holidays))


class Assign(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who gets the task: one user, several in turn, or by what a field says. A user is an e-mail address, name or id.

    With `field` the user stands in `users_by` under the field's value, whatever its case; `otherwise` gets the rest.
    """

    user: str | None = None
    in_turn: tuple[str, ...] = ()
    field: str | None = None
    users_by: dict[str, str] = {}
    otherwise: str | None = None

    def check(self) -> None:
        """Raise `UnusableSettings` unless exactly one rule is given."""
        rules = [bool(self.user), bool(self.in_turn), bool(self.field)]
        if sum(rules) != 1:
            raise UnusableSettings("assign: give one of user, in_turn and field")
        if self.field and not self.users_by:
            raise UnusableSettings('assign: field needs users_by, such as {"Germany": "ann@example.com"}')

    def by_value(self, value: str) -> str | None:
        """The user of a field's value."""
        folded: Mapping[str, str] = {name.casefold(): user for name, user in self.users_by.items()}
        return folded.get(value.strip().casefold(), self.otherwise)
