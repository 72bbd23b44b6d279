"""The one way to Insightly: every call of every room is made by a client from here."""

from crosswalk.gate.budget import RESERVE, Budget
from crosswalk.gate.gate import Credential, Limits, Track, budget, connect, shared_budget, shared_track, track
from crosswalk.gate.hearing import About, Hear, deaf
from crosswalk.gate.meter import Meter
from crosswalk.gate.paces import Paces, open_paces
from crosswalk.gate.purpose import calling_for
from crosswalk.gate.tally import BudgetReserved, BudgetSpent

__all__ = [
    "RESERVE",
    "About",
    "Budget",
    "BudgetReserved",
    "BudgetSpent",
    "Credential",
    "Hear",
    "Limits",
    "Meter",
    "Paces",
    "Track",
    "budget",
    "calling_for",
    "connect",
    "deaf",
    "open_paces",
    "shared_budget",
    "shared_track",
    "track",
]
