"""Every request has an id, on its answer and on its lines of the log, and a span with what became of it."""

# ruff: noqa: F811 (imported fixtures are arguments)

import asyncio
import json

import pytest
import structlog
from structlog.testing import CapturingLogger

from crosswalk.api.relaying import headers_out
from crosswalk.gate import Credential, Limits, connect
from crosswalk.gate.request_log import RequestLog
from crosswalk.insightly.relay import Passage
from crosswalk.logs import LEVELS, mask_secrets
from crosswalk.tracing import following, span
from fixtures.proxied import account, linked, proxied  # noqa: F401 (fixtures)
from fixtures.spans import Spans

CAME = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def lines():
    """The log's lines of one test, with what is bound to them."""
    taken = CapturingLogger()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, mask_secrets, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS["debug"]),
        logger_factory=lambda *_: taken,
        cache_logger_on_first_use=False,
    )
    yield lambda: [json.loads(call.args[0]) for call in taken.calls]
    structlog.reset_defaults()  # so that the next command sets its log up itself


async def test_ids_differ(client):
    """An answer carries an id; no two answers the same."""
    answers = [await client.get("/health/live") for _ in range(2)]
    assert 2 == len({each.headers["x-request-id"] for each in answers})


@pytest.mark.parametrize(("given", "kept"), [("mine-1", True), ("with space", False), ("x" * 65, False)])
async def test_given_id(client, given: str, kept: bool):
    """A caller's own id is shown again, where it is one; also where no route took the request."""
    for path in ("/health/live", "/nowhere"):
        answer = await client.get(path, headers={"X-Request-Id": given})
        assert kept == (given == answer.headers["x-request-id"])


async def test_every_line_has_it(client, lines):
    """A line of the log that a request leads to carries its id, whatever writes it; its neighbour's has another."""
    crashed = await asyncio.gather(*(client.get("/crash", headers={"X-Request-Id": f"me{n}"}) for n in range(2)))
    assert [500, 500] == [each.status_code for each in crashed]
    told = [each for each in lines() if each["event"] in {"request.crashed", "request.served"}]
    assert 4 == len(told)
    assert {"me0": 1, "me1": 1} == {
        given: len({each["request"] for each in told if each["given"] == given}) for given in ("me0", "me1")
    }


async def test_the_request_log_has_it_too(proxied, app):
    """What the answer shows is what `crosswalk log` finds."""
    answer = await proxied.get("/proxy/Contacts")
    requests: RequestLog = app.state.requests
    assert {answer.headers["x-request-id"]} == {row.request for row in requests.waiting}


async def test_spans_of_a_call(proxied, spans: Spans, account):
    """A proxied call is a span by its route, with the call to Insightly below it; paths and queries stay out."""
    answer = await proxied.get("/proxy/Contacts/7777777", headers={"traceparent": CAME})
    assert 404 == answer.status_code
    served = next(each for each in spans.all if each.attributes.get("http.route", "").startswith("/proxy"))
    called = spans.named("GET /Contacts/{}")
    assert (CAME[3:35], served.context.span_id) == (f"{called.context.trace_id:032x}", called.parent.span_id)
    assert (404, 404) == tuple(each.attributes["http.response.status_code"] for each in (served, called))
    assert (account.id, "person", 1) == tuple(
        called.attributes[f"crosswalk.{name}"] for name in ("account", "purpose", "attempt")
    )
    assert called.attributes["crosswalk.waited_ms"] >= 0
    assert answer.headers["x-request-id"] == served.attributes["crosswalk.request"]
    assert "7777777" not in "".join(each.to_json() for each in spans.all)


async def test_no_trace_goes_to_insightly(spans: Spans, receiver, tmp_path):
    """Insightly is told nothing of our traces, nor of our callers': neither by calls nor by what is passed on."""
    place = Credential(base_url=f"http://{receiver.place}/v3.1", api_key="key", allow_hosts=[receiver.place])
    passage = Passage(
        method="GET", path="/Users", headers=headers_out({"traceparent": CAME, "x-request-id": "me"}, None)
    )
    async with connect(place, Limits(rate=0), folder=tmp_path) as crm:
        with following(CAME), span("work"):
            await crm.request("GET", "/Users")
            async with crm.relay(passage):
                pass
    heard = [{name.lower() for name in each.headers} for each in receiver.heard]
    assert 2 == len(heard)
    assert not set.union(*heard) & {"traceparent", "tracestate", "baggage", "x-request-id"}


async def test_repeats_are_spans_of_their_own(caller, account, linked, spans: Spans, insightly):
    """Each try of a call is told by its number and its end."""
    insightly.faults({"route": "Users", "fault": "status", "status": 503, "count": 1})
    async with linked.connect(account) as crm:
        await crm.request("GET", "/Users")
    tries = [each for each in spans.all if each.name == "GET /Users"]
    assert [(1, "broken"), (2, None)] == [
        (each.attributes["crosswalk.attempt"], each.status.description) for each in tries
    ]
