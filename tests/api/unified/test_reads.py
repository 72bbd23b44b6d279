"""Reading through the unified API: the envelope, its forms, filters and cursors."""

import json

import pytest

from crosswalk.unified.nouns import CRM


async def test_list_and_get(crm):
    """Every resource answers a list in the envelope, and each of its records bare."""
    for name in CRM:
        listed = (await crm.get(f"/crm/{name}", params={"limit": 2})).json()
        assert {"result", "next_cursor", "prev_cursor", "result_count", "meta"} == set(listed)
        for record in listed["result"]:
            assert record == (await crm.get(f"/crm/{name}/{record['id']}")).json()


async def test_pages(crm):
    """The cursors lead through the whole list and back; an empty cursor is the beginning."""
    cursor, ids = "", []
    while cursor is not None:
        page = (await crm.get("/crm/contacts", params={"limit": 7, "next_cursor": cursor})).json()
        ids += [record["id"] for record in page["result"]]
        before, cursor = page["prev_cursor"], page["next_cursor"]
    whole = (await crm.get("/crm/contacts", params={"limit": 500})).json()
    back = (await crm.get("/crm/contacts", params={"limit": 7, "prev_cursor": before})).json()
    assert ([record["id"] for record in whole["result"]], ids[7:14]) == (
        ids,
        [record["id"] for record in back["result"]],
    )


@pytest.mark.parametrize("prefix", ["", "truto_"])
async def test_forms(crm, prefix):
    """Fields are left out, records keyed and shown as Insightly has them, under both spellings of the options."""
    raw = (await crm.get("/crm/contacts", params={f"{prefix}response_format": "raw", "limit": 1})).json()["result"]
    keyed = (await crm.get("/crm/contacts", params={f"{prefix}key_by": "id", "limit": 2})).json()["result"]
    short = (await crm.get("/crm/contacts", params={f"{prefix}exclude_fields": "name, tags", "limit": 1})).json()
    plain = (await crm.get("/crm/contacts", params={f"{prefix}response_format": "normalized", "limit": 1})).json()
    assert str(raw[0]["CONTACT_ID"]) == next(iter(keyed))
    assert all(key == record["id"] for key, record in keyed.items())
    assert set() == {"name", "tags"} & set(short["result"][0])
    assert [] == [value for value in plain["result"][0].values() if value in (None, [], {})]


async def test_remote_data(crm):
    """The original stands beside a record that it is asked for with."""
    record = (await crm.get("/crm/contacts", params={"remote_data": "true", "limit": 1})).json()["result"][0]
    assert record["id"] == str(record["remote_data"]["CONTACT_ID"])


async def test_stream(crm):
    """A stream is every record of the list, a line of JSON each."""
    answer = await crm.get("/crm/contacts", params={"response_format": "stream"})
    listed = (await crm.get("/crm/contacts", params={"limit": 500})).json()["result"]
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert ("application/x-ndjson", listed) == (answer.headers["content-type"].partition(";")[0], lines)


async def test_filters(crm):
    """A filter that Insightly can do is given to it; another is done here, and said so; strict refuses that."""
    name = (await crm.get("/crm/contacts", params={"limit": 1})).json()["result"][0]["first_name"]
    native = (await crm.get("/crm/contacts", params={"first_name": name})).json()
    local = (await crm.get("/crm/contacts", params={"first_name[ne]": name})).json()
    strict = await crm.get("/crm/contacts", params={"first_name[ne]": name, "strict": "true"})
    assert ([], [f"first_name[ne]={name}"], 422) == (
        native["meta"]["filtered_locally"],
        local["meta"]["filtered_locally"],
        strict.status_code,
    )
    assert {name} == {record["first_name"] for record in native["result"]}
    assert name not in {record["first_name"] for record in local["result"]}


async def test_explained(crm):
    """The native calls that an answer took are told on request."""
    await crm.get("/crm/contacts", params={"limit": 1})
    page = await crm.get("/crm/contacts", params={"limit": 1, "explain": "true"})
    assert (["GET /Contacts"], "GET /Contacts") == (page.json()["meta"]["calls"], page.headers["x-crosswalk-calls"])


async def test_fields(crm):
    """Fields of every resource, or of one; one field by its name."""
    every = (await crm.get("/crm/fields", params={"limit": 500})).json()
    contacts = (await crm.get("/crm/fields", params={"entity_type": "contacts", "limit": 500})).json()
    one = (await crm.get("/crm/fields/EMAIL_ADDRESS", params={"entity_type": "contacts"})).json()
    several = await crm.get("/crm/fields/LAST_NAME")
    assert {"contacts", "leads", "projects"} <= {field["entity_type"] for field in every["result"]}
    assert {"contacts"} == {field["entity_type"] for field in contacts["result"]}
    assert ("email_addresses", 422) == (one["unified_name"], several.status_code)


async def test_directory(crm):
    """The directory tells users, groups, who asks, and the instance."""
    me = (await crm.get("/user-directory/me")).json()
    users = (await crm.get("/user-directory/users")).json()["result"]
    one = (await crm.get(f"/user-directory/users/{me['id']}")).json()
    groups = await crm.get("/user-directory/groups")
    organizations = (await crm.get("/user-directory/organizations")).json()
    assert (True, me["id"], 200, 1) == (
        me["id"] in {user["id"] for user in users},
        one["id"],
        groups.status_code,
        organizations["result_count"],
    )


async def test_lookup(crm):
    """A person is found by an address, with the account; nobody is found by another."""
    listed = (await crm.get("/crm/contacts", params={"limit": 500})).json()["result"]
    person = next(each for each in listed if each["email_addresses"] and each["account"])
    found = (await crm.get("/crm/lookup", params={"email": person["email_addresses"][0]["email"]})).json()
    nobody = (await crm.get("/crm/lookup", params={"phone": "+0"})).json()
    both = await crm.get("/crm/lookup", params={"phone": "+0", "email": "a@b"})
    assert (person["id"], person["account"]["id"], False, None, 400) == (
        found["contact"]["id"],
        found["account"]["id"],
        found["partial"],
        nobody["contact"],
        both.status_code,
    )


async def test_a_lookup_in_time(crm, sandbox_http, sandbox):
    """What cannot be read in time is told as missing, and the rest is there."""
    faults = [{"fault": "hang", "route": "/Leads/*", "method": "GET"}]
    await sandbox_http.put(f"{sandbox.url}/_sandbox/faults", json=faults)
    found = (await crm.get("/crm/lookup", params={"email": "nobody@example.com", "deadline": 0.5})).json()
    assert (True, ["lead"]) == (found["partial"], [each for each in found["missing"] if each == "lead"])


async def test_ids_that_cannot_be(crm):
    """What can be no id is a 404, and never part of a path at Insightly."""
    told = [(await crm.get(f"/crm/contacts/{each}")).status_code for each in ("x", "%2e%2e", "1.5", "\u0661")]
    assert [404] * 4 == told
