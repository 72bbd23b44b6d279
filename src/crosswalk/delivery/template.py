"""Endpoint templates: what a person picks instead of a method and a URL. All of them are data, in templates.json."""

from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from crosswalk.delivery.errors import UnknownTemplate

Action = Literal["create", "update", "delete", "upsert"]


class Parameter(Struct, frozen=True):
    """What a template asks for beside fields: `title` as a form shows it, `says` which column answers it."""

    name: str
    title: str
    says: str


class Template(Struct, frozen=True, tag="template"):
    """One call for one record: which resource, what is done to it, and which column must name the record.

    `required` fields must be sent in every row; `warnings` are for whoever picks it. An empty `path` is the
    collection's own.
    """

    name: str
    action: Action
    resource: str
    says: str
    title: str = ""
    method: str = ""
    path: str = ""
    parameters: tuple[Parameter, ...] = ()
    required: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def names_record(self) -> bool:
        """Whether a column must hold the id of the record that a row is about."""
        return bool(self.parameters) or self.action in {"update", "delete"}

    @property
    def below(self) -> tuple[str, ...]:
        """What stands in its path after the record's id, such as `Notes`."""
        return tuple(self.path.partition("{id}/")[2].split("/")) if "{id}/" in self.path else ()


def _read() -> dict[str, Template]:
    text = Path(__file__).with_name("templates.json").read_bytes()
    return {each.name: each for each in msgspec.json.decode(text, type=tuple[Template, ...])}


TEMPLATES: dict[str, Template] = _read()
"""Every template by its name: a table like any other, but that its file is made to be read and reviewed."""


def find_template(name: str) -> Template:
    """Look a template up by its name. Raises `UnknownTemplate`, which names the nearest."""
    if name not in TEMPLATES:
        near = get_close_matches(name, TEMPLATES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownTemplate(f"There is no template {name!r}.{hint} `crosswalk templates` lists them all.")
    return TEMPLATES[name]
