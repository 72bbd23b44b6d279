"""Calls: repeats, refusals, pace, secrets."""

import asyncio
import base64
import socket
import traceback
from bisect import bisect_right

import msgspec
import pytest
from aiohttp import web

from crosswalk.insightly import (
    BadAnswer,
    Contact,
    DailyQuotaSpent,
    HostRefused,
    Insightly,
    InsightlyError,
    KeyRefused,
    NoAnswer,
    NotConnected,
    NotFound,
    RateLimited,
    Redirected,
    ResponseUnknown,
    Turns,
    WrongUse,
)

KEY = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


class Counting(Turns):
    """A pacer that counts slots given and notes taken."""

    def __init__(self):
        super().__init__()
        self.slots, self.notes = [], []

    async def slot(self, call):
        self.slots.append(call.title)
        return await super().slot(call)

    def note(self, seen):
        self.notes.append(seen.status)
        super().note(seen)


FAULTS = [
    {"fault": "status", "status": 503},
    {"fault": "status", "status": 500, "commit": True},
    {"fault": "reset"},
    {"fault": "truncate"},
    {"fault": "rate_limit", "retry_after": 0},
    {"fault": "rate_limit", "retry_after": None},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['fault']}{fault.get('status', '')}")
async def test_reads_are_repeated(crm, faults, naps, fault):
    """A read that fails twice on the way or at the server comes through, after growing waits."""
    faults({**fault, "count": 2})
    assert 20 == len(await crm.contacts.list())
    assert 2 == len(naps)


async def test_reads_give_up(crm, faults, calls):
    """After five tries a read says that no answer came, and when it may be tried again."""
    faults({"fault": "status", "status": 502})
    with pytest.raises(NoAnswer, match="502") as caught:
        await crm.contacts.list()
    assert 5 == len(calls())
    assert caught.value.retry_at


@pytest.mark.parametrize("wait", [0, None])
async def test_a_refused_write_is_repeated(crm, faults, sandbox, wait):
    """A write that was refused for its pace took no effect, so it is sent again."""
    faults({"fault": "rate_limit", "retry_after": wait, "count": 2})
    await crm.contacts.create({"first_name": "Ada"})
    assert 21 == sandbox.instance.counts()["contacts"]


UNKNOWN = [
    {"fault": "status", "status": 500, "commit": True},
    {"fault": "status", "status": 503, "headers": {"Retry-After": "1"}},
    {"fault": "reset", "commit": True},
    {"fault": "half_close", "commit": True, "seconds": 0.01},
    {"fault": "truncate"},
    {"fault": "hang", "commit": True},
]


@pytest.mark.parametrize("fault", UNKNOWN, ids=lambda fault: f"{fault['fault']}{fault.get('status', '')}")
async def test_an_unknown_write_is_not_repeated(connect, faults, sandbox, fault):
    """A write that may have taken effect is sent once, and the error says when."""
    faults(fault)
    pacer = Counting()
    async with connect(sandbox.base_url, sandbox.key, timeout=0.3, pacer=pacer) as crm:
        with pytest.raises(ResponseUnknown, match="may have taken effect") as caught:
            await crm.contacts.create({"first_name": "Ada"})
    assert ["POST /Contacts"] == pacer.slots
    assert ("POST", "/Contacts") == (caught.value.method, caught.value.path)
    assert (caught.value.answer is None) == (caught.value.first_byte is not None)
    assert sandbox.instance.counts()["contacts"] <= 21


async def test_a_repeat_may_be_allowed(crm, faults):
    """`retry=True` says that sending a call twice does no harm."""
    faults({"fault": "reset", "count": 1})
    answer = await crm.request("PUT", "Contacts", json={"CONTACT_ID": await first(crm), "PHONE": "1"}, retry=True)
    assert 200 == answer.status


async def first(crm):
    """The id of some contact."""
    return (await crm.contacts.list(top=1))[0].contact_id


async def test_spent_day(crm, faults, calls, naps):
    """A spent day is said at once, with the time of the next try, and not asked again."""
    faults({"fault": "rate_limit", "day": True, "retry_after": None})
    with pytest.raises(DailyQuotaSpent) as caught:
        await crm.contacts.list()
    assert (1, [], True) == (len(calls()), naps, caught.value.assumed)


async def test_nobody_there(connect):
    """Where nothing listens nothing was sent; after five tries that is said, for writes too."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v3.1"
    async with connect(url) as crm:
        with pytest.raises(NotConnected, match="Nothing was sent"):
            await crm.contacts.create({"first_name": "Ada"})


async def test_no_such_host():
    """A pod that does not exist is a connection that cannot be made."""
    async with Insightly(KEY, base_url="https://crm.invalid/v3.1", allow_hosts=["crm.invalid"], attempts=1) as crm:
        with pytest.raises(NotConnected):
            await crm.users.me()


async def test_every_try_takes_a_slot(connect, sandbox, faults):
    """Repeats take slots as first tries do, and every slot is given back."""
    faults({"fault": "reset", "count": 2})
    pacer = Counting()
    async with connect(sandbox.base_url, sandbox.key, pacer=pacer) as crm:
        await crm.contacts.list()
    assert 3 == len(pacer.slots)
    assert [None, None, 200] == pacer.notes
    assert (0, 0) == (pacer.pace.in_flight, pacer.pace.unsent)


async def test_a_cancelled_call_gives_its_slot_back(connect, sandbox, faults):
    """A caller who leaves frees the slot."""
    faults({"fault": "hang"})
    pacer = Counting()
    async with connect(sandbox.base_url, sandbox.key, pacer=pacer) as crm:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(crm.contacts.list(), 0.1)
    assert ([None], 0) == (pacer.notes, pacer.pace.in_flight)


class Stamping(Turns):
    """A pacer that remembers when each call left."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[float] = []

    def sent(self) -> None:
        super().sent()
        self.left.append(self.pace.stamps[-1])


async def test_the_real_limit(sandbox):
    """At its own pace the client sends no eleven calls in any second, however many wait."""
    pacer, host = Stamping(), sandbox.base_url.split("/")[2]
    async with Insightly(sandbox.key, base_url=sandbox.base_url, allow_hosts=[host], pacer=pacer) as crm:
        await asyncio.gather(*(crm.contacts.list(top=1) for _ in range(25)))
    assert 25 == len(pacer.left)
    assert max(bisect_right(pacer.left, at + 1) - place for place, at in enumerate(pacer.left)) <= 10


async def test_the_days_count(crm):
    """Every answer tells what is left of the day."""
    await crm.users.me()
    assert crm.quota is not None
    assert 0 < crm.remaining <= crm.quota


async def test_wrong_key(connect, sandbox):
    """A wrong key is one clear error."""
    async with connect(sandbox.base_url, KEY) as crm:
        with pytest.raises(KeyRefused, match="Authorization has been denied"):
            await crm.users.me()


@pytest.mark.parametrize("key", ["", "a\nb", "schlüssel", "a:b"])
def test_no_key(key):
    """What cannot be a key is refused before it is sent, and not repeated."""
    with pytest.raises(WrongUse) as caught:
        Insightly(key, pod="na1")
    assert not key or key not in str(caught.value)


async def test_not_opened(connect, sandbox):
    """A client that was not opened says so."""
    with pytest.raises(RuntimeError, match="async with"):
        await connect(sandbox.base_url, sandbox.key).users.me()


def test_host_refused():
    """The host is checked before anything is sent."""
    with pytest.raises(HostRefused):
        Insightly(KEY, base_url="https://evil.example/v3.1")


async def test_request(crm):
    """Any call can be made: path, query, body and headers as given."""
    answer = await crm.request("get", "Contacts/Search?top=3", params={"count_total": "true"})
    assert (200, 3, 20) == (answer.status, len(answer.json()), answer.number("x-total-count"))


async def test_request_is_sent_as_given(connect, odd):
    """Letters, spaces and encoded slashes in a path arrive as they were meant."""
    seen = []

    async def handler(request):
        seen.append((request.method, request.raw_path, await request.read(), request.headers.get("X-Mine")))
        return web.json_response({})

    async with connect(await odd(handler)) as crm:
        await crm.request("POST", "/Ünï/a%2Fb c", params={"q": "a&b#c"}, body=b"x", headers={"X-Mine": "1"})
    assert [("POST", "/v3.1/%C3%9Cn%C3%AF/a%2Fb%20c?q=a%26b%23c", b"x", "1")] == seen


async def test_gzip(connect, odd):
    """Compressed answers are asked for and read."""

    async def handler(request):
        assert "gzip" in request.headers["Accept-Encoding"]
        answer = web.json_response([{"CONTACT_ID": 7}])
        answer.enable_compression(web.ContentCoding.gzip)
        return answer

    async with connect(await odd(handler)) as crm:
        assert (Contact(contact_id=7),) == await crm.contacts.list()


async def test_authorization(connect, odd):
    """The key travels as Basic user name with an empty password, in no other place."""

    async def handler(request):
        return web.json_response({"FIRST_NAME": request.headers["Authorization"], "LAST_NAME": request.path_qs})

    async with connect(await odd(handler)) as crm:
        me = await crm.users.me()
    assert f"Basic {base64.b64encode(KEY.encode() + b':').decode()}" == me.first_name
    assert "/v3.1/Users/Me" == me.last_name


@pytest.mark.parametrize("status", [200, 201])
async def test_either_success(connect, odd, status):
    """POST and PUT answer 200 or 201, whatever the document says."""

    async def handler(request):
        return web.json_response({"CONTACT_ID": 7, **await request.json()}, status=status)

    async with connect(await odd(handler)) as crm:
        assert 7 == (await crm.contacts.create({"first_name": "Ada"})).contact_id
        assert "1" == (await crm.contacts.update(7, {"phone": "1"})).phone


async def test_redirect_within_the_host(connect, odd):
    """A redirect below the base URL is followed, in a slot of its own."""

    async def handler(request):
        if request.path.endswith("/Contacts"):
            raise web.HTTPTemporaryRedirect("/v3.1/contacts/")
        return web.json_response([])

    pacer = Counting()
    async with connect(await odd(handler), pacer=pacer) as crm:
        assert () == await crm.contacts.list()
    assert ["GET /Contacts", "GET /contacts/"] == pacer.slots


@pytest.mark.parametrize("place", ["http://127.0.0.1:9/v3.1/Contacts", "/elsewhere", "//evil.example/v3.1/Contacts"])
async def test_redirect_elsewhere(connect, odd, place):
    """The key follows no redirect to another host or out of the API."""

    async def handler(request):
        raise web.HTTPFound(place)

    async with connect(await odd(handler)) as crm:
        with pytest.raises(Redirected, match="the key is not sent"):
            await crm.contacts.list()


async def test_redirects_without_end(connect, odd):
    """A circle of redirects ends."""

    async def handler(request):
        raise web.HTTPFound("/v3.1/Contacts")

    async with connect(await odd(handler)) as crm:
        with pytest.raises(Redirected):
            await crm.contacts.list()


async def test_endless_answer(connect, odd):
    """An answer over the limit is not read on, and not asked for again."""

    async def handler(request):
        return web.Response(body=b"x" * 5000)

    pacer = Counting()
    async with connect(await odd(handler), limit=1000, pacer=pacer) as crm:
        with pytest.raises(NoAnswer, match="longer than 1000 bytes"):
            await crm.contacts.list()
    assert 1 == len(pacer.slots)


@pytest.mark.parametrize("body", [b"<html>", b'{"Message": "x"', b"7", b'[{"CONTACT_ID": "x"}]', b'{"a": 1}'])
async def test_unreadable_success(connect, odd, body):
    """A success that is no list of records is an error that says so."""

    async def handler(request):
        return web.Response(body=body)

    async with connect(await odd(handler)) as crm:
        with pytest.raises(BadAnswer, match="Read it again"):
            await crm.contacts.list()


async def test_unreadable_write(connect, odd):
    """An unreadable answer to a write says that the write took effect."""

    async def handler(request):
        return web.Response(status=201)

    async with connect(await odd(handler)) as crm:
        with pytest.raises(BadAnswer, match="It took effect"):
            await crm.contacts.create({"first_name": "Ada"})


async def test_put_is_not_sent_again_behind_our_back():
    """On a kept connection that breaks, a PUT is sent once: the HTTP library must not repeat it by itself."""
    seen = []

    async def talk(reader, writer):
        for _ in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            seen.append(head.split(b" ")[0])
            if head.startswith(b"PUT"):
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Insightly(KEY, base_url=f"http://{host}/v3.1", allow_hosts=[host]) as crm:
        await crm.contacts.list()
        with pytest.raises(ResponseUnknown):
            await crm.contacts.update(7, {"phone": "1"})
    assert [b"GET", b"PUT"] == seen


async def test_silence_is_unknown(connect, sandbox, faults):
    """A write that is not answered in time is unknown, and tells how long it waited."""
    faults({"fault": "hang"})
    async with connect(sandbox.base_url, sandbox.key, timeout=0.2) as crm:
        with pytest.raises(ResponseUnknown, match=r"no whole answer within 0\.2 s"):
            await crm.contacts.delete(7)


SPELLINGS = (KEY, base64.b64encode(KEY.encode() + b":").decode(), base64.b64encode(KEY.encode()).decode())


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 302, 200])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_key_is_in_no_error(connect, odd, status, method):
    """Whatever an answer repeats, no message, `repr` or traceback holds the key."""

    async def handler(request):
        said = f"<p>You sent {request.headers['Authorization']} and {KEY}</p>" + " ".join(SPELLINGS)
        return web.Response(status=status, text=said, headers={"Location": "https://evil.example/"})

    async with connect(await odd(handler), attempts=2) as crm:
        call = crm.contacts.list() if method == "GET" else crm.contacts.create({"first_name": "Ada"})
        with pytest.raises(InsightlyError) as caught:
            await call
        error = caught.value
        shown = "".join(traceback.format_exception(error)) + repr(error) + repr(crm) + repr(crm.contacts)
        if status != 200:
            # a success is the caller's own data and is handed over as it came
            shown += repr(getattr(error, "answer", ""))
    assert [] == [spelling for spelling in SPELLINGS if spelling in shown]


async def test_the_key_is_in_no_connection_error(connect):
    """Nor does a failed connection tell it."""
    async with connect("http://127.0.0.1:9/v3.1") as crm:
        with pytest.raises(NotConnected) as caught:
            await crm.contacts.list()
    assert KEY not in "".join(traceback.format_exception(caught.value))


async def test_errors_keep_the_answer(crm):
    """An error has Insightly's own answer, for those who hand it on."""
    with pytest.raises(NotFound) as caught:
        await crm.contacts.get(999)
    assert (404, b"No Contact with ID = 999") == (caught.value.answer.status, caught.value.answer.body)


async def test_bursts_too_many(crm, faults):
    """Refused five times, a call gives up and says so."""
    faults({"fault": "rate_limit", "retry_after": 0})
    with pytest.raises(RateLimited):
        await crm.contacts.create(Contact(first_name="Ada"))


async def test_bodies_are_json(crm, sandbox):
    """What is sent is what the record says, no more."""
    await crm.contacts.create(Contact(first_name="Ada", custom_fields={"CROSSWALK_KEY__c": "k"}))
    sent = msgspec.json.decode(sandbox.state.log.bodies[-1].request)
    assert {"FIRST_NAME": "Ada", "CUSTOMFIELDS": [{"FIELD_NAME": "CROSSWALK_KEY__c", "FIELD_VALUE": "k"}]} == sent
