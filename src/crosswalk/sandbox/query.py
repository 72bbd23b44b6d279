"""What a query string asks of a list: which rows, how many, and in what shape."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.refusals import Invalid
from crosswalk.sandbox.table import Row, Table
from crosswalk.sandbox.values import parse_moment

DEFAULT_TOP = 100
MAX_TOP = 500
YES = frozenset({"true", "1"})
NO = frozenset({"false", "0"})

Test = Callable[[Row], bool]


def says_yes(query: Mapping[str, str], name: str) -> bool:
    """Whether a flag is set, in any case: `true`, `True`, `1`."""
    return query.get(name, "").strip().lower() in YES


def read_window(query: Mapping[str, str]) -> tuple[int, int]:
    """Read `skip` and `top`: 100 unless told, 500 at most. Raises `Invalid`."""
    skip = _read_count(query, "skip", default=0, least=0)
    top = _read_count(query, "top", default=DEFAULT_TOP, least=1)
    return skip, min(top, MAX_TOP)


def _read_count(query: Mapping[str, str], name: str, *, default: int, least: int) -> int:
    text = query.get(name, "").strip()
    if not text:
        return default
    digits = text.removeprefix("+").removeprefix("-")
    if len(digits) > 10 or not (digits.isascii() and digits.isdigit()) or int(text) < least:  # noqa: PLR2004 (an Int32 has ten digits)
        raise Invalid((name, f"The value '{text}' is not valid for {name}."))
    return int(text)


def read_updated_after(call: Call) -> str | None:
    """Read `updated_after_utc` in either of its formats. Raises `Invalid`."""
    text = call.query.get("updated_after_utc", "").strip()
    if not text:
        return None
    moment = parse_moment(text)
    if moment is None:
        raise Invalid(("updated_after_utc", f"The value '{text}' is not valid for Nullable`1."))
    return moment


def test_updated(table: Table, call: Call) -> Test | None:
    """Make the test that `updated_after_utc` asks for; records without such a date are told by their creation."""
    heeded = "updated_after_utc" in call.operation.query or call.switches.updated_after_on_list == "honoured"
    after = read_updated_after(call) if heeded else None
    place = table.schema.place.get("date_updated_utc", table.schema.place.get("date_created_utc"))
    if after is None or place is None:
        return None
    if call.switches.updated_after == "inclusive":
        return lambda row: str(row.values[place] or "") >= after
    return lambda row: str(row.values[place] or "") > after


def answer_rows(instance: Instance, call: Call, table: Table, *, ids: Sequence[int]) -> Answer:
    """Answer one page of these records, which stand in ascending order of id; all of them where no page is asked."""
    skip, top = read_window(call.query) if "top" in call.operation.query else (0, len(ids))
    rows = [table.rows[number] for number in ids[skip : skip + top]]
    shown = [row.json or instance.render(table, row) for row in rows]
    if says_yes(call.query, "brief") and "brief" in call.operation.query:
        shown = [shorten(table, json, emptying=call.switches.brief == "emptying") for json in shown]
    return Answer(200, b"[" + b",".join(shown) + b"]", headers=count_header(call, len(ids)))


def answer_values(call: Call, values: Sequence[bytes]) -> Answer:
    """Answer one page of things that are no records of a table."""
    skip, top = read_window(call.query) if "top" in call.operation.query else (0, len(values))
    return Answer(200, b"[" + b",".join(values[skip : skip + top]) + b"]", headers=count_header(call, len(values)))


def encode_values(values: Sequence[object]) -> bytes:
    """Encode things that are no records of a table."""
    return msgspec.json.encode(values)


def count_header(call: Call, total: int) -> tuple[tuple[str, str], ...]:
    """Give `X-Total-Count` when the caller asked for it."""
    return (("X-Total-Count", str(total)),) if says_yes(call.query, "count_total") else ()


def shorten(table: Table, json: bytes, *, emptying: bool) -> bytes:
    """Take the sub-collections out of an encoded record, or empty them.

    They stand side by side in every record, and no string of JSON holds an unescaped quote, so keys can be found.
    """
    subs = table.schema.subs
    if not subs:
        return json
    start = json.index(b'"%s":[' % subs[0][1].encode())
    after = subs[-1][0] + 1
    names = table.schema.names
    end = json.rfind(b'"%s":' % names[after].encode()) if after < len(names) else -1
    rest = json[end:] if end >= 0 else json[-1:]
    kept = b",".join(b'"%s":[]' % name.encode() for _, name in subs) if emptying else b""
    if end < 0:
        return json[: start if emptying else start - 1] + kept + rest
    return json[:start] + kept + (b"," if emptying else b"") + rest
