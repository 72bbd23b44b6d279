"""Metrics: what Prometheus reads, and who may read it."""

# ruff: noqa: F811 (imported fixtures are arguments)

from datetime import UTC, datetime, timedelta

import httpx
from prometheus_client.parser import text_string_to_metric_families

from crosswalk.store.deliveries import deliveries
from crosswalk.store.runs import ADD_RUN
from fixtures.proxied import account, linked, proxied  # noqa: F401 (fixtures)

RUN = {
    "id": "r1",
    "name": "n",
    "account_id": "1",
    "source": "a.csv",
    "content": "c",
    "template": "create-contact",
    "plan": "{}",
    "state": "finished",
    "started_at": datetime(2026, 11, 22, tzinfo=UTC),
}


def read(answer: httpx.Response) -> dict[tuple[str, tuple[str, ...]], float]:
    """Samples by name and the values of their labels."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_what_stands(caller, database):
    """Accounts, runs, rows and messages are counted as they stand."""
    async with database.begin() as connection:
        await connection.execute(ADD_RUN, RUN)
    samples = read(await (await caller("admin.metrics:read")).get("/metrics"))
    assert 2 == samples["crosswalk_accounts", ("active",)]
    assert 1 == samples["crosswalk_runs", ("finished",)]
    assert [0, 0, 0] == [samples["crosswalk_records", (state,)] for state in ("pending", "dead", "held")]
    assert 0 == samples["crosswalk_outbox_messages", ()]


async def test_how_long_requests_take(caller):
    """Requests are measured by route, not by path, with the class of their status."""
    reader = await caller("admin.metrics:read", "delivery:read")
    await reader.get("/v1/runs/unknown-1")
    await reader.get("/v1/runs/unknown-2")
    samples = read(await reader.get("/metrics"))
    counts = {key[1]: value for key, value in samples.items() if key[0] == "crosswalk_request_seconds_count"}
    assert 2 == counts["GET", "/v1/runs/{run_id}", "4xx"]
    assert not any("unknown" in label for labels in counts for label in labels)


async def test_not_for_everybody(client, caller):
    """Metrics name accounts: they want a token with the scope."""
    assert 401 == (await client.get("/metrics")).status_code
    assert 403 == (await (await caller("delivery:read")).get("/metrics")).status_code


async def test_lags(caller, database):
    """Runs that wait and rows by what they wait for are told with their age."""
    began = datetime.now(UTC) - timedelta(hours=1)
    async with database.begin() as connection:
        await connection.execute(ADD_RUN, RUN | {"state": "queued", "account_id": None, "started_at": began})
        for number, phase in enumerate(("waiting", "waiting", "unknown"), start=1):
            row = {"run_id": "r1", "number": number, "state": "pending", "phase": phase}
            await connection.execute(deliveries.insert(), row)
    samples = read(await (await caller("admin.metrics:read")).get("/metrics"))
    assert [2, 0, 1] == [samples["crosswalk_pending_records", (phase,)] for phase in ("waiting", "sending", "unknown")]
    assert 3 == samples["crosswalk_records", ("pending",)]
    assert 3600 <= samples["crosswalk_lane_lag_seconds", ("queued",)] < 7200
    assert 0 == samples["crosswalk_lane_lag_seconds", ("running",)]


async def test_calls(proxied, caller, insightly):
    """Calls to Insightly are counted by plan, purpose and end, and measured; no path and no account is a label."""
    insightly.faults({"route": "Users", "fault": "status", "status": 400, "count": 1})
    await proxied.get("/proxy/Users")
    await proxied.get("/proxy/Users")
    answer = await (await caller("admin.metrics:read")).get("/metrics")
    samples = read(answer)
    (plan,) = {key[1][1] for key in samples if key[0] == "crosswalk_insightly_calls_total" and key[1][0] == "refused"}
    assert 1 == samples["crosswalk_insightly_calls_total", ("refused", plan, "person")]
    assert 1 <= samples["crosswalk_insightly_calls_total", ("answered", plan, "person")]
    assert 2 <= samples["crosswalk_insightly_wait_seconds_count", ("person",)]
    assert {"/proxy/*"} == {key[1][1] for key in samples if key[0] == "crosswalk_request_seconds_count"} & {"/proxy/*"}
