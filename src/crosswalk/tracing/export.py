"""Send spans away by OTLP. The SDK reads the `OTEL_…` variables itself: endpoint, headers, service name, sampler."""

from collections.abc import Iterator
from contextlib import contextmanager


class TracingMissing(Exception):
    """Spans are wanted, and the libraries that send them are not installed."""


@contextmanager
def exported(version: str) -> Iterator[None]:
    """Send spans away while the block runs, and what is left at its end. Raises `TracingMissing`.

    The service is named `crosswalk` unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` say otherwise.
    """
    from opentelemetry import trace

    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as exc:
        raise TracingMissing(
            "CROSSWALK_TRACES is otlp, and the exporter is not installed. Install it: pip install 'crosswalk[otel]'"
        ) from exc
    own = Resource({SERVICE_NAME: "crosswalk", SERVICE_VERSION: version})
    provider = TracerProvider(resource=Resource.create().merge(own).merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()
