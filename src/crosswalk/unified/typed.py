"""Types of one account's records as a program's source, Python or TypeScript, custom fields too. Pure.

The shape of a record is read off its mapping table once, as a small tree of types; each language only spells it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from json import dumps
from keyword import iskeyword
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from crosswalk.insightly.custom_fields import CustomField
from crosswalk.unified.fields import UnifiedField, custom_field
from crosswalk.unified.links import Linked
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Choice, Custom, OneCustom, Plain, Ref, Row
from crosswalk.unified.parts import Addresses, Listed, Several, Tags

Lang = Literal["python", "typescript"]
LANGS: tuple[str, ...] = get_args(Lang)
CUSTOM: Mapping[str, str] = {"number": "number", "boolean": "boolean"}
Writes: TypeAlias = Callable[[Noun, str], bool]
"""Whether the records of a noun in one of the APIs can be written."""
ADDRESS = ("street_1", "street_2", "city", "state", "postal_code", "country")


class Choices(Struct, frozen=True):
    """One of a closed set of texts."""

    values: tuple[str, ...]


class Many(Struct, frozen=True):
    """A list of one type."""

    of: "Type"


class Named(Struct, frozen=True):
    """A type that the file declares."""

    name: str


Type: TypeAlias = str | Choices | Many | Named
"""`text`, `integer`, `number`, `boolean`, `any`, or one of the others."""


class Field(Struct, frozen=True):
    """One field of a declared type; `note` says more of it."""

    name: str
    type: Type
    note: str = ""


class Declared(Struct, frozen=True):
    """One type of the file. Every field of it may be absent."""

    name: str
    note: str
    fields: tuple[Field, ...]


class Collection(Struct, frozen=True):
    """One collection of the API, what it reads and what it takes."""

    attribute: str
    api: str
    name: str
    reads: str
    writes: str


class Typed(Struct, frozen=True):
    """What a file declares."""

    declared: tuple[Declared, ...]
    collections: tuple[Collection, ...]


COMMON = (
    Declared(
        "Reference",
        "Another record: give its id, or its name where the field takes names.",
        (Field("id", "text"), Field("name", "text")),
    ),
    Declared("Address", "One postal address.", tuple(Field(name, "text") for name in ("type", *ADDRESS))),
)


def describe(
    apis: Sequence[tuple[str, Mapping[str, Noun]]], custom: Mapping[str, Sequence[CustomField]], *, writes: Writes
) -> Typed:
    """The types of every collection; `custom` are an account's fields by the collection's path."""
    declared, collections = list(COMMON), []
    for api, nouns in apis:
        for noun in nouns.values():
            name = type_name(noun, api)
            declared += _declare(noun, name, custom.get(noun.resource.path, ()), able := writes(noun, api))
            attribute = noun.name if api == "crm" else f"directory_{noun.name}"
            collections.append(Collection(attribute, api, noun.name, name, f"{name}Write" if able else "Never"))
    return Typed(tuple(declared), tuple(collections))


def type_name(noun: Noun, api: str = "crm") -> str:
    """What one record of a noun is called."""
    one = f"{noun.name[:-3]}y" if noun.name.endswith("ies") else noun.name.removesuffix("s")
    return f"{'' if api == 'crm' else 'Directory'}{one.title().replace('_', '')}"


def _declare(noun: Noun, name: str, custom: Sequence[CustomField], able: bool) -> Iterator[Declared]:  # noqa: FBT001 (one flag, one use)
    own = Named(f"{name}CustomFields")
    rows = [(row, _type(row, own)) for row in noun.rows]
    for row, _ in rows:
        if isinstance(row, Several):
            kinds = Choices(tuple(kind for kind, _ in row.items))
            fields = (Field("type", kinds), Field(row.key, "text"))
            yield Declared(_several(name, row), f"One of `{row.name}`.", fields)
    if any(isinstance(row, Custom) for row in noun.rows):
        others = {str(field.field_name): field for field in custom}
        shown = [custom_field(noun, field, others) for field in custom]
        yield Declared(own.name, f"The account's own fields of {noun.name}.", tuple(_custom(each) for each in shown))
    named = [(row, _renamed(kind, name, row)) for row, kind in rows]
    yield Declared(
        name,
        f"One of the {noun.name}, as it is read.",
        tuple(Field(row.name, kind, getattr(row, "note", "")) for row, kind in named),
    )
    if able:
        taken = tuple(Field(row.name, kind, getattr(row, "note", "")) for row, kind in named if row.writes)
        yield Declared(f"{name}Write", f"One of the {noun.name}, as it is written; what is left out stays.", taken)


def _several(name: str, row: Several) -> str:
    return f"{name}{row.key.title().replace('_', '')}"


def _renamed(kind: Type, name: str, row: Row) -> Type:
    return Many(Named(_several(name, row))) if isinstance(row, Several) else kind


def _type(row: Row, own: Named) -> Type:  # noqa: PLR0911 (one line a kind of row)
    match row:
        case Plain(kind=kind):
            return kind if kind in {"integer", "number", "boolean"} else "text"
        case Choice(values=values):
            return Choices(tuple(dict.fromkeys(ours for ours, _ in values)))
        case Ref():
            return Named("Reference")
        case Linked(many=many):
            return Many(Named("Reference")) if many else Named("Reference")
        case Addresses():
            return Many(Named("Address"))
        case Tags() | Listed():
            return Many("text")
        case Custom():
            return own
        case OneCustom():
            return "any"
        case _:
            return "any"


def _custom(field: UnifiedField) -> Field:
    options = tuple(dict.fromkeys(option.value for option in field.options))
    one: Type = Choices(options) if options else CUSTOM.get(field.type, "text")
    return Field(field.name, Many(one) if field.type == "array" else one, field.label)


def write_python(typed: Typed, title: str) -> str:
    """A module of `TypedDict`s, and a class whose attributes are the collections."""
    lines = [
        f'"""{title}',
        "",
        "Written by `crosswalk client generate`: do not change it, write it again.",
        '"""',
        "",
        "from typing import Any, Literal, Never, TypedDict",
        "",
        "from crosswalk import Crosswalk, Resource",
    ]
    for each in typed.declared:
        lines += ["", "", *_python_type(each)]
    lines += ["", "", "class Collections:", '    """The account\'s collections, typed."""', ""]
    lines.append("    def __init__(self, hub: Crosswalk) -> None:")
    for found in typed.collections:
        opened = f"hub.{'crm' if found.api == 'crm' else 'directory'}({dumps(found.name)})"
        lines.append(f"        self.{found.attribute}: Resource[{found.reads}, {found.writes}] = {opened}")
    return "\n".join(lines) + "\n"


def _python_type(each: Declared) -> Iterator[str]:
    if all(field.name.isidentifier() and not iskeyword(field.name) for field in each.fields):
        yield f"class {each.name}(TypedDict, total=False):"
        yield f'    """{each.note}"""'
        if each.fields:
            yield ""
        for field in each.fields:
            yield f"    {field.name}: {_python(field.type)} | None{_remark(field.note, '#')}"
        return
    yield f"# {each.note}"
    yield f"{each.name} = TypedDict("
    yield f"    {dumps(each.name, ensure_ascii=False)},"
    yield "    {"
    for field in each.fields:
        name = dumps(field.name, ensure_ascii=False)
        yield f"        {name}: {_python(field.type)} | None,{_remark(field.note, '#')}"
    yield "    },"
    yield "    total=False,"
    yield ")"


def _python(kind: Type) -> str:
    match kind:
        case Choices(values):
            return f"Literal[{', '.join(dumps(value, ensure_ascii=False) for value in values)}]"
        case Many(of):
            return f"list[{_python(of)}]"
        case Named(name):
            return name
        case _:
            return {"integer": "int", "number": "float", "boolean": "bool", "any": "Any"}.get(kind, "str")


def write_typescript(typed: Typed, title: str) -> str:
    """A module of interfaces, and a map of the collections."""
    lines = [f"// {title}", "// Written by `crosswalk client generate`: do not change it, write it again."]
    for each in typed.declared:
        lines += ["", f"/** {_safe(each.note)} */", f"export interface {each.name} {{"]
        for field in each.fields:
            name = field.name if field.name.isidentifier() else dumps(field.name, ensure_ascii=False)
            lines.append(f"  {name}?: {_typescript(field.type)} | null;{_remark(field.note, '//')}")
        lines.append("}")
    lines += ["", "/** What each path below /unified reads and takes. */", "export interface Collections {"]
    for found in typed.collections:
        api = "crm" if found.api == "crm" else "user-directory"
        takes = "never" if found.writes == "Never" else found.writes
        lines.append(f'  "{api}/{found.name}": {{ reads: {found.reads}; takes: {takes} }};')
    lines.append("}")
    return "\n".join(lines) + "\n"


def _typescript(kind: Type) -> str:
    match kind:
        case Choices(values):
            return " | ".join(dumps(value, ensure_ascii=False) for value in values)
        case Many(of):
            return f"Array<{_typescript(of)}>"
        case Named(name):
            return name
        case _:
            return {"integer": "number", "number": "number", "boolean": "boolean", "any": "unknown"}.get(kind, "string")


def _remark(note: str, mark: str) -> str:
    return f"  {mark} {_safe(note)}" if note else ""


def _safe(note: str) -> str:
    """A note on one line that ends no comment."""
    return " ".join(note.split()).replace("*/", "* /")


WRITERS: Mapping[str, Callable[[Typed, str], str]] = {"python": write_python, "typescript": write_typescript}
