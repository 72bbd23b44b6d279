"""Each switch from both sides, as a program sees it over HTTP."""

from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest

from crosswalk.sandbox.clock import ClockChange
from crosswalk.sandbox.switches import Switches

ADA = {"FIRST_NAME": "Ada", "LAST_NAME": "Lovelace", "PHONE": "1"}
FIELD = "CROSSWALK_KEY__c"
SIDES = [(field.name, side) for field in msgspec.structs.fields(Switches) for side in get_args(field.type)]


class Program:
    """A program that calls the sandbox and sees what each switch decides."""

    def __init__(self, sandbox, http) -> None:
        self.sandbox, self.http = sandbox, http

    async def call(self, method: str, path: str, **options: object):
        """Send a call; give its status, headers and content."""
        async with self.http.request(method, path, **options) as answer:
            json = answer.content_type == "application/json"
            return answer.status, answer.headers, await answer.json() if json else await answer.text()

    async def make(self, **fields: object) -> dict[str, object]:
        """Make a contact."""
        return (await self.call("POST", "Contacts", json={**ADA, **fields}))[2]

    async def post_status(self):
        return (await self.call("POST", "Contacts", json=ADA))[0]

    async def put_status(self):
        return (await self.call("PUT", "Contacts", json=await self.make()))[0]

    async def put_effect(self):
        made = await self.make()
        body = {"CONTACT_ID": made["CONTACT_ID"], "FIRST_NAME": "Ada"}
        return {"1": "partial", None: "replacing"}[(await self.call("PUT", "Contacts", json=body))[2]["PHONE"]]

    async def custom_fields_effect(self):
        known = [field["FIELD_NAME"] for field in (await self.call("GET", "CustomFields/Contacts"))[2]]
        other = next(field for field in known if field != FIELD and "FIELD" in field)
        values = [{"FIELD_NAME": FIELD, "FIELD_VALUE": "a"}, {"FIELD_NAME": other, "FIELD_VALUE": "b"}]
        made = await self.make(CUSTOMFIELDS=values)
        body = {"CONTACT_ID": made["CONTACT_ID"], "CUSTOMFIELDS": [{"FIELD_NAME": FIELD, "FIELD_VALUE": "c"}]}
        left = {field["FIELD_NAME"] for field in (await self.call("PUT", "Contacts", json=body))[2]["CUSTOMFIELDS"]}
        return "merging" if {FIELD, other} <= left else "replacing"

    async def custom_fields_listed(self):
        return "all" if any(field["FIELD_VALUE"] is None for field in (await self.make())["CUSTOMFIELDS"]) else "valued"

    async def updated_after(self):
        self.sandbox.state.clock.change(ClockChange(advance=3600, frozen=True))
        made = await self.make()
        query = f"Contacts/Search?updated_after_utc={made['DATE_UPDATED_UTC'].replace(' ', 'T')}Z"
        return "inclusive" if (await self.call("GET", query))[2] else "exclusive"

    async def updated_after_on_list(self):
        found = (await self.call("GET", "Contacts?updated_after_utc=2999-01-01T00:00:00Z"))[2]
        return "ignored" if found else "honoured"

    async def search_by_unknown_tag(self):
        status = (await self.call("GET", "Contacts/SearchByTag?tagName=nobody-has-it"))[0]
        return {200: "empty", 404: "not_found"}[status]

    async def brief(self):
        [contact] = (await self.call("GET", "Contacts?brief=true&top=1"))[2]
        return "emptying" if contact.get("TAGS", "dropped") == [] else contact.get("TAGS", "dropping")

    async def etag(self):
        made = await self.make()
        _, headers, got = await self.call("GET", f"Contacts/{made['CONTACT_ID']}")
        return {(True, True): "present", (False, False): "absent"}["ETag" in headers, "ETag" in got]

    async def if_match_stale(self):
        made = await self.make()
        return (await self.call("PUT", "Contacts", json=made, headers={"If-Match": '"stale"'}))[0]

    async def error_400(self):
        status, _, content = await self.call("POST", "Contacts", json={"LAST_NAME": "Nameless"})
        assert 400 == status
        return {list: "array", dict: "object", str: "text"}[type(content)]

    async def limit(self, **limits: object) -> None:
        """Switch limits on."""
        await self.call("PUT", "/_sandbox/limits", json={"enabled": True, **limits})

    async def retry_after(self):
        await self.limit(per_second=1)
        answers = [await self.call("GET", "Users/Me") for _ in range(2)]
        return "present" if "Retry-After" in answers[1][1] else "absent"

    def tick(self, at: float) -> None:
        """Show this second of the clock that only goes forward."""
        self.sandbox.state.steady = lambda: at

    async def rate_window(self):
        await self.limit(per_second=1)
        self.tick(100.9)
        await self.call("GET", "Users/Me")
        self.tick(101.1)
        return {429: "rolling", 200: "fixed"}[(await self.call("GET", "Users/Me"))[0]]

    async def rate_scope(self):
        await self.limit(per_day=1)
        await self.call("GET", "Users/Me")
        other = next(user for user in self.sandbox.instance.users if user.key != self.sandbox.key)
        auth = {"Authorization": self.sandbox.authorize(other.key)}
        return {429: "instance", 200: "key"}[(await self.call("GET", "Users/Me", headers=auth))[0]]

    async def rate_refused(self):
        await self.limit(per_second=1, per_day=10)
        self.tick(100.0)
        answers = [await self.call("GET", "Users/Me") for _ in range(2)]
        return {"9": "free", "8": "counted"}[answers[1][1]["X-RateLimit-Remaining"]]

    async def rate_reset(self):
        self.sandbox.state.clock.change(ClockChange(now=datetime(2026, 3, 1, 23, tzinfo=UTC), frozen=True))
        await self.limit(per_day=1)
        await self.call("GET", "Users/Me")
        self.sandbox.state.clock.change(ClockChange(advance=7200))
        return {200: "midnight", 429: "first_call"}[(await self.call("GET", "Users/Me"))[0]]

    async def bare_host(self):
        status = (await self.call("GET", "Users/Me", headers={"Host": "api.insightly.com"}))[0]
        return {404: "refused", 200: "served"}[status]

    async def bulk(self):
        return {404: "absent", 200: "present"}[(await self.call("POST", "Contacts/Bulk", json=[ADA]))[0]]


@pytest.mark.parametrize(("name", "side"), SIDES)
async def test_side(sandbox, sandbox_http, name, side):
    """A program sees the side that the switch is on."""
    program = Program(sandbox, sandbox_http)
    await program.call("PUT", "/_sandbox/switches", json={name: side})
    assert side == await getattr(program, name)()


@pytest.mark.parametrize("name", Switches.__struct_fields__)
async def test_default(sandbox, sandbox_http, name):
    """Untouched, a switch is on its default side."""
    assert getattr(Switches(), name) == await getattr(Program(sandbox, sandbox_http), name)()
