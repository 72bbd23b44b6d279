"""Spans: what is below what, what is named, what goes on to others."""

import subprocess
import sys

import pytest

from crosswalk.tracing import following, span, timed, traceparent
from fixtures.spans import Spans

CAME = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_nested(spans: Spans):
    """What begins in a block is below it; a span ended by hand has nothing below."""
    with span("outer"):
        by_hand = timed("by hand")
        with span("inner"):
            pass
        by_hand.end()
    outer = spans.named("outer").context.span_id
    assert {"by hand": outer, "inner": outer} == {
        each.name: each.parent.span_id for each in spans.all if each.parent is not None
    }


def test_a_failure_is_named_by_its_type(spans: Spans):
    """An exception's words may quote people's data: they are in no span."""
    with pytest.raises(ValueError, match="ada"), span("work"):
        raise ValueError("ada@example.com is wrong")
    assert "ada" not in spans.named("work").to_json()
    assert "ValueError" == spans.named("work").status.description


def test_followed(spans: Spans):
    """Spans belong to the trace that came, and so does what goes on."""
    with following(CAME), span("work"):
        goes_on = traceparent()
    work = spans.named("work")
    assert (CAME[3:35], CAME[36:52]) == (f"{work.context.trace_id:032x}", f"{work.parent.span_id:016x}")
    assert f"{CAME[:36]}{work.context.span_id:016x}-01" == goes_on


@pytest.mark.parametrize("header", [None, "", "00-0-0-00", "ff-" + CAME[3:], "nonsense", CAME + "\u20ac"])
def test_no_trace_came(spans: Spans, header: str | None):
    """What is no traceparent is passed over: the trace begins here."""
    with following(header), span("work"):
        pass
    assert spans.named("work").parent is None


def test_passed_on_without_an_exporter():
    """Where spans are not exported at all, what came still goes on; where nothing came, nothing does."""
    script = (
        "from crosswalk.tracing import following, span, traceparent\n"
        f"with following({CAME!r}), span('work') as told: print(traceparent(), told.heard)\n"
        "with span('work'): print(traceparent())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert [f"{CAME} False", "None"] == done.stdout.splitlines()
