"""One HTTP exchange with aiohttp: a `Call` goes out, an `Answer` or a `Fault` comes back, nothing is decided."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from crosswalk.insightly.call import Answer, Call, Fault, Part, Trouble
from crosswalk.insightly.relay import MOST_ERROR, Passage, Relayed, mask

TIMEOUT = 30.0
FILE_TIMEOUT = 300.0
RELAY_TIMEOUT = 3600.0
"""Seconds for a file that is passed through, however slow its reader is; a silence ends it after `TIMEOUT`."""
LIMIT = 64 * 1024 * 1024
"""Bytes of one answer that are read; 500 records of 100 KB, the largest seen live, fit."""
JSON_BODY = {"Content-Type": "application/json"}
SUCCESS = range(200, 300)
PACKED = frozenset({"content-length", "content-encoding"})
"""Headers that no longer hold for a body that was unpacked or changed."""
BROKEN = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)
"""On these aiohttp would send again."""


class _Cut(aiohttp.ClientError):
    """The connection broke. aiohttp would send some calls again by itself if it saw its own exception."""


class _TooLarge(aiohttp.ClientError):
    """The answer is longer than the limit."""


class Broken(Exception):
    """A call that was passed through got no answer."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


@dataclass(slots=True)
class Sending:
    """When one request left; `leave` is waited for before its first byte, `sent` is called at it."""

    leave: Callable[[], Awaitable[None]]
    sent: Callable[[], None]
    first: datetime | None = None
    last: datetime | None = None

    async def begin(self) -> None:
        """The first byte leaves as soon as it may."""
        await self.leave()
        self.first = datetime.now(UTC)
        self.sent()

    def end(self) -> None:
        """The last byte has left."""
        self.last = datetime.now(UTC)


_sending: ContextVar[Sending] = ContextVar("sending")
"""The request that this task makes. aiohttp's tracing would tell as much, and take a quarter of a call's time."""


class _Request(aiohttp.ClientRequest):
    """A request that tells when its bytes leave.

    aiohttp sends some calls a second time by itself on a broken connection. That is decided above, and paced: so what
    breaks here or in `_Response` is raised as an exception that aiohttp does not know.
    """

    async def send(self, conn: Any) -> aiohttp.ClientResponse:  # aiohttp does not publish the connection's type
        await _sending.get().begin()
        try:
            return await super().send(conn)
        except BROKEN as exc:
            raise _Cut(_told(exc)) from exc

    async def write_bytes(self, *args: Any, **options: Any) -> None:  # as many as this aiohttp gives
        await super().write_bytes(*args, **options)
        _sending.get().end()


class _Response(aiohttp.ClientResponse):
    """A response whose broken connection is no reason to send again."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:  # the same
        try:
            return await super().start(connection)
        except BROKEN as exc:
            raise _Cut(_told(exc)) from exc


class Transport:
    """A session with one host. The key is seen by the wire only: never in a `repr`, a log or an error."""

    def __init__(self, url: str, key: str, *, timeout: float = TIMEOUT, limit: int = LIMIT) -> None:
        self._base = url
        self._secrets = _secrets(key)
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._file_timeout = aiohttp.ClientTimeout(total=max(timeout, FILE_TIMEOUT))
        self._limit = limit
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "gzip, deflate", "User-Agent": "crosswalk"},
            request_class=_Request,
            response_class=_Response,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, call: Call, leave: Callable[[], Awaitable[None]], sent: Callable[[], None]) -> Answer | Fault:
        """Make one request, without redirects and without repeats.

        With a connection at hand `leave` is waited for, and what it raises is raised; `sent` is called when the first
        byte leaves.
        """
        sending = Sending(leave, sent)
        try:
            return await self._exchange(call, sending)
        except (aiohttp.ClientError, OSError) as exc:  # a `TimeoutError` is an `OSError`
            return _failed(exc, sending, patience=self._patience(call).total)

    @asynccontextmanager
    async def relay(
        self, passage: Passage, leave: Callable[[], Awaitable[None]], sent: Callable[[], None]
    ) -> AsyncIterator[Relayed]:
        """Pass one request through, as `send` does, and yield its answer as it begins. Raises `Broken`."""
        sending = Sending(leave, sent)
        try:
            response = await self._pass(passage, sending)
        except (aiohttp.ClientError, OSError) as exc:
            raise Broken(_failed(exc, sending, patience=self._timeout.total)) from exc
        whole = False
        try:
            try:
                relayed = await self._begin(response, unpacked=passage.unpack)
            except (aiohttp.ClientError, OSError) as exc:
                raise Broken(_failed(exc, sending, patience=self._timeout.total)) from exc
            yield relayed
            whole = response.content.at_eof()
        finally:
            if whole:
                response.release()
            else:
                response.close()  # what is left would stand in the next call's answer

    async def _pass(self, passage: Passage, sending: Sending) -> aiohttp.ClientResponse:
        _sending.set(sending)
        return await self._opened.request(
            passage.method,
            URL(self._base + passage.path, encoded=True),
            data=passage.body,
            headers={**passage.headers, "Authorization": self._secrets[0]},
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
            timeout=aiohttp.ClientTimeout(
                total=RELAY_TIMEOUT, sock_connect=self._timeout.total, sock_read=self._timeout.total
            ),
            allow_redirects=False,
            auto_decompress=passage.unpack,
        )

    async def _begin(self, response: aiohttp.ClientResponse, *, unpacked: bool) -> Relayed:
        """An answer as it may be shown: an error page may repeat what it was sent."""
        packing = response.headers.get("Content-Encoding", "")
        headers = list(response.headers.items())
        if packing and unpacked:
            headers, packing = [each for each in headers if each[0].lower() not in PACKED], ""
        if response.status in SUCCESS:
            return Relayed(response, self._base, headers)
        headers = [(name, self._hide(value)) for name, value in headers]
        body = b""
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MOST_ERROR:
                raise _TooLarge(f"the error is longer than {MOST_ERROR} bytes")
        masked = mask(body, packing, self._secrets)
        if masked is None:
            return Relayed(response, self._base, headers, body)
        return Relayed(response, self._base, [each for each in headers if each[0].lower() not in PACKED], masked)

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("The client is not open. Use it in `async with Insightly(...) as crm:`.")
        return self._session

    def _patience(self, call: Call) -> aiohttp.ClientTimeout:
        return self._file_timeout if call.form or "/fileattachments" in call.path.lower() else self._timeout

    async def _exchange(self, call: Call, sending: Sending) -> Answer:
        _sending.set(sending)
        async with self._opened.request(
            call.method,
            self._url(call),
            data=_form(call.form) if call.form else call.body,
            headers=self._headers(call),
            timeout=self._patience(call),
            allow_redirects=False,
        ) as response:
            body = await self._read(response)
            headers = {name.lower(): value for name, value in response.headers.items()}
            answer = Answer(status=response.status, headers=headers, body=body)
            return answer if response.status in SUCCESS else self._masked(answer)

    def _headers(self, call: Call) -> dict[str, str]:
        kind = JSON_BODY if call.body is not None else {}
        return {**kind, **call.headers, "Authorization": self._secrets[0]}

    def _url(self, call: Call) -> URL:
        url = URL(self._base + call.path, encoded=True)
        return url.extend_query(call.params) if call.params else url

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        if response.content_length is not None and response.content_length <= self._limit and not _is_packed(response):
            return await response.read()
        chunks, size = [], 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self._limit:
                response.close()
                raise _TooLarge(f"the answer is longer than {self._limit} bytes")
            chunks.append(chunk)
        return b"".join(chunks)

    def _masked(self, answer: Answer) -> Answer:
        """Without the key: an error page may repeat what it was sent, and errors are shown and logged."""
        body = mask(answer.body, "", self._secrets)
        headers = {name: self._hide(text) for name, text in answer.headers.items()}
        return Answer(status=answer.status, headers=headers, body=answer.body if body is None else body)


def _is_packed(response: aiohttp.ClientResponse) -> bool:
    """Whether the answer may be longer than it says."""
    return "Content-Encoding" in response.headers


def _secrets(key: str) -> tuple[str, ...]:
    """The header, and every spelling of the key that an answer could repeat."""
    encoded = base64.b64encode(f"{key}:".encode()).decode()
    bare = base64.b64encode(key.encode()).decode()
    return (f"Basic {encoded}", encoded, bare.rstrip("="), key)


def _form(parts: tuple[Part, ...]) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for part in parts:
        form.add_field(part.name, part.value, filename=part.filename, content_type=part.content_type)
    return form


def _fault(trouble: Trouble, detail: str, sending: Sending) -> Fault:
    """A fault after which nothing more leaves: where the last byte was not seen to go, it went by now at the latest."""
    last = None if sending.first is None else sending.last or datetime.now(UTC)
    return Fault(trouble=trouble, detail=detail, first_byte=sending.first, last_byte=last)


def _failed(exc: Exception, sending: Sending, *, patience: float | None) -> Fault:
    """What an exception of aiohttp means."""
    match exc:
        case _TooLarge():
            return _fault("too large", str(exc), sending)
        case TimeoutError():
            return _fault("timed out", f"no whole answer within {patience:g} s", sending)
        case aiohttp.ClientConnectorError() | aiohttp.ClientSSLError():
            return Fault(trouble="not connected", detail=_told(exc))
        case _:
            return _fault("cut", f"the connection broke ({_told(exc)})", sending)


def _told(exc: BaseException) -> str:
    return str(exc) or type(exc).__name__
