"""One HTTP exchange with aiohttp: a `Call` goes out, an `Answer` or a `Fault` comes back, nothing is decided."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace, TracebackType
from typing import Self

import aiohttp
from yarl import URL

from crosswalk.insightly.call import Answer, Call, Fault, Part, Trouble

TIMEOUT = 30.0
FILE_TIMEOUT = 300.0
LIMIT = 64 * 1024 * 1024
"""Bytes of one answer that are read; 500 records of 100 KB, the largest seen live, fit."""
SUCCESS = range(200, 300)


class _Cut(aiohttp.ClientError):
    """The connection broke. aiohttp would send some calls again by itself if it saw its own exception."""


class _TooLarge(aiohttp.ClientError):
    """The answer is longer than the limit."""


@dataclass(slots=True)
class Sending:
    """When one request left, told by aiohttp's tracing; `sent` is called at the first byte."""

    sent: Callable[[], None]
    first: datetime | None = field(default=None)
    last: datetime | None = field(default=None)

    def mark(self) -> None:
        """Bytes leave now."""
        self.last = datetime.now(UTC)
        if self.first is None:
            self.first = self.last
            self.sent()


class Transport:
    """A session with one host. The key is seen by the wire only: never in a `repr`, a log or an error."""

    def __init__(self, url: str, key: str, *, timeout: float = TIMEOUT, limit: int = LIMIT) -> None:
        self._base = url
        self._secrets = _secrets(key)
        self._timeout = timeout
        self._limit = limit
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "gzip, deflate", "User-Agent": "crosswalk"},
            middlewares=(_once,),
            trace_configs=[_tracing()],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, call: Call, sent: Callable[[], None]) -> Answer | Fault:
        """Make one request, without redirects and without repeats; `sent` is called when its first byte leaves."""
        sending = Sending(sent)
        try:
            return await self._exchange(call, sending)
        except _TooLarge as exc:
            return _fault("too large", str(exc), sending)
        except TimeoutError:
            return _fault("timed out", f"no whole answer within {self._patience(call):g} s", sending)
        except (aiohttp.ClientConnectorError, aiohttp.ClientSSLError) as exc:
            return Fault(trouble="not connected", detail=_told(exc))
        except (aiohttp.ClientError, OSError) as exc:
            return _fault("cut", f"the connection broke ({_told(exc)})", sending)

    def _patience(self, call: Call) -> float:
        return (
            max(self._timeout, FILE_TIMEOUT) if call.form or "/fileattachments" in call.path.lower() else self._timeout
        )

    async def _exchange(self, call: Call, sending: Sending) -> Answer:
        if self._session is None:
            raise RuntimeError("The client is not open. Use it in `async with Insightly(...) as crm:`.")
        async with self._session.request(
            call.method,
            self._url(call),
            data=_form(call.form) if call.form else call.body,
            headers={**_content_type(call), **call.headers, "Authorization": self._secrets[0]},
            timeout=aiohttp.ClientTimeout(total=self._patience(call)),
            allow_redirects=False,
            trace_request_ctx=sending,
        ) as response:
            body = await self._read(response)
            headers = {name.lower(): value for name, value in response.headers.items()}
            answer = Answer(status=response.status, headers=headers, body=body)
            return answer if response.status in SUCCESS else self._masked(answer)

    def _url(self, call: Call) -> URL:
        url = URL(self._base + call.path, encoded=True)
        return url.extend_query(call.params) if call.params else url

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
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
        body, headers = answer.body, dict(answer.headers)
        for secret in self._secrets:
            body = body.replace(secret.encode(), b"***")
            headers = {name: text.replace(secret, "***") for name, text in headers.items()}
        return Answer(status=answer.status, headers=headers, body=body)


def _secrets(key: str) -> tuple[str, ...]:
    """The header, and every spelling of the key that an answer could repeat."""
    encoded = base64.b64encode(f"{key}:".encode()).decode()
    bare = base64.b64encode(key.encode()).decode()
    return (f"Basic {encoded}", encoded, bare.rstrip("="), key)


def _content_type(call: Call) -> dict[str, str]:
    return {"Content-Type": "application/json"} if call.body is not None else {}


def _form(parts: tuple[Part, ...]) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for part in parts:
        form.add_field(part.name, part.value, filename=part.filename, content_type=part.content_type)
    return form


def _fault(trouble: Trouble, detail: str, sending: Sending) -> Fault:
    return Fault(trouble=trouble, detail=detail, first_byte=sending.first, last_byte=sending.last)


def _told(exc: BaseException) -> str:
    return str(exc) or type(exc).__name__


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a call a second time on a broken connection: that is decided above, and paced."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
        raise _Cut(_told(exc)) from exc


def _tracing() -> aiohttp.TraceConfig:
    async def mark(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
        context.trace_request_ctx.mark()

    tracing = aiohttp.TraceConfig()
    tracing.on_request_headers_sent.append(mark)
    tracing.on_request_chunk_sent.append(mark)
    return tracing
