"""What Insightly's API is, as data: resources, fields, operations, each contested fact with its evidence.

`load()` reads the files beside this module once and answers frozen values. Nothing here does anything with them.
The files are written to be read and reviewed: `resources/contacts.json` holds one field and one operation a line.
"""

from crosswalk.contract.model import (
    Contract,
    Evidence,
    Fact,
    Field,
    Operation,
    Resource,
    Side,
    UnknownResource,
    load,
)

__all__ = [
    "Contract",
    "Evidence",
    "Fact",
    "Field",
    "Operation",
    "Resource",
    "Side",
    "UnknownResource",
    "load",
]
