"""The response webhook: after each call an envelope, into a dataset and to a URL, written with the call's outcome."""

import json
from base64 import b64encode

import pytest
from msgspec import UNSET
from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook

from crosswalk.accounts.accounts import Wanted
from crosswalk.accounts.vault import Secret
from crosswalk.app import open_hub
from crosswalk.cli.order import Load, send_order
from crosswalk.config import settings
from crosswalk.delivery.datasets import Datasets
from crosswalk.delivery.envelope import ResponseWebhook, describe_answer, split_body
from crosswalk.delivery.plan import Plan
from crosswalk.delivery.template import find_template
from crosswalk.outgoing.endpoints import Draft
from crosswalk.store.attempts import attempts
from crosswalk.store.datasets import FIND_DATASET
from crosswalk.store.records import records

CREATE = find_template("create-contact")


@pytest.fixture
async def hub(database_url, insightly, receiver, tmp_path):
    """A hub with one account at the sandbox, which may call the receiver."""
    given = {
        "CROSSWALK_HOME": str(tmp_path / "home"),
        "CROSSWALK_MASTER_KEY": b64encode(bytes(32)).decode(),
        "CROSSWALK_ALLOWED_HOSTS": insightly.host,
        "CROSSWALK_WEBHOOK_HOSTS": receiver.place,
        "CROSSWALK_SETTLE_AFTER": "0.2",
    }
    if database_url.startswith("postgres"):
        given["CROSSWALK_DATABASE_URL"] = database_url
    async with open_hub(settings(given)) as opened:
        await opened.accounts.add(
            Wanted(name="acme", api_key=Secret(insightly.key), base_url=insightly.base_url, rate=0)
        )
        yield opened


async def send(hub, tmp_path, webhook, *names):
    """Send contacts with a response webhook."""
    file = tmp_path / "people.csv"
    file.write_text("\n".join(["FIRST_NAME", *names]) + "\n")
    plan = Plan(call=CREATE, response_webhook=webhook)
    return await send_order(hub, Load(file), "acme", plan, mode="new")


async def envelopes(hub, dataset):
    """The records of a dataset, in their order."""
    async with hub.database.read() as connection:
        found = (await connection.execute(FIND_DATASET, {"key": dataset})).one()
        cells = select(records.c.cells).where(records.c.dataset_id == found.id).order_by(records.c.number)
        return found, [json.loads(each) for each in (await connection.execute(cells)).scalars()]


async def test_envelope(hub, tmp_path):
    """Each call becomes one record of a dataset of its own, and says everything but secrets."""
    summary = await send(hub, tmp_path, ResponseWebhook(dataset="answers"), "Ann", "Bo")
    dataset, told = await envelopes(hub, "answers")
    first = next(each for each in told if each["delivery_id"].endswith("/1"))
    assert ("responses", 2, summary.run) == (dataset.origin, len(told), first["run_id"])
    assert [
        "delivery_id", "destination_id", "run_id", "record_key", "attempt", "batch_index", "request", "response",
        "outcome", "remote_id", "test", "at",
    ] == list(first)  # fmt: skip
    assert ["method", "url", "body_sha256"] == list(first["request"])
    assert ["status", "headers", "body", "elapsed_ms"] == list(first["response"])
    assert ("delivered", 1, False, "Ann") == (
        first["outcome"],
        first["attempt"],
        first["test"],
        first["response"]["body"]["FIRST_NAME"],
    )
    assert str(first["response"]["body"]["CONTACT_ID"]) == first["remote_id"]
    assert "authorization" not in json.dumps(told).lower()


async def test_columns(hub, tmp_path):
    """What the envelopes look like is known of their dataset, as of any other, with the latest as samples."""
    await send(hub, tmp_path, ResponseWebhook(dataset="answers"), "Ann", "Bo")
    shown = await Datasets(database=hub.database).show("answers")
    columns = {each.name: (each.type, each.rows) for each in shown.schema.columns}
    assert ("object", 2) == columns["response"]
    assert ("string", 2) == columns["outcome"]
    assert 2 == len(shown.samples)


async def test_default_dataset(hub, tmp_path):
    """Without a name, answers of a run without a destination go to `send-responses`."""
    await send(hub, tmp_path, ResponseWebhook(), "Ann")
    assert 1 == len((await envelopes(hub, "send-responses"))[1])


async def test_every_call(hub, tmp_path, insightly):
    """Refused, repeated and unanswered calls are told, too: as many envelopes as calls were sent."""
    insightly.faults(
        {"fault": "status", "status": 400, "method": "POST", "route": "Contacts", "count": 1},
        {"fault": "rate_limit", "retry_after": 0, "method": "POST", "route": "Contacts", "skip": 1, "count": 1},
        {"fault": "reset", "method": "POST", "route": "Contacts", "skip": 2, "count": 1},
    )
    await send(hub, tmp_path, ResponseWebhook(dataset="answers"), *(f"N{n}" for n in range(8)))
    _, told = await envelopes(hub, "answers")
    async with hub.database.read() as connection:
        calls = await connection.scalar(select(func.count()).select_from(attempts).where(attempts.c.kind == "send"))
    assert calls == len(told)
    assert {"delivered", "rejected", "unknown"} <= {each["outcome"] for each in told}
    (silent,) = [each for each in told if each["outcome"] == "unknown"]
    assert (None, True) == (silent["response"]["status"], bool(silent["response"]["error"]))


async def test_signed_post(hub, tmp_path, receiver):
    """With a URL each envelope is posted, signed by the secret of the endpoint of that URL."""
    made = await hub.office.endpoints().create(Draft(name="crm", url=receiver.url))
    await send(hub, tmp_path, ResponseWebhook(url=receiver.url), "Ann", "Bo")
    told = [Webhook(made.secret).verify(each.body, each.headers) for each in receiver.heard]
    assert ["delivered"] * 2 == [each["outcome"] for each in told]


async def test_endpoint_is_made_for_a_url(hub, tmp_path, receiver):
    """A URL without an endpoint gets one, whose secret a rotation shows."""
    await send(hub, tmp_path, ResponseWebhook(url=receiver.url), "Ann")
    (endpoint,) = await hub.office.endpoints().list()
    assert (receiver.url, 1) == (endpoint.url, len(receiver.heard))


async def test_body_alone(hub, tmp_path):
    """In the mode that other products know, the record is Insightly's own body."""
    await send(hub, tmp_path, ResponseWebhook(dataset="bodies", whole=False), "Ann")
    (body,) = (await envelopes(hub, "bodies"))[1]
    assert ("Ann", True) == (body["FIRST_NAME"], "CONTACT_ID" in body)


async def test_receiver_is_down(hub, tmp_path, receiver):
    """A receiver that refuses everything costs the run nothing; its envelopes wait."""
    receiver.statuses(500)
    summary = await send(hub, tmp_path, ResponseWebhook(url=receiver.url), *(f"N{n}" for n in range(6)))
    waiting = await hub.office.outbox().list(state="pending")
    assert (6, 6, None) == (summary.counts["delivered"], len(waiting), summary.stopped)


async def test_url_that_may_not_be_called(hub, tmp_path):
    """A URL to a private address stops the run before a call is spent, and says why."""
    summary = await send(hub, tmp_path, ResponseWebhook(url="https://10.0.0.1/"), "Ann")
    assert (0, True) == (summary.calls, "not on the public internet" in (summary.stopped or ""))


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b'{"a":1}', 1),
        (b'[{"a":1},{"b":2}]', 2),
        (b"[]", 0),
        (b"[1,2]", 0),
        (b'"text"', 0),
        (b"", 0),
        (b"[", 0),
    ],
)
def test_split(body, parts):
    """An object is one record, an array one for each object in it, anything else none."""
    assert parts == len(split_body(body))


def test_answer_without_json():
    """A body that is no JSON goes as text, and headers beyond the list never go."""
    came = describe_answer(502, {"set-cookie": "x", "date": "now"}, b"<html>", elapsed_ms=3)
    assert ({"date": "now"}, "<html>", UNSET) == (came.headers, came.text, came.body)


def test_numbers_keep_their_digits():
    """A number too large for a float passes unchanged, and the body stands on one line."""
    came = describe_answer(200, {}, b'{\n "a": 123456789012345678901234567890\n}', elapsed_ms=3)
    assert b'{"a":123456789012345678901234567890}' == bytes(came.body)


async def test_traced(hub, tmp_path, receiver, spans):
    """A part of a run, its call and the webhook that tells of it are one trace; the run itself is another."""
    await hub.office.endpoints().create(Draft(name="crm", url=receiver.url))
    summary = await send(hub, tmp_path, ResponseWebhook(url=receiver.url), "Ann")
    async with hub.courier().working():
        pass
    part, called, run = spans.named("lane part"), spans.named("POST /Contacts"), spans.named("run")
    assert {part.context.trace_id} == {called.context.trace_id, spans.named("outbox post").context.trace_id}
    assert run.context.trace_id != part.context.trace_id
    assert {summary.run} == {each.attributes["crosswalk.run"] for each in (part, called, run)}
    assert {f"{part.context.trace_id:032x}"} == {each.headers["traceparent"][3:35] for each in receiver.heard}
    assert "Ann" not in "".join(each.to_json() for each in spans.all)
