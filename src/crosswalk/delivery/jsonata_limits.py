"""The limits of JSONata expressions, the same whichever library reads and evaluates them.

An evaluation has a tenth of a second, a bounded depth and bounded lists. `$pad`, `$replace` and pictures of numbers and
dates are bounded by name; what makes a row differ from its repeat (`$now`, `$random`) or reads programs out of data
(`$eval`) is not there. What still grows is the affair of the process that evaluates.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Function: TypeAlias = Callable[..., object]
Original: TypeAlias = Callable[[str, tuple[Any, ...]], object]
"""Calls the library's own function of a name with these values."""

MOST_MILLISECONDS = 100
SLOW = "Evaluation timeout"
"""What an expression that takes longer is refused with."""
MOST_DEPTH = 100
MOST_ITEMS = 2_000
"""Items of any list on the way: what is quadratic in them stays within the time."""
MOST_WIDTH = 10_000
"""Characters that one `$pad` makes."""
MOST_PICTURE = 60

GUARD = """($replace := (function($with){{
  function($text, $pattern, $new, $limit) {{
    $length($text) > 20000 or ($type($new) = "string" and $length($new) > 1000)
      ? $error("$replace takes texts of 20,000 characters and replacements of 1,000 at most")
      : $exists($limit) ? $with($text, $pattern, $new, $limit) : $with($text, $pattern, $new)
  }}
}})($replace);
{expression}
)"""
"""`$replace` multiplies two texts in one step, and takes patterns that never leave the library: bounded in JSONata."""


def plain(error: BaseException) -> str:
    """The library's words without its codes."""
    text = re.sub(r"^(?:Parse error: |host function raised ValueError: )?(?:[A-Z]\d{4}: )?", "", str(error))
    text = text.strip().rstrip(".")
    return " ".join(text.split())[:200] or "it needs more memory than there is"


def _pad(text: Any = None, width: Any = 0, char: Any = " ") -> str | None:
    if text is None:
        return None
    if not isinstance(text, str) or isinstance(width, bool) or not isinstance(width, int | float):
        raise ValueError("$pad takes a text and a width")  # noqa: TRY004 (what the library hands on)
    if abs(width) > MOST_WIDTH:
        raise ValueError(f"$pad makes {MOST_WIDTH:,} characters at most")
    fill = str(char or " ")
    lack = max(0, int(abs(width)) - len(text))
    padding = (fill * (lack // len(fill) + 1))[:lack]
    return text + padding if width > 0 else padding + text


def _absent(name: str) -> Function:
    def refuse(*_: object) -> object:
        raise ValueError(f"${name} is not offered: one row must come out the same when it is sent again")

    return refuse


def _pictured(name: str, original: Original) -> Function:
    """A function whose picture is a text of bounded length and widths."""

    def call(*values: Any) -> object:
        picture = next((value for value in values[1:] if isinstance(value, str)), "")
        if len(picture) > MOST_PICTURE or re.search(r",[^\]]*\d{3}", picture):
            raise ValueError(f"${name} takes a picture of {MOST_PICTURE} characters, without large widths")
        number = values[0] if values else None
        if isinstance(number, int | float) and abs(number) > 1e15:  # noqa: PLR2004 (beyond, no number is exact)
            raise ValueError(f"${name} takes numbers up to 1e15")
        if name == "formatInteger" and picture.lower()[:1] == "i" and isinstance(number, int | float):
            _must(abs(number) < 10_000, "Roman numerals end at 9,999")  # noqa: PLR2004 (its own words)
        return original(name, values)

    return call


def _must(fact: bool, else_: str) -> None:  # noqa: FBT001 (a condition and what to say without it)
    if not fact:
        raise ValueError(else_)


def replacements(original: Original) -> Mapping[str, Function]:
    """What stands for functions of a library that could run away, or would make a repeat differ."""
    pictured = ("formatNumber", "formatInteger", "fromMillis", "toMillis")
    return {
        "pad": _pad,
        **{name: _absent(name) for name in ("eval", "now", "millis", "random", "shuffle")},
        **{name: _pictured(name, original) for name in pictured},
    }
