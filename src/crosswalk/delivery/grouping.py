"""How records are grouped into one body: the settings, checked, and the body they make. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal, assert_never, get_args

import msgspec
from msgspec import Raw, Struct

from crosswalk.delivery.cell import JSON, BadValue, as_text, shorten
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.expression import Expression, compile_expression

Algorithm = Literal["json_array", "property_in_object", "keyed_object", "template"]

ALGORITHMS: Mapping[Algorithm, tuple[str, ...]] = {
    "json_array": (),
    "property_in_object": ("property", "constants"),
    "keyed_object": ("key_attribute",),
    "template": ("expression",),
}
"""Each algorithm with the options that it alone takes; `max_bytes` goes with all."""

PLACE = "the grouping"
SIZE = 100
MOST = 500
MAX_BYTES = 1_000_000

EXAMPLES: Mapping[str, str] = {
    "wrapped records": '{"records": [records.{"type": "contact", "data": $}]}',
    "group by a field": '{"owners": records{$string(OWNER_USER_ID): $append([], $)}}',
    "rows of columns": '{"rows": $map(records, function($r) {[$r.FIRST_NAME, $r.LAST_NAME]})[]}',
    "with a count": '{"count": $count(records), "records": records}',
}
"""Named examples of `template`'s expression; `records` is the list."""


class Grouping(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Up to `size` records, and up to `max_bytes` of body, go in one call.

    `property` is the path of the list in its object, `constants` is JSON text of what stands beside it; `expression`
    is JSONata over `records`, and answers the body.
    """

    algorithm: Algorithm
    size: int = SIZE
    max_bytes: int = MAX_BYTES
    property: str = "records"
    constants: str = "{}"
    key_attribute: str | None = None
    expression: str | None = None


def make_grouping(name: str | None, size: int | None, options: Sequence[tuple[str, str]]) -> Grouping | None:
    """Read the settings as a person gives them; `None` is no batching. Raises `PlanError` that says what is wrong."""
    if name in {None, "none"}:
        if size is not None or options:
            raise PlanError(f"Batches need a grouping: {', '.join(ALGORITHMS)}.")
        return None
    algorithm = next((known for known in get_args(Algorithm) if known == name), None)
    if algorithm is None:
        raise PlanError(f"There is no grouping {name!r}. Groupings: none, {', '.join(ALGORITHMS)}.")
    given = dict(options)
    _check_options(algorithm, [name for name, _ in options])
    return check_grouping(
        Grouping(
            algorithm=algorithm,
            size=SIZE if size is None else size,
            max_bytes=_whole("max_bytes", given.get("max_bytes", str(MAX_BYTES))),
            property=given.get("property", "records"),
            constants=given.get("constants", "{}"),
            key_attribute=given.get("key_attribute"),
            expression=given.get("expression"),
        )
    )


def check_grouping(grouping: Grouping) -> Grouping:
    """A grouping whose settings can work, as it is. Raises `PlanError`."""
    if not 1 <= grouping.size <= MOST:
        raise PlanError(f"A batch of {grouping.size} is not possible. Take 1 to {MOST} records.")
    if grouping.max_bytes < 1:
        raise PlanError(f"max_bytes is {grouping.max_bytes}. Take 1 or more; {MAX_BYTES:,} is usual.")
    if grouping.algorithm == "keyed_object" and not grouping.key_attribute:
        raise PlanError("keyed_object needs key_attribute, the field whose value names each record in the body.")
    if not all(grouping.property.split(".")):
        raise PlanError(
            f"property {grouping.property!r} has an empty name. Write records, or a path such as data.rows."
        )
    _read_constants(grouping)
    if grouping.algorithm == "template":
        _compile(grouping)
    else:
        wrap(grouping, [], ())
    return grouping


def _check_options(algorithm: Algorithm, names: list[str]) -> None:
    allowed = (*ALGORITHMS[algorithm], "max_bytes")
    for name in names:
        if name not in allowed:
            raise PlanError(f"{algorithm} has no option {name!r}. Options: {', '.join(allowed)}.")
        if names.count(name) > 1:
            raise PlanError(f"Option {name} is given twice. Give it once.")


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise PlanError(f"{name} is {text!r}. Give a whole number.")
    return int(text)


def _read_constants(grouping: Grouping) -> dict[str, JSON]:
    try:
        return msgspec.json.decode(grouping.constants, type=dict)
    except msgspec.DecodeError as error:
        raise PlanError(f"constants {grouping.constants!r} are no JSON object: {error}.") from error


def key_of(grouping: Grouping, record: Mapping[str, JSON]) -> str | None:
    """The name under which a record stands in a keyed object; `None` where the grouping has no names."""
    return None if grouping.key_attribute is None else as_text(record.get(grouping.key_attribute))


def weigh_empty(grouping: Grouping) -> int:
    """Bytes of a body without records; what a `template` adds is not known before it has them all."""
    return 0 if grouping.algorithm == "template" else len(wrap(grouping, [], ()))


def wrap(grouping: Grouping, bodies: Sequence[bytes], keys: Sequence[str | None]) -> bytes:
    """The body of one call, from its records' own JSON. Raises `BadValue` where an expression makes none."""
    raw = [Raw(body) for body in bodies]
    match grouping.algorithm:
        case "json_array":
            return msgspec.json.encode(raw)
        case "keyed_object":
            return msgspec.json.encode(dict(zip(keys, raw, strict=True)))
        case "property_in_object":
            return msgspec.json.encode(_put(_read_constants(grouping), grouping.property.split("."), raw))
        case "template":
            made = _compile(grouping).evaluate({"records": [msgspec.json.decode(body) for body in bodies]})
            if not isinstance(made, dict | list):
                raise BadValue(f"{PLACE} answers {shorten(made)}, and a body is an object or a list")
            return msgspec.json.encode(made)
        case _:
            assert_never(grouping.algorithm)


def _compile(grouping: Grouping) -> Expression:
    if not grouping.expression:
        raise PlanError(f"template needs expression, JSONata over records, such as {EXAMPLES['with a count']}.")
    return compile_expression(grouping.expression, PLACE)


def _put(around: dict[str, JSON], path: list[str], records: list[Raw]) -> dict[str, object]:
    name, *rest = path
    inner = around.get(name, {} if rest else None)
    if (rest and not isinstance(inner, dict)) or (not rest and name in around):
        raise PlanError(f"constants already hold {name!r}, where the records go. Name another property.")
    return {**around, name: _put(inner, rest, records) if isinstance(inner, dict) else records}
