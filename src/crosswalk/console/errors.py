"""What went wrong, as a page: the same problem document that the API answers, in plain words."""

from typing import Any

from litestar import Request, Response
from litestar.types import ExceptionHandlersMap

from crosswalk.api.errors import HANDLERS, PROBLEM, Problem
from crosswalk.console.frame import wants_json
from crosswalk.console.pages import headers, render

TITLES = {401: "Sign in again", 403: "This is not allowed", 404: "There is nothing here", 409: "That does not fit"}
TITLES |= {
    400: "That cannot be read",
    422: "That cannot be used",
    500: "Crosswalk failed",
    503: "Try again in a moment",
}


def render_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer an error as a page; to scripts as the problem document that it is."""
    answer = _problem(request, error)
    problem = answer.content
    if wants_json(request) or request.headers.get("x-csrf-token"):
        return Response(problem, status_code=problem.status, media_type=PROBLEM, headers=headers())
    title = TITLES.get(problem.status, problem.title)
    return render("error.html", {"problem": problem, "title": title, "back": _back(request)}, status=problem.status)


def _problem(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    kind = next(each for each in type(error).__mro__ if each in HANDLERS)
    answer: Response[Problem] = HANDLERS[kind](request, error)
    return answer


def _back(request: Request[Any, Any, Any]) -> str:
    """The page above this one."""
    return request.url.path.rstrip("/").rpartition("/")[0] or "/"


PAGE_HANDLERS: ExceptionHandlersMap = dict.fromkeys(HANDLERS, render_error)
"""One for each that the API has: the nearest class counts, wherever it was said."""
