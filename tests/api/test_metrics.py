"""Metrics: what Prometheus reads, and who may read it."""

from datetime import UTC, datetime

import httpx
from prometheus_client.parser import text_string_to_metric_families

from crosswalk.store.runs import ADD_RUN

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
