"""What a text file does not say about itself: encoding, delimiter, quotes, header. Pure: a sample in, a guess out."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence

from charset_normalizer import from_bytes
from msgspec import Struct

DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LEGACY = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "shift_jis", "gb18030", "big5", "euc_kr")
"""Encodings that spreadsheets still write, the likeliest first."""
MODE_SHARE = 0.8
SHORT = 256
"""Bytes below which statistics of letters say nothing."""
YEARS = range(1900, 2101)
TYPED = re.compile(
    r"""(?P<number>[+-]?\d+(?:[.,]\d+)?)|(?P<date>\d{4}-\d\d-\d\d(?:[T ].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4})
    |(?P<mail>[^@\s]+@[^@\s]+\.[^@\s]+)""",
    re.VERBOSE,
)


class Encoding(Struct, frozen=True):
    """An encoding, and what a person should know about how it was found."""

    name: str
    notes: tuple[str, ...] = ()


class Dialect(Struct, frozen=True):
    """How cells are told apart, and what a person should know about it."""

    delimiter: str
    quote: str = '"'
    escape: str | None = None
    notes: tuple[str, ...] = ()


def find_encoding(sample: bytes) -> Encoding:
    """The encoding of a sample: a byte order mark, else UTF-8 where that reads most of it, else the likeliest."""
    for mark, name in BOMS:
        if sample.startswith(mark):
            return Encoding(name)
    if wide := _find_wide(sample):
        return Encoding(wide, (f"The text has no byte order mark; it was read as {wide}. --encoding says otherwise",))
    good, bad = _count_utf8(sample)
    if good >= bad:
        return Encoding("utf-8")
    likely = _find_legacy(sample)
    others = f" ({', '.join(likely[1:4])} would read it too)" if likely[1:] else ""
    says = f"The text is not UTF-8; it was read as {likely[0]}{others}. --encoding says otherwise"
    return Encoding(likely[0], (says,))


def _find_wide(sample: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of Western text is zero."""
    half = len(sample) // 2
    zeros = [sample[start::2].count(0) for start in (0, 1)]
    if half and max(zeros) > half * MODE_SHARE and min(zeros) < half * (1 - MODE_SHARE):
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    return None


def _count_utf8(sample: bytes) -> tuple[int, int]:
    """Characters beyond ASCII that are UTF-8, and bytes that are not. The cut end of a sample does not count."""
    text = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode(sample)
    beyond = [character for character in text if character > "\x7f"]
    bad = sum("\udc80" <= character <= "\udcff" for character in beyond)
    return len(beyond) - bad, bad


def _find_legacy(sample: bytes) -> list[str]:
    """The encodings that may be meant, the likeliest first."""
    found = from_bytes(sample, cp_isolation=[*LEGACY])
    able = [*dict.fromkeys(name for match in found for name in match.could_be_from_charset if name in LEGACY)]
    # Short Western texts read as any one-byte encoding: then what Windows writes is the best guess, and is told.
    if _reads_as(sample, "cp1252") and (len(sample) < SHORT or not able):
        able = ["cp1252", *(name for name in able if name != "cp1252")]
    return able or ["cp1252"]


def _reads_as(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def find_dialect(text: str, preferred: str | None = None, delimiter: str | None = None) -> Dialect:
    """The delimiter that cuts most lines as it cuts the first one; `preferred` wins when two do as well."""
    quote = _find_quote(text)
    order = (preferred, *(each for each in DELIMITERS if each != preferred)) if preferred else DELIMITERS
    scores = [(_score(text, each, quote), each) for each in order]
    best = max(scores, key=lambda pair: pair[0])
    chosen = delimiter or (best[1] if best[0] > 0 else order[0])
    notes: tuple[str, ...] = ()
    if delimiter is None:
        equal = [NAMES[each] for score, each in scores if score == best[0] > 0 and each != chosen]
        notes = _tell(chosen, order[0], equal)
    return Dialect(chosen, quote, _find_escape(text, chosen, quote), notes)


def _tell(chosen: str, expected: str, equal: list[str]) -> tuple[str, ...]:
    if equal:
        return (f"Cells were split at the {NAMES[chosen]}; {equal[0]} would do as well. --delimiter says otherwise",)
    if chosen != expected:
        return (f"Cells were split at the {NAMES[chosen]}",)
    return ()


def _score(text: str, delimiter: str, quote: str) -> float:
    rows = split(text, Dialect(delimiter, quote))
    width = len(rows[0]) if rows else 0
    return sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0


def _find_quote(text: str) -> str:
    """The apostrophe only where no double quote stands and most lines hold a cell between two of them."""
    if '"' in text:
        return '"'
    lines = [line for line in text.splitlines() if line]
    quoted = sum(bool(re.search(r"(?:^|[,;\t|])'[^']*'(?:[,;\t|]|$)", line)) for line in lines)
    return "'" if quoted and quoted > len(lines) * MODE_SHARE else '"'


def _find_escape(text: str, delimiter: str, quote: str) -> str | None:
    r"""`\` where a sample writes `\"` and reads strictly only so."""
    if f"\\{quote}" not in text:
        return None
    if _reads(text, delimiter, quote, None) or not _reads(text, delimiter, quote, "\\"):
        return None
    return "\\"


def _reads(text: str, delimiter: str, quote: str, escape: str | None) -> bool:
    lines = text.splitlines(keepends=True)
    try:
        for _ in csv.reader(lines, delimiter=delimiter, quotechar=quote, escapechar=escape, strict=True):
            pass
    except csv.Error:
        return False
    return True


def split(text: str, dialect: Dialect) -> list[list[str]]:
    """The rows of a sample, lazily read: nothing in it is an error."""
    lines = text.splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, escapechar=dialect.escape)
    try:
        return [row for row in reader if row]
    except csv.Error:
        return []


def has_header(rows: Sequence[Sequence[object]]) -> bool:
    """Whether the first row names columns. It does not when a number, date or address stands there as below it."""
    if len(rows) < 2:  # noqa: PLR2004 (one row alone compares with nothing)
        return True
    first, below = rows[0], rows[1:]
    kinds = [kind_of(cell) for cell in first]
    return not any(
        kind and not _is_year(first[place]) and _usual([row[place] for row in below if place < len(row)]) == kind
        for place, kind in enumerate(kinds)
    )


def kind_of(cell: object) -> str | None:
    """What a cell looks like when it is no plain word: `number`, `date` or `mail`."""
    if isinstance(cell, str):
        found = TYPED.fullmatch(cell.strip())
        return found.lastgroup if found else None
    return None if cell is None else "number"


def _is_year(cell: object) -> bool:
    text = str(cell).strip().removesuffix(".0")
    return text.isdecimal() and int(text) in YEARS


def _usual(cells: Sequence[object]) -> str | None:
    kinds = Counter(kind_of(cell) for cell in cells if cell not in ("", None))
    return kinds.most_common(1)[0][0] if kinds else None
