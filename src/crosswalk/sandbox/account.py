"""One account of the sandbox: an instance with its keys, plan, limits and switches, and how to make it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from crosswalk.sandbox.call import User
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.limits import Limiter, Limits
from crosswalk.sandbox.plans import Plan
from crosswalk.sandbox.seed import make_instance
from crosswalk.sandbox.switches import Switches


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an account is made from, and made from again on reset."""

    name: str
    plan: Plan
    limits: Limits
    switches: Switches
    seed: int = 1
    sizes: Mapping[str, int] = field(default_factory=dict)
    api_key: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Account:
    """An instance and the rules it is reached under. `barred` users have their API access switched off."""

    recipe: Recipe
    instance: Instance
    plan: Plan
    limiter: Limiter
    switches: Switches
    barred: set[int] = field(default_factory=set)
    flying: int = 0
    changes: int = 0

    @property
    def name(self) -> str:
        """What the control plane calls it."""
        return self.recipe.name

    def user(self, key: str) -> User | None:
        """Find the user of a key who may call."""
        return next((user for user in self.instance.users if user.key == key and user.id not in self.barred), None)

    def sow(self, now: datetime, *, seed: int, sizes: Mapping[str, int]) -> None:
        """Put new records in place of all there are; the first key stays."""
        key = self.instance.users[0].key
        self.instance = make_instance(self.name, seed=seed, sizes=sizes, now=now, api_key=key)
        self.instance.plan = self.plan.name.title()
        self.changes += 1

    def join(self, plan: Plan) -> None:
        """Change to another plan, and its calls a day."""
        self.plan = plan
        self.instance.plan = plan.name.title()
        self.limiter.limits = replace(self.limiter.limits, per_day=plan.per_day)

    def reset(self, now: datetime) -> None:
        """Go back to what the account was made as."""
        recipe = self.recipe
        self.plan, self.limiter, self.switches = recipe.plan, Limiter(recipe.limits), recipe.switches
        self.sow(now, seed=recipe.seed, sizes=recipe.sizes)
        self.barred.clear()


def open_account(recipe: Recipe, now: datetime) -> Account:
    """Make an account from its recipe."""
    instance = make_instance(recipe.name, seed=recipe.seed, sizes=recipe.sizes, now=now, api_key=recipe.api_key)
    instance.plan = recipe.plan.name.title()
    return Account(recipe, instance, recipe.plan, Limiter(recipe.limits), recipe.switches)
