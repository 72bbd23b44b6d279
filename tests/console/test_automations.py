"""The console's pages of automations: what is there, what a firing would do, did, and how it is taken back."""

import json

import httpx

from crosswalk.automations.automations import Draft
from fixtures.showcase import HTML, csrf_of, enter, open_showcase

JSON = {"as": "json"}


async def test_the_whole_way(tmp_path):
    """An automation is listed, rehearsed, changed, paused; its firing shows each step, and is undone and replayed."""
    async with open_showcase(tmp_path / "home") as case, httpx.AsyncClient(base_url=case.url, headers=HTML) as client:
        await enter(client, case)
        async with case.hub.automations() as worker, case.hub.connect(await case.hub.accounts.find("acme")) as crm:
            made = await worker.carrier.automations.create(Draft(name="log", kind="activity_note", account="acme"))
            contact = (await crm.request("GET", "/Contacts?top=1")).json()[0]["CONTACT_ID"]
            given = {"id": "call-1", "about": {"contact": str(contact)}, "content": "<b>Yes</b>"}
            firing, _ = await worker.fire(made, given, None)
        token = {"token": await csrf_of(client)}
        listed = (await client.get("/automations", params=JSON)).json()["automations"]
        assert ["log"] == [each["name"] for each in listed]
        place, there = "/automations/log", f"/automations/log/firings/{firing.id}"
        for path in ("/automations", place, there):
            page = await client.get(path)
            assert (200, True) == (page.status_code, page.text.rstrip().endswith("</html>"))
        rehearsed = await client.post(f"{place}/dry-run", data={**token, "text": json.dumps(given)})
        assert f"POST /Contacts/{contact}/Notes" in rehearsed.text
        wrong = await client.post(f"{place}/dry-run", data={**token, "text": "no JSON"})
        assert (422, True) == (wrong.status_code, "no JSON object" in wrong.text)
        for text, status in (('{"several": "oldest"}', 303), ('{"colour": 1}', 422)):
            assert status == (await client.post(f"{place}/change", data={**token, "text": text})).status_code
        await client.post(f"{place}/pause", data=token)
        shown = (await client.get(place, params=JSON)).json()
        assert ("paused", {"several": "oldest"}) == (shown["automation"]["state"], shown["automation"]["settings"])
        for verb, state in (("undo", "undone"), ("replay", "done")):
            await client.post(f"{there}/{verb}", data=token)
            assert state == (await client.get(there, params=JSON)).json()["firing"]["state"]
        assert 404 == (await client.get("/automations/none")).status_code
