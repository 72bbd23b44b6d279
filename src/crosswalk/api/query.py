"""Query parameters: one that a route does not take is refused by name."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from litestar import Litestar, Request
from litestar.exceptions import ValidationException

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
    """Every route of the OpenAPI document with the query parameters that it takes, worked out once an application."""
    if "known_parameters" not in app.state:
        paths = app.openapi_schema.to_schema()["paths"]
        app.state.known_parameters = {
            (method.upper(), path): frozenset(
                each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"
            )
            for path, operations in paths.items()
            for method, operation in operations.items()
        }
    known: Known = app.state.known_parameters
    return known


def _explain(name: str, known: frozenset[str]) -> str:
    near = get_close_matches(name, known, n=1)
    takes = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
    return f"is no parameter of this route; {f'did you mean {near[0]}?' if near else takes}"
