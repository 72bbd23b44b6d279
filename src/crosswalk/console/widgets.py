"""The script of the widgets, for other sites to load; what they read, they read with a widget's token."""

from functools import cache

from litestar import Response, get

from crosswalk.console.pages import KINDS, STATIC

SCRIPT = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
"""It may be loaded by any page; it holds nothing secret."""
PARTS = ("field_mapper.js",)
"""Files that stand inside the script, each in the place of the comment that names it."""


@cache
def script() -> bytes:
    """The script, whole. Raises `ValueError` where a part has no place in it."""
    text = (STATIC / "widgets.js").read_text(encoding="utf-8")
    for name in PARTS:
        before, mark, after = text.partition(f"  // {name}\n")
        if not mark:
            raise ValueError(f"widgets.js has no place for {name}")
        text = before + (STATIC / name).read_text(encoding="utf-8") + after
    return text.encode()


@get("/widgets.js", include_in_schema=False)
async def show_widgets() -> Response[bytes]:
    """The custom elements, in one file."""
    return Response(script(), media_type=KINDS[".js"], headers=SCRIPT)
