"""Reasons of dead letters brought to a common form, so that equal troubles are counted together. Pure."""

import re
from hashlib import sha256

HINTS = re.compile(r"\.? (?:Near: |There are: |Did you mean |Options: ).*", re.DOTALL)
"""What is offered in place of a value differs from value to value."""
VARYING = (
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "…"),
    (re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`"), "…"),
    (re.compile(r"\b\d[\d.,:/-]*"), "…"),
)
MOST_CHARACTERS = 300
ID_CHARACTERS = 12


def normalise(reason: str) -> str:
    """The reason with what varies from row to row (ids, quoted values, numbers, dates, near names) left out."""
    reason = HINTS.sub("", reason)
    for pattern, instead in VARYING:
        reason = pattern.sub(instead, reason)
    return " ".join(reason.split())[:MOST_CHARACTERS]


def group_of(reason: str) -> str:
    """The id of the group that a reason belongs to: equal for reasons of one common form."""
    return sha256(normalise(reason).encode()).hexdigest()[:ID_CHARACTERS]
