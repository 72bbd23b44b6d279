"""Plan profiles: how many calls a day a plan has and which collections it closes, read from the contract's facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from crosswalk.contract import load

PlanName = Literal["free", "legacy", "plus", "professional", "enterprise"]


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan of Insightly: its daily calls, and the status that answers for each closed collection."""

    name: str
    per_day: int
    closed: Mapping[str, int]


@cache
def make_plans() -> Mapping[str, Plan]:
    """Build every plan by its name in lower case.

    Only the Professional plan's closed collections are recorded (S3); plans below it are assumed to close the same.
    """
    closed = dict.fromkeys(_texts("plan_professional_403"), 403) | dict.fromkeys(_texts("plan_professional_404"), 404)
    plans = {}
    for line in _texts("rate_daily"):
        name, _, calls = line.lower().rpartition(" ")
        plans[name] = Plan(name, int(calls), {} if name == "enterprise" else closed)
    return plans


def _texts(fact: str) -> tuple[str, ...]:
    value = load().facts[fact].value
    if not isinstance(value, tuple):
        raise TypeError(f"The contract's fact {fact} is no list of texts; see contract/facts.json.")
    return value
