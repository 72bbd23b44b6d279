"""Endpoint templates: what a person picks instead of a method and a URL. All of them are data."""

from difflib import get_close_matches
from typing import Literal

from msgspec import Struct

from crosswalk.delivery.errors import UnknownTemplate

Action = Literal["create", "update", "delete"]


class Template(Struct, frozen=True, tag="template"):
    """One call for one record: which resource, what is done to it, and whether a column must name the record."""

    name: str
    action: Action
    resource: str
    says: str

    @property
    def method(self) -> str:
        """The HTTP method of its calls."""
        return {"create": "POST", "update": "PUT", "delete": "DELETE"}[self.action]


NOUNS = {
    "contact": "Contacts",
    "lead": "Leads",
    "organisation": "Organisations",
    "opportunity": "Opportunities",
    "project": "Projects",
    "task": "Tasks",
    "event": "Events",
}

SAYS: dict[Action, str] = {
    "create": "Make one {noun} a row.",
    "update": "Set the named fields of the {noun} whose id stands in --id-field; the others stay as they are.",
    "delete": "Delete the {noun} whose id stands in --id-field. Insightly has no way back.",
}

TEMPLATES: dict[str, Template] = {
    f"{action}-{noun}": Template(f"{action}-{noun}", action, resource, says.format(noun=noun))
    for noun, resource in NOUNS.items()
    for action, says in SAYS.items()
}


def find_template(name: str) -> Template:
    """Look a template up by its name. Raises `UnknownTemplate`, which names the nearest."""
    if name not in TEMPLATES:
        near = get_close_matches(name, TEMPLATES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownTemplate(f"There is no template {name!r}.{hint} Templates: {', '.join(TEMPLATES)}.")
    return TEMPLATES[name]
