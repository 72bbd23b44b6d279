"""The one way to Insightly: every call of every room is made by a client from here."""

from crosswalk.gate.gate import Credential, Limits, connect
from crosswalk.gate.pacer import BudgetSpent

__all__ = ["BudgetSpent", "Credential", "Limits", "connect"]
