"""What a mapping knows of an account beside the record: names to ids, custom fields, who asks. Values only."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from crosswalk.insightly.custom_fields import FieldTypes

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"
Wire: TypeAlias = dict[str, JSON]
"""One record as Insightly spells it."""

Reference = Literal[
    "users",
    "teams",
    "team_members",
    "lead_sources",
    "lead_statuses",
    "opportunity_categories",
    "project_categories",
    "task_categories",
    "pipelines",
    "stages",
    "state_reasons",
    "currencies",
    "custom_fields",
    "instance",
    "me",
]
"""A small collection that a mapping may want whole; `custom_fields` are those of the noun's own object."""

ContentFormat = Literal["original", "text", "html"]
"""How texts that may hold HTML are shown: as Insightly has them, as plain text, or as HTML that does no harm."""


class Search(Struct, frozen=True):
    """One search at Insightly, by one field's equality: records of the kind `object` (a link's spelling)."""

    object: str
    field: str
    value: str


class Known(Struct, frozen=True, kw_only=True):
    """Records of the references that were fetched, as Insightly spells them, and the object's custom fields.

    `hits` are what searches found that a body's names want; `records`, by Insightly's object and id, and `below`, by
    the path below a record and its id, were fetched for an expansion.
    """

    references: Mapping[Reference, Sequence[Wire]] = {}
    custom: FieldTypes | None = None
    hits: Mapping[Search, Sequence[Wire]] = {}
    records: Mapping[tuple[str, int], Wire] = {}
    below: Mapping[tuple[str, int], Sequence[Wire]] = {}
    content_format: ContentFormat = "original"


NOTHING = Known()
