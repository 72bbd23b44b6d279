"""A sandbox's whole state: its accounts, clock, faults and log."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from crosswalk.sandbox.account import Account, Recipe, open_account
from crosswalk.sandbox.auth import read_key
from crosswalk.sandbox.call import User
from crosswalk.sandbox.clock import Clock
from crosswalk.sandbox.faults import Latency, Rule, Script, Where
from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.log import Log
from crosswalk.sandbox.plans import make_plans
from crosswalk.sandbox.switches import Switches

MOST_DOORS = 4096
"""`Authorization` values remembered; a caller that varies its password must not grow the table for ever."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Whose call it is."""

    account: Account
    user: User


class Sandbox:
    """Every account of one sandbox. `wall` and `steady` read the machine's clocks, `latency` delays every call."""

    def __init__(
        self,
        recipes: Sequence[Recipe],
        *,
        latency_ms: float = 0.0,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.wall, self.steady = wall, steady
        self.clock = Clock(wall)
        self.accounts: Mapping[str, Account] = {r.name: open_account(r, self.clock.now) for r in recipes}
        standing = (Rule(Where(), Latency(ms=latency_ms)),) if latency_ms else ()
        self.script = Script(standing)
        self.log = Log()
        self.doors: dict[str, Guest] = {}

    @property
    def first(self) -> Account:
        """The account that is meant when none is named."""
        return next(iter(self.accounts.values()))

    def admit(self, header: str) -> Guest | None:
        """Find who calls with this `Authorization` header."""
        return self.doors.get(header) or self.knock(header)

    def knock(self, header: str) -> Guest | None:
        """Look a key up, and remember the header that carried it."""
        key = read_key(header)
        found = ((account, account.user(key)) for account in self.accounts.values() if key is not None)
        guest = next((Guest(account, user) for account, user in found if user is not None), None)
        if guest is not None:
            if len(self.doors) >= MOST_DOORS:
                self.doors.clear()
            self.doors[header] = guest
        return guest

    def forget_keys(self) -> None:
        """Look every key up anew, after users or their access changed."""
        self.doors.clear()

    def reset(self) -> None:
        """Go back to the beginning: records, limits, plan, switches, clock, faults and log."""
        self.clock.reset()
        self.script.load(())
        for account in self.accounts.values():
            account.reset(self.clock.now)
        self.log.clear()
        self.forget_keys()


def make_recipes(
    *,
    accounts: int = 1,
    seed: int = 1,
    sizes: Mapping[str, int] | None = None,
    api_key: str | None = None,
    plan: str = "enterprise",
    limits: Limits | None = None,
    switches: Switches | None = None,
) -> list[Recipe]:
    """Say how to make some accounts alike but for their name, data and key; `api_key` is the first one's."""
    chosen = make_plans()[plan]
    return [
        Recipe(
            name=f"account-{number}",
            plan=chosen,
            limits=limits or Limits(per_day=chosen.per_day),
            switches=switches or Switches(),
            seed=seed,
            sizes=sizes or {},
            api_key=api_key if number == 1 else None,
        )
        for number in range(1, accounts + 1)
    ]
