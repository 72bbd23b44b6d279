"""A paged HTTP API that answers JSON, as batches of records. Who calls gives `fetch`: where it may go is theirs."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import msgspec
from msgspec import Struct

from crosswalk.delivery.cell import JSON, look_up
from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.row import MOST_SHOWN, Batch, Unreadable

Style: TypeAlias = Literal["none", "page", "offset", "cursor", "link-header"]
PAGES = 10_000
"""Pages of one pull; an API that never ends would otherwise never let go."""
NEXT = re.compile(r'<([^>]*)>\s*(?:;[^,;]*)*;\s*rel="?(?:[^",;]*\s)?next(?:\s[^",;]*)?"?', re.IGNORECASE)
SECONDLY = {"page": "page", "offset": "offset", "cursor": "cursor"}
"""What each style's parameter is called unless said otherwise."""


class Fetched(Struct, frozen=True):
    """One answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Fetch: TypeAlias = Callable[[str, Mapping[str, str]], Awaitable[Fetched]]


class Paging(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an API's pages follow each other.

    `records` is the dotted path of the array in an answer, `None` where the answer is the array. `cursor` is the
    path of the next cursor, for that style. `parameter` names the page, offset or cursor in the query, and
    `size_parameter` the page's size, where it is sent. `first` is the first page's number.
    """

    style: Style = "none"
    records: str | None = None
    cursor: str | None = None
    parameter: str | None = None
    size_parameter: str | None = None
    size: int | None = None
    first: int = 1
    most: int = PAGES


async def pull_http(
    url: str,
    *,
    fetch: Fetch,
    headers: Mapping[str, str] | None = None,
    paging: Paging = Paging(),
    after: str | None = None,
) -> AsyncIterator[Batch]:
    """Read page after page, from the one that `after` names on. Raises `SourceError` for what is no page of records.

    A batch's cursor is where the next page is; the last one's is `None`.
    """
    _check(paging)
    place, last = after, None
    known: set[str | None] = {place}
    for _ in range(paging.most):
        here = _url(url, paging, place)
        answer = await fetch(here, headers or {})
        document = _document(here, answer)
        found = _records(here, document, paging)
        digest = blake2b(answer.body, digest_size=16).digest()
        if found and digest == last and paging.style in ("page", "offset"):
            raise SourceError(f"{_shown(here)} answers the page before it once more. Check the paging of this source")
        following = _next(here, paging, place, document=document, count=len(found), answer=answer)
        if following in known and following is not None:
            raise SourceError(
                f"{_shown(here)} names a next page that was read already. Check the paging of this source"
            )
        yield _batch(found, following)
        if following is None:
            return
        known.add(following)
        place, last = following, digest
    raise SourceError(f"{_shown(url)} has more than {paging.most:,} pages. Narrow what it answers")


def _check(paging: Paging) -> None:
    if paging.style == "cursor" and paging.cursor is None:
        raise SourceError("Paging by cursor needs the path of the next cursor in an answer")
    if paging.style == "offset" and paging.size is None and paging.size_parameter is not None:
        raise SourceError("A page size parameter needs a page size")


def _url(url: str, paging: Paging, place: str | None) -> str:
    """The address of a page: the source's own, with what names the page and its size in the query."""
    if paging.style == "link-header" and place is not None:
        return place
    more: dict[str, str] = {}
    if paging.size is not None and paging.size_parameter is not None:
        more[paging.size_parameter] = str(paging.size)
    parameter = paging.parameter or SECONDLY.get(paging.style)
    if parameter is not None:
        begin = {"page": str(paging.first), "offset": "0"}.get(paging.style)
        value = place if place is not None else begin
        if value is not None:
            more[parameter] = value
    if not more:
        return url
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in more]
    return urlunsplit(parts._replace(query=urlencode([*query, *more.items()])))


def _document(url: str, answer: Fetched) -> Any:
    if not 200 <= answer.status < 300:  # noqa: PLR2004 (HTTP's successes)
        said = answer.body[:200].decode("utf-8", "replace")
        raise SourceError(f"{_shown(url)} answers {answer.status}: {said or 'nothing'}")
    try:
        return msgspec.json.decode(answer.body) if answer.body.strip() else []
    except msgspec.DecodeError as error:
        raise SourceError(f"{_shown(url)} answers no JSON: {error}") from error


def _records(url: str, document: JSON, paging: Paging) -> list[JSON]:
    found = document
    if paging.records is not None:
        found = look_up(document, paging.records) if isinstance(document, dict) else None
    if found is None and paging.records is not None and isinstance(document, dict):
        return []
    if not isinstance(found, list):
        where = "the answer" if paging.records is None else f"{paging.records!r} of the answer"
        hint = f" Its properties: {', '.join(document)}." if isinstance(document, dict) else ""
        raise SourceError(f"{_shown(url)}: {where} is no array of records.{hint} Name its path")
    return found


def _next(url: str, paging: Paging, place: str | None, *, document: JSON, count: int, answer: Fetched) -> str | None:
    """Where the next page is; `None` after a short or an empty page, or where none is named."""
    short = count == 0 or (paging.size is not None and count < paging.size)
    match paging.style:
        case "none":
            return None
        case "page":
            return None if short else str(int(place or paging.first) + 1)
        case "offset":
            return None if short else str(int(place or 0) + count)
        case "cursor":
            found = look_up(document, paging.cursor or "") if isinstance(document, dict) else None
            return str(found) if isinstance(found, str | int) and not isinstance(found, bool) and found != "" else None
        case "link-header":
            linked = NEXT.search(answer.headers.get("link", ""))
            return None if linked is None else _same_host(url, linked[1])


def _same_host(url: str, link: str) -> str:
    """A link to the next page. Headers with secrets go to no other host. Raises `SourceError`."""
    there = urljoin(url, link)
    if urlsplit(there)[:2] != urlsplit(url)[:2]:
        raise SourceError(f"{_shown(url)} names a next page on another host, {_shown(there)}. It was not followed")
    return there


def _batch(found: list[JSON], following: str | None) -> Batch:
    records = [each for each in found if isinstance(each, dict)]
    bad = tuple(
        Unreadable(number, "not a JSON object", text=str(each)[:MOST_SHOWN])
        for number, each in enumerate(found, 1)
        if not isinstance(each, dict)
    )
    return Batch(records, following, bad)


def _shown(url: str) -> str:
    """An address without its query and user, which may hold secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
