"""One piece of work as a span. Without an exporter a span costs about a microsecond and says nothing.

A `traceparent` (W3C Trace Context, level 1) that comes with a request is followed and goes on to webhooks, whether or
not spans are exported. Nothing else of a caller's goes on: neither `tracestate` nor `baggage`, which could carry its
data to strangers. To Insightly nothing goes at all.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from types import TracebackType
from typing import Self, TypeAlias

from opentelemetry import context, trace
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACER = trace.get_tracer("crosswalk")
W3C = TraceContextTextMapPropagator()
HEADER = "traceparent"
Attributes: TypeAlias = Mapping[str, str | int | float | bool | None]
"""What a span says; what is `None` is left out."""


class Kind(Enum):
    """Who begins the work: somebody who asks us, we who ask somebody, or we ourselves."""

    SERVER = SpanKind.SERVER
    CLIENT = SpanKind.CLIENT
    INSIDE = SpanKind.INTERNAL


class Timed:
    """A span that is ended by hand: work inside it is not below it."""

    __slots__ = ("_span",)

    def __init__(self, name: str, kind: Kind) -> None:
        self._span = TRACER.start_span(name, kind=kind.value)

    @property
    def heard(self) -> bool:
        """Whether anybody hears what it says: only then is it worth saying."""
        return self._span.is_recording()

    def say(self, attributes: Attributes) -> None:
        """Add attributes."""
        for name, value in attributes.items():
            if value is not None:
                self._span.set_attribute(name, value)

    def rename(self, name: str) -> None:
        """Name it by what is known only now."""
        self._span.update_name(name)

    def fail(self, why: str) -> None:
        """Say that it went wrong. `why` is a kind of failure, never a message: those may quote people's data."""
        self._span.set_status(Status(StatusCode.ERROR, why))

    def end(self) -> None:
        """It is over."""
        self._span.end()


class span(Timed):  # noqa: N801 (used as a statement: `with span(…) as told`)
    """A span around a block; whatever is begun in the block is below it. An exception is named by its type alone."""

    __slots__ = ("_token",)

    def __init__(self, name: str, kind: Kind = Kind.INSIDE) -> None:
        super().__init__(name, kind)

    def __enter__(self) -> Self:
        known = self._span.get_span_context().is_valid
        self._token = context.attach(trace.set_span_in_context(self._span)) if known else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trail: TracebackType | None
    ) -> None:
        if self._token is not None:
            context.detach(self._token)
        if kind is not None:
            self.fail(kind.__name__)
        self.end()


def timed(name: str, kind: Kind = Kind.CLIENT) -> Timed:
    """Begin a span that is ended by hand."""
    return Timed(name, kind)


@contextmanager
def following(header: str | None) -> Iterator[None]:
    """Let spans of the block belong to the trace that a `traceparent` names; what is none is passed over."""
    if not header:
        yield
        return
    token = context.attach(W3C.extract({HEADER: header}, context=context.Context()))
    try:
        yield
    finally:
        context.detach(token)


def traceparent() -> str | None:
    """The header that lets others go on with this trace; `None` where there is none."""
    now = trace.get_current_span().get_span_context()
    return _write(now) if now.is_valid else None


def _write(now: SpanContext) -> str:
    return f"00-{now.trace_id:032x}-{now.span_id:016x}-{now.trace_flags:02x}"
