"""Reasons of dead letters brought to a common form, so that equal troubles are counted together. Pure."""

import re

VARYING = (
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "…"),
    (re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`"), "…"),
    (re.compile(r"\b\d[\d.,:/-]*"), "…"),
)
MOST_CHARACTERS = 300


def normalise(reason: str) -> str:
    """The reason with what varies from row to row (ids, quoted values, numbers, dates) left out."""
    for pattern, instead in VARYING:
        reason = pattern.sub(instead, reason)
    return " ".join(reason.split())[:MOST_CHARACTERS]
