"""Sources and channels made in the console, as forms send them."""

import re
from collections.abc import Mapping

import httpx
import pytest

from crosswalk.accounts.audit import Wanted, list_lines
from crosswalk.delivery.kinds import File, Http, Sql, Webhook
from fixtures.showcase import Showcase, csrf_of, enter

CSV = b"id;name\n1;Ada\n2;Zo\xc3\xab\n"


@pytest.fixture
async def person(bare: Showcase, stranger: httpx.AsyncClient) -> httpx.AsyncClient:
    """Somebody who is signed in to a hub without anything."""
    await enter(stranger, bare)
    stranger.headers["X-CSRF-Token"] = await csrf_of(stranger)
    return stranger


async def make(person: httpx.AsyncClient, form: Mapping[str, str]) -> httpx.Response:
    """Send the form of a new source."""
    return await person.post("/sources/new", data={"name": "people", **form})


async def test_upload(bare: Showcase, person: httpx.AsyncClient):
    """A file goes first, then the form that names it; the source is to be read at once, and later by its schedule."""
    kept = await person.post("/sources/uploads", params={"name": "people.csv"}, content=CSV)
    form = {"kind": "upload", "path": kept.json()["path"], "key": "id", "schedule": "every 6h", "now": "on"}
    made = await make(person, form | {"delimiter": ";", "header": "yes"})
    assert (201, 303, "/sources/people") == (kept.status_code, made.status_code, made.headers["location"])
    source = await bare.hub.sources().find("people")
    assert isinstance(source.settings, File)
    assert (";", True, "id", "every 6h") == (
        source.settings.options.delimiter,
        source.settings.options.header,
        source.settings.key,
        source.schedule,
    )
    assert source.next_at is not None


async def test_webhook_is_shown_once(bare: Showcase, person: httpx.AsyncClient):
    """A webhook's address stands on the answer and nowhere else; what is posted there becomes records."""
    made = await make(person, {"kind": "webhook", "megabytes": "2", "include_headers": "on", "schedule": "every 1h"})
    [address] = set(re.findall(rf"{re.escape(bare.url)}/hooks/[\w-]+", made.text))
    assert address not in (await person.get("/sources/people")).text
    async with httpx.AsyncClient() as other:
        assert 202 == (await other.post(address, json={"id": 1})).status_code
    source = await bare.hub.sources().find("people")
    assert isinstance(source.settings, Webhook)
    assert (1, 2_000_000, True, None) == (
        source.records,
        source.settings.max_bytes,
        source.settings.include_headers,
        source.schedule,
    )
    again = await person.post("/sources/people/rotate")
    assert {address} != set(re.findall(rf"{re.escape(bare.url)}/hooks/[\w-]+", again.text))


async def test_http_and_sql(bare: Showcase, person: httpx.AsyncClient):
    """An API's headers are sealed and not shown; a query names a connection of the operator's."""
    form = {"kind": "http", "url": "https://api.example.com/people", "style": "page", "size": "50"}
    secret = "Authorization: Bearer s3cret"
    assert 303 == (await make(person, form | {"headers": secret, "records": "data.items"})).status_code
    api = (await bare.hub.sources().find("people")).settings
    assert isinstance(api, Http)
    assert ("page", 50, "data.items") == (api.paging.style, api.paging.size, api.paging.records)
    page = await person.get("/sources/people")
    assert ("kept sealed" in page.text, "s3cret" in page.text) == (True, False)
    await bare.hub.connections().add("crm", "postgresql://reader@db.example.com/crm")
    query = {"kind": "sql", "name": "rows", "connection": "crm", "query": "SELECT 1 AS id", "cursor_column": "id"}
    assert 303 == (await make(person, query)).status_code
    sql = (await bare.hub.sources().find("rows")).settings
    assert isinstance(sql, Sql)
    assert ("crm", "id") == (sql.connection, sql.cursor_column)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"kind": "path", "path": "/etc/passwd"}, "CROSSWALK_FILES"),
        ({"kind": "http", "url": "ftp://x"}, "starts with https://"),
        ({"kind": "http", "url": "https://x.example", "size": "many"}, "whole number"),
        ({"kind": "http", "url": "https://x.example", "headers": "no colon"}, "header a line"),
        ({"kind": "sql", "query": "DROP TABLE people", "connection": "crm"}, "must begin with SELECT"),
        ({"kind": "webhook", "signature": "standard", "secret": "short"}, "whsec_"),
        ({"kind": "webhook", "megabytes": "65"}, "webhook"),
        ({"kind": "upload"}, "Choose a file"),
        ({"kind": "insightly", "resource": "Contacts"}, "account"),
        ({"kind": "webhook", "name": "bad name"}, "Nothing can be named"),
        ({"kind": "nonsense"}, "no kind of source"),
    ],
)
async def test_wrong_form(person: httpx.AsyncClient, form: dict[str, str], says: str):
    """What no source can be made of is said above the form, which keeps what was typed but secrets; nothing is made."""
    answer = await make(person, form)
    assert 422 == answer.status_code
    assert says in re.sub("&#39;", "'", answer.text)
    assert form.get("secret", "-no-") not in answer.text
    assert [] == (await person.get("/sources", params={"as": "json"})).json()["sources"]


async def test_schedule_and_removal(bare: Showcase, person: httpx.AsyncClient):
    """A schedule is changed or refused with its words; a source goes when its name is typed, and its dataset stays."""
    await make(person, {"kind": "http", "url": "https://api.example.com/people"})
    refused = await person.post("/sources/people/schedule", data={"schedule": "sometimes"})
    assert (422, True) == (refused.status_code, "cannot be read" in refused.text)
    assert 303 == (await person.post("/sources/people/schedule", data={"schedule": "every 15m"})).status_code
    assert "every 15m" == (await bare.hub.sources().find("people")).schedule
    assert 422 == (await person.post("/sources/people/remove", data={"name": "other"})).status_code
    assert 303 == (await person.post("/sources/people/remove", data={"name": "people"})).status_code
    left = (await person.get("/sources", params={"as": "json"})).json()
    assert ([], ["people"]) == (left["sources"], [each["name"] for each in left["datasets"]])


async def test_channels(bare: Showcase, person: httpx.AsyncClient):
    """A webhook is told of what was ticked, its secret shown once; a test goes out; removing ends it; the log knows."""
    where = "https://hooks.example.com/in"
    added = await person.post("/channels/add", data={"where": where, "kinds": ["run.stopped", "source.failed"]})
    assert (200, 1) == (added.status_code, len(re.findall("whsec_", added.text)))
    [channel] = await bare.hub.notices().channels()
    assert (where, ("run.stopped", "source.failed")) == (channel.url, channel.kinds)
    tested = await person.post(f"/channels/{channel.id}/test")
    assert (True, False) == ("A test is on its way" in tested.text, "whsec_" in tested.text)
    assert 422 == (await person.post("/channels/add", data={"where": where})).status_code
    assert 303 == (await person.post(f"/channels/{channel.id}/remove")).status_code
    assert [] == await bare.hub.notices().channels()
    lines = await list_lines(bare.hub.database, Wanted(), most=50)
    assert {"channel.add", "channel.test", "channel.remove"} <= {each.action for each in lines}


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("ops@example.com", "No mail server"),
        ("http://plain.example.com/x", "https"),
        ("nobody", "nobody"),
        ("", ""),
    ],
)
async def test_wrong_channel(person: httpx.AsyncClient, where: str, says: str):
    """What cannot be told is refused with its reason, and the form keeps what was typed."""
    answer = await person.post("/channels/add", data={"where": where, "kinds": ["run.stopped"]})
    assert 422 == answer.status_code
    assert says in answer.text
    assert re.search('value="run.stopped" checked', answer.text)
