"""Spans for OpenTelemetry: opened where work is done, exported only where the operator asks for it."""

from crosswalk.tracing.span import Kind, Timed, following, span, timed, traceparent

__all__ = ["Kind", "Timed", "following", "span", "timed", "traceparent"]
