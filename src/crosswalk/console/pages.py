"""Pages: one template engine, one set of headers, static files by the digest of their content."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, assert_never

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from crosswalk.delivery.notices import Notice

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
NONE = "\N{EN DASH}"
KINDS: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
"""No inline script or style, nothing from another host; who may frame a page is the page's own."""


def headers(*, ancestors: str = "'none'") -> dict[str, str]:
    """The headers of a page; `ancestors` are the origins that may frame it."""
    return {
        "Content-Security-Policy": POLICY.format(ancestors=ancestors),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def render(template: str, data: Mapping[str, Any], *, status: int = 200, ancestors: str = "'none'") -> Response[str]:
    """A whole page."""
    text = _engine().get_template(template).render(data)
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=headers(ancestors=ancestors))


@cache
def asset(name: str) -> str:
    """Where a static file is served: its address changes with its content, so that browsers may keep it for ever."""
    digest = sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/assets/{digest}/{name}"


@get("/assets/{digest:str}/{name:str}", include_in_schema=False)
async def show_asset(digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Answer a static file under the digest of its content."""
    path = STATIC / name
    if path.suffix not in KINDS or not path.is_file() or asset(name) != f"/assets/{digest}/{name}":
        raise NotFoundException(f"There is no file {name} of this digest")
    kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(path.read_bytes(), media_type=KINDS[path.suffix], headers=kept)


@cache
def _engine() -> Environment:
    engine = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.globals["asset"] = asset
    engine.filters |= {
        "number": show_number,
        "moment": show_moment,
        "ago": show_ago,
        "percent": show_percent,
        "until": show_until,
        "brief": show_brief,
        "subject_path": subject_path,
    }
    return engine


def show_number(value: float | None) -> str:
    """A number with thin groups of thousands; a dash for none."""
    return NONE if value is None else f"{value:,}".replace(",", "\u202f")


def show_percent(part: float, whole: float) -> str:
    """A share in whole percent."""
    return NONE if not whole else f"{100 * part / whole:.0f}%"


def show_moment(value: datetime | None) -> str:
    """A time in UTC, to the second."""
    return NONE if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def show_ago(value: datetime | None, now: datetime) -> str:
    """How long ago a time is, in the largest whole unit."""
    if value is None:
        return "never"
    seconds = int((now - value).total_seconds())
    for size, unit in UNITS:
        count = seconds // size
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def show_until(value: datetime, now: datetime) -> str:
    """How far off a time is, in the largest whole unit."""
    seconds = int((value - now).total_seconds())
    for size, unit in UNITS:
        count = seconds // size
        if count >= 1:
            return f"in {count} {unit}{'s' if count > 1 else ''}"
    return "now"


LONG_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{6}([0-9a-f]{6})")
REMEDY = re.compile(r"\s*(?:Look at it|Then): crosswalk .*$")


def show_brief(text: str) -> str:
    """A message for a page: ids by their ends, without the command that a link stands for."""
    return LONG_ID.sub("\N{HORIZONTAL ELLIPSIS}\\1", REMEDY.sub("", text))


def subject_path(notice: Notice) -> str | None:
    """The page of what a notice is about."""
    match notice.kind:
        case "lane.paused" | "lane.resumed" | "dead_letters.new" | "record.held" | "run.finished" | "run.stopped":
            return f"/runs/{notice.subject}"
        case "source.failed" | "source.empty":
            return f"/sources/{notice.subject}"
        case "schema.changed":
            return f"/datasets/{notice.subject}"
        case "budget.spent" | "budget.foreign_use":
            return f"/accounts/{notice.subject}"
        case "endpoint.disabled" | "deletions.held" | "automation.stuck":
            return None
        case _:
            assert_never(notice.kind)
