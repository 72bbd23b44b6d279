"""What the proxy keeps from doing harm: bodies without end, redirects to strangers, error pages that repeat the key."""

# ruff: noqa: F811 (imported fixtures are arguments)

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest

from crosswalk.accounts.accounts import Account
from crosswalk.api.relaying import MOST_BODY
from fixtures.proxied import account, linked, proxied  # noqa: F401 (fixtures)
from fixtures.served import Served

FORMS = ["/proxy/Contacts?integrated_account_id={id}", "/insightly/{id}/v3.1/Contacts"]
STRANGERS = [
    "https://evil.example/v3.1/Contacts",
    "//evil.example/v3.1/Contacts",
    "http://127.0.0.1:1/v3.1/Contacts",
    "/elsewhere",
]


@pytest.fixture(params=FORMS)
def place(request: pytest.FixtureRequest, account: Account) -> str:
    """The address of the contacts, in each form of the proxy."""
    return request.param.format(id=account.id)


async def declare(proxied: httpx.AsyncClient, place: str, *headers: str) -> bytes:
    """The status of a creation of which only the head is sent."""
    parts = urlsplit(str(proxied.base_url))
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    bearer = f"Authorization: {proxied.headers['authorization']}"
    writer.write("\r\n".join([f"POST {place} HTTP/1.1", "Host: hub", bearer, *headers, "", ""]).encode())
    line = await reader.readline()
    writer.close()
    return line.split()[1]


async def test_oversized_body(proxied: httpx.AsyncClient, insightly: Served, place: str):
    """A body that says it is larger than any that passes is refused before a byte of it is read or sent."""
    before = insightly.calls("POST")
    assert b"413" == await declare(proxied, place, f"Content-Length: {MOST_BODY + 1}")
    assert before == insightly.calls("POST")


async def test_oversized_in_pieces(
    proxied: httpx.AsyncClient, insightly: Served, place: str, monkeypatch: pytest.MonkeyPatch
):
    """A body that does not say its size is refused where it grows too large, and makes no record."""
    monkeypatch.setattr("crosswalk.api.relaying.MOST_BODY", 100_000)  # the bound itself would take 256 MiB a case

    async def pieces():
        for _ in range(40):
            yield b" " * 10_000

    before = len(insightly.records("contacts", ("CONTACT_ID",)))
    answer = await proxied.post(place, content=pieces(), headers={"Content-Type": "application/json"})
    assert 413 == answer.status_code
    assert before == len(insightly.records("contacts", ("CONTACT_ID",)))


@pytest.mark.parametrize("location", STRANGERS)
async def test_redirect_to_a_stranger(proxied: httpx.AsyncClient, insightly: Served, place: str, location: str):
    """A redirect that leads away is a 502: nobody follows it, and its address does not reach the caller."""
    insightly.faults({"fault": "status", "status": 302, "body": "", "headers": {"Location": location}})
    before = insightly.calls("GET")
    answer = await proxied.get(place)
    assert (502, 1) == (answer.status_code, insightly.calls("GET") - before)
    assert "location" not in answer.headers
    assert location not in answer.text


async def test_redirect_within(proxied: httpx.AsyncClient, insightly: Served, place: str):
    """A redirect within the account's Insightly leads back through the hub."""
    there = f"{insightly.base_url}/Leads"
    insightly.faults({"fault": "status", "status": 302, "body": "", "headers": {"Location": there}})
    answer = await proxied.get(place)
    expected = place.partition("?")[0].replace("Contacts", "Leads")
    assert (302, expected) == (answer.status_code, answer.headers["location"].partition("?")[0])


async def test_location_of_what_is_no_redirect(proxied: httpx.AsyncClient, insightly: Served, place: str):
    """A `Location` beside another status stays here."""
    headers = {"Location": "https://evil.example/"}
    insightly.faults({"fault": "status", "status": 500, "body": "", "headers": headers})
    answer = await proxied.get(place)
    assert (500, False) == (answer.status_code, "location" in answer.headers)


@pytest.mark.parametrize("status", [400, 401, 500, 503])
async def test_key_in_an_error_page(proxied: httpx.AsyncClient, insightly: Served, place: str, status: int):
    """An error page that repeats the key passes with the key masked."""
    page = f"<pre>Authorization of {insightly.key} failed</pre>"
    insightly.faults({"fault": "status", "status": status, "body": page})
    answer = await proxied.get(place)
    assert (status, "<pre>Authorization of *** failed</pre>") == (answer.status_code, answer.text)
