"""Query parameters: one that a route does not take is refused by name."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from litestar import Litestar, Request
from litestar.exceptions import ValidationException
from litestar.routes import HTTPRoute

FILTERED = "filtered"
"""The option of a route that reads parameters of its own beside those of the document, and refuses the others."""
Known = Mapping[tuple[str, str], frozenset[str]]


async def refuse_unknown(request: Request[Any, Any, Any]) -> None:
    """Raise a 400 for parameters that the OpenAPI document does not have; what is not in it takes any."""
    if not request.query_params or request.route_handler.opt.get(FILTERED):
        return
    known = known_parameters(request.app).get((request.method, request.scope["path_template"]))
    faults = [
        {"key": name, "message": _explain(name, known), "source": "query"}
        for name in request.query_params
        if known is not None and name not in known
    ]
    if faults:
        raise ValidationException("Unknown parameters", extra=faults)


def known_parameters(app: Litestar) -> Known:
    """Every route of the OpenAPI document with the query parameters that it takes, worked out once an application.

    Read from the routes: the document says the same and takes a second to write.
    """
    if "known_parameters" not in app.state:
        app.state.known_parameters = {
            (method, route.path_format): frozenset(each.field_alias for each in model.expected_query_params)
            for route in app.routes
            if isinstance(route, HTTPRoute)
            for method, (handler, model) in route.route_handler_map.items()
            if handler.resolve_include_in_schema()
        }
    known: Known = app.state.known_parameters
    return known


def _explain(name: str, known: frozenset[str]) -> str:
    near = get_close_matches(name, known, n=1)
    takes = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
    return f"is no parameter of this route; {f'did you mean {near[0]}?' if near else takes}"
