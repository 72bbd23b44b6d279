"""The script of the widgets, for other sites to load; what they read, they read with a widget's token."""

from litestar import Response, get

from crosswalk.console.pages import KINDS, STATIC

SCRIPT = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
"""It may be loaded by any page; it holds nothing secret."""


@get("/widgets.js", include_in_schema=False)
async def show_widgets() -> Response[bytes]:
    """The custom elements, in one file."""
    return Response((STATIC / "widgets.js").read_bytes(), media_type=KINDS[".js"], headers=SCRIPT)
