"""A client of a Crosswalk hub for programs: records of one linked account in the unified shape, pages and repeats done.

    from crosswalk import Crosswalk

    with Crosswalk("http://127.0.0.1:8080", token="…", account="ID") as hub:
        for contact in hub.crm("contacts").list(updated_at={"gte": "2026-01-01T00:00:00Z"}):
            print(contact["name"])

A write carries an idempotency key, so that repeating it after a broken connection makes it once. What the hub refuses
is a `Problem`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx2
import msgspec
from standardwebhooks import Webhook, WebhookVerificationError

R = TypeVar("R")
"""A record as it is read."""
W = TypeVar("W")
"""A record's fields as they are written."""

TRIES = 5
LONGEST_WAIT = 60.0
"""Seconds that are waited between two tries; a longer wait is the caller's decision."""
BUSY = frozenset({429, 502, 503, 504})
PAGE = 100
TIMEOUT = 120.0
KEYED = frozenset({"POST", "PATCH", "DELETE"})


class Problem(Exception):
    """What the hub refused: `code` for programs, `detail` for people (RFC 9457).

    `errors` point at fields; `retryable` says that the same call may succeed later, `retry_after` in how many seconds.
    """

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(told.get("code", "unknown"))
        self.title = str(told.get("title", ""))
        self.detail = str(told.get("detail", ""))
        self.remedy: str | None = told.get("remedy")
        self.errors: list[dict[str, Any]] = list(told.get("errors") or ())
        self.retryable = bool(told.get("retryable"))
        self.retry_after: int | None = told.get("retry_after")
        self.request_id: str | None = told.get("request_id")
        where = "; ".join(f"{each.get('pointer')}: {each.get('detail')}" for each in self.errors)
        super().__init__(f"{status} {self.code}: {'. '.join(each for each in (self.detail, where) if each)}")


class NotReached(Exception):
    """The hub did not answer, however often it was asked; a write may have been made."""


class Resource(Generic[R, W]):
    """The records of one kind, such as contacts. `R` is what is read, `W` what is written."""

    def __init__(self, hub: "Crosswalk", path: str) -> None:
        self._hub = hub
        self._path = path

    def list(self, *, limit: int = PAGE, **filters: Any) -> Iterator[R]:
        """Every record that fits the filters, read page by page as they are used. `limit` is of one page."""
        cursor: str | None = None
        while True:
            query = {"limit": limit, **filters} | ({} if cursor is None else {"next_cursor": cursor})
            page = self._hub.request("GET", self._path, query=query)
            yield from page["result"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get(self, record_id: str, **query: Any) -> R:
        """One record. Raises `Problem` with status 404 where there is none."""
        found: R = self._hub.request("GET", self._at(record_id), query=query)
        return found

    def create(self, fields: W, *, key: str | None = None) -> R:
        """Make a record. `key` names this making: with the same key it is made once, whoever repeats it."""
        made: R = self._hub.request("POST", self._path, body=fields, key=key)
        return made

    def update(self, record_id: str, fields: W, *, if_match: str | None = None, key: str | None = None) -> R:
        """Change fields; those left out stay. `if_match` is the `etag` of the version that you saw, else 412."""
        headers = {} if if_match is None else {"If-Match": f'"{if_match}"'}
        changed: R = self._hub.request("PATCH", self._at(record_id), body=fields, key=key, headers=headers)
        return changed

    def upsert(self, fields: W, *, match: str | None = None, key: str | None = None) -> R:
        """Change the one record that has these values of the `match` fields, or make it."""
        query = {} if match is None else {"match": match}
        done: R = self._hub.request("POST", f"{self._path}/upsert", query=query, body=fields, key=key)
        return done

    def delete(self, record_id: str) -> None:
        """Delete a record for good."""
        self._hub.request("DELETE", self._at(record_id))

    def _at(self, record_id: str) -> str:
        return f"{self._path}/{quote(str(record_id), safe='')}"


class Crosswalk:
    """A hub as one token of it sees one linked account. `sleep` is there for tests."""

    def __init__(
        self,
        url: str,
        *,
        token: str,
        account: str,
        timeout: float = TIMEOUT,
        tries: int = TRIES,
        http: httpx2.Client | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.account = account
        self._http = httpx2.Client(timeout=timeout) if http is None else http
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._tries = tries
        self._sleep = sleep

    def __enter__(self) -> Self:
        """Keep connections open for the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        self.close()

    def __repr__(self) -> str:
        """Say where it goes, not with which token."""
        return f"Crosswalk({self._url!r}, account={self.account!r}, token=***)"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def crm(self, name: str) -> "Resource[Any, Any]":
        """Records of the CRM, such as `contacts`, `opportunities` or `notes`."""
        return Resource(self, f"/unified/crm/{quote(name, safe='')}")

    def directory(self, name: str) -> "Resource[Any, Any]":
        """Records of the user directory: `users`, `groups`, `organizations`."""
        return Resource(self, f"/unified/user-directory/{quote(name, safe='')}")

    def lookup(self, **by: str) -> dict[str, Any]:
        """Who has this `email`, `domain` or `phone`: contact or lead, account, open deals, projects, notes."""
        found: dict[str, Any] = self.request("GET", "/unified/crm/lookup", query=by)
        return found

    def proxy(self, method: str, path: str, *, body: Any = None, **query: Any) -> Any:
        """Any call of Insightly's own, such as `proxy("GET", "/Contacts/7")`: a record bare, a list as a page."""
        return self.request(method, f"/proxy/{path.lstrip('/')}", query=query, body=body)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One call of the hub's API, repeated where that does no harm. Raises `Problem` and `NotReached`."""
        asked = dict(flatten({"integrated_account_id": self.account, **(query or {})}))
        sent = {**self._headers, **(headers or {})}
        content = None
        if body is not None:
            content, sent["Content-Type"] = msgspec.json.encode(body), "application/json"
        unified = path.startswith("/unified/")
        if unified and method in KEYED:
            sent["Idempotency-Key"] = key or str(uuid4())
        safe = method == "GET" or unified  # a call of the proxy's that writes has no key that would make it once
        for number in range(1, self._tries + 1):
            try:
                answer = self._http.request(method, self._url + path, params=asked, content=content, headers=sent)
            except httpx2.TransportError as exc:
                if number == self._tries or not (safe or isinstance(exc, httpx2.ConnectError)):
                    raise NotReached(f"{method} {path}: {str(exc) or type(exc).__name__}") from exc
                self._sleep(_backoff(number))
                continue
            if answer.is_success:
                return msgspec.json.decode(answer.content) if answer.content else None
            problem = Problem(answer.status_code, _told(answer))
            wait = _backoff(number) if problem.retry_after is None else float(problem.retry_after)
            again = problem.retryable and answer.status_code in BUSY and (safe or answer.status_code == 429)  # noqa: PLR2004 (429: the hub did not send it)
            if not again or number == self._tries or wait > LONGEST_WAIT:
                raise problem
            self._sleep(wait)
        raise AssertionError("the last try answers or raises")


def flatten(given: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Parameters as the hub reads them: `a[b]` for what is nested, commas within lists, `None` left out."""
    for name, value in given.items():
        place = f"{prefix}[{name}]" if prefix else name
        match value:
            case None:
                continue
            case Mapping():
                yield from flatten(value, place)
            case list() | tuple():
                yield place, ",".join(str(each) for each in value)
            case bool():
                yield place, str(value).lower()
            case _:
                yield place, str(value)


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes) -> Any:
    """What a webhook of the hub's says, if it is the hub's and no older than five minutes (Standard Webhooks).

    Raises `WebhookRefused` for any other. `secret` is the endpoint's, `whsec_…`; `body` the bytes as they came.
    """
    try:
        return Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
    except WebhookVerificationError as exc:
        raise WebhookRefused(str(exc)) from exc


class WebhookRefused(Exception):
    """A webhook that is not the hub's, was changed on its way, or is old."""


def _backoff(number: int) -> float:
    return float(min(30.0, 0.5 * 2 ** (number - 1)))


def _told(answer: httpx2.Response) -> Mapping[str, Any]:
    try:
        told = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        told = None
    retryable = answer.status_code in BUSY
    return told if isinstance(told, dict) else {"title": answer.reason_phrase, "retryable": retryable}
