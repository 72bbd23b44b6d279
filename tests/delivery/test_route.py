"""What a plan makes, an Insightly takes: routes against the sandbox."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from crosswalk.contract import load
from crosswalk.delivery.batch import pack
from crosswalk.delivery.grouping import Grouping
from crosswalk.delivery.payload import make_payload
from crosswalk.delivery.plan import Manual, Plan, Rows
from crosswalk.delivery.planning import settle_plan
from crosswalk.insightly import Insightly
from crosswalk.sandbox.switches import Switches

CALLS = [
    ("POST", "/Contacts", {"FIRST_NAME": "Ann", "TAGS": "a;b"}, 201),
    ("PUT", "/Contacts/{record.id}", {"PHONE": "5"}, 200),
    ("PATCH", "/Contacts/{record.id}", {"TITLE": "Buyer"}, 200),
    ("POST", "/Contacts/{record.id}/Notes", {"TITLE": "Hi", "BODY": "there"}, 201),
    ("POST", "/Contacts/{record.id}/Tags", {"TAG_NAME": "vip"}, 201),
    ("PUT", "/Contacts/{record.id}/Tags", {"TAG_NAME": "vip"}, 200),
    ("POST", "/Contacts/{record.id}/Follow", {}, 201),
    ("PUT", "/Opportunities/{record.id}/StateChange", {"FOR_OPPORTUNITY_STATE": "WON"}, 200),
    ("DELETE", "/Contacts/{record.id}", {}, 202),
]


def packed(sandbox, method, url, rows, grouping=None):
    """The parcels that rows make on the sandbox's account."""
    plan = Plan(call=Manual(method=method, url=sandbox.base_url + url), grouping=grouping)
    settled = settle_plan(
        plan, load(), Rows(tuple(rows[0])), base_url=sandbox.base_url, now=datetime(2026, 3, 1, tzinfo=UTC)
    )
    return list(pack(settled, enumerate(make_payload(settled, row) for row in rows)))


def open_client(sandbox):
    """A client of the sandbox."""
    host = sandbox.base_url.split("/")[2]
    return Insightly(sandbox.key, base_url=sandbox.base_url, allow_hosts=(host,))


@pytest.mark.parametrize(("method", "url", "fields", "status"), CALLS, ids=lambda value: str(value)[:40])
async def test_planned_calls_are_served(sandbox, method, url, fields, status):
    """A call of the user's own, as it is planned, is one that Insightly serves."""
    async with open_client(sandbox) as crm:
        noun = url.split("/")[1]
        (first, *_) = msgspec.json.decode((await crm.request("GET", f"/{noun}?top=1")).body)
        row = {"id": first[load().resources[noun].id], **fields} if "record" in url else fields
        (parcel,) = packed(sandbox, method, url, [row])
        answer = await crm.request(parcel.method, parcel.path, body=parcel.body)
    assert status == answer.status


async def test_batches_are_served(sandbox):
    """A batch arrives as its records, each answered."""
    sandbox.state.first.switches = Switches(bulk="present")
    rows = [{"FIRST_NAME": name} for name in ("Ann", "Bo", "Cy")]
    parcels = packed(sandbox, "POST", "/Contacts/Bulk", rows, Grouping(algorithm="json_array", size=2))
    async with open_client(sandbox) as crm:
        answers = [await crm.request("POST", parcel.path, body=parcel.body) for parcel in parcels]
    made = [item["RECORD"]["FIRST_NAME"] for answer in answers for item in json.loads(answer.body)]
    assert ["Ann", "Bo", "Cy"] == made
