"""Long texts in parts that fit. Pure."""

from collections.abc import Callable

BREAKS = ("\n\n", "\n", ". ", " ")
"""Where a text is cut, best first."""


def split(text: str, spell: Callable[[str], str], most: int) -> list[str]:
    """The parts of a text, each at most `most` characters long when it is spelt; one part where it fits whole.

    Cut after a paragraph, line, sentence or word near the middle; nothing but blanks at a cut is lost.
    """
    if len(spell(text)) <= most or len(text) <= 1:
        return [text]
    middle = len(text) // 2 + 1
    for mark in BREAKS:
        at = text.rfind(mark, len(text) // 8, middle)
        if at > 0:
            cut = at + len(mark)
            break
    else:
        cut = len(text) // 2
    first, rest = text[:cut].rstrip(), text[cut:].lstrip()
    return [part for half in (first, rest) if half for part in split(half, spell, most)]
