"""What crosses the wire: keys, headers, codings, bodies, odd clients."""

import base64
import gzip
import io
import json
import zlib

import aiohttp
import pytest

from crosswalk.sandbox.call import Answer
from crosswalk.sandbox.reply import Budget, choose_coding, make_headers
from crosswalk.sandbox.request import MOST_BYTES

DENIED = {"Message": "Authorization has been denied for this request."}


def encode(text: str) -> str:
    """Write text as base64."""
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def http(sandbox_http):
    """The sandbox's client under a short name."""
    return sandbox_http


async def test_a_list_is_a_bare_array(http):
    """A list is a bare array of records."""
    async with http.get("Contacts") as answer:
        assert 20 == len(await answer.json())


@pytest.mark.parametrize(
    "form",
    [
        lambda key: f"Basic {encode(key)}",
        lambda key: f"Basic {encode(key + ':')}",
        lambda key: f"Basic {encode(key + ':secret')}",
        lambda key: f"basic {encode(key)}",
        lambda key: f"BASIC {encode(key).rstrip('=')}",
        lambda key: f"Basic {base64.urlsafe_b64encode(key.encode()).decode()}",
        lambda key: f"Basic  {encode(key)} ",
    ],
)
async def test_forms_of_a_key(sandbox, form):
    """Every form of the Basic header that working programs send is accepted."""
    auth = {"Authorization": form(sandbox.key)}
    async with aiohttp.ClientSession(headers=auth) as session, session.get(f"{sandbox.base_url}/Users/Me") as answer:
        assert 200 == answer.status


@pytest.mark.parametrize("header", ["", "Basic", "Basic ???", "Basic /w==", f"Basic {encode('wrong')}", "Bearer x"])
@pytest.mark.parametrize("path", ["/v3.1/Contacts", "/v3.1/Nothing", "/", "/v2.2/Contacts"])
async def test_without_a_valid_key(sandbox, path, header):
    """Any path without a valid key, known or not, is 401 with ASP.NET's body."""
    async with aiohttp.ClientSession(headers={"Authorization": header}) as session:
        answer = await session.get(sandbox.url + path)
        assert (401, DENIED) == (answer.status, await answer.json())


async def test_a_user_is_seen_by_the_key(sandbox):
    """Each key acts as its own user."""
    for user in sandbox.instance.users:
        async with aiohttp.ClientSession(headers={"Authorization": f"Basic {encode(user.key)}"}) as session:
            answer = await session.get(f"{sandbox.base_url}/Users/Me")
            assert user.id == (await answer.json())["USER_ID"]


@pytest.mark.parametrize("path", ["Contacts", "Nothing", "Contacts/1", "Tickets"])
async def test_rate_headers_are_always_there(http, path):
    """The day's limits stand on every answer, refusals too."""
    async with http.get(path) as answer:
        assert {"X-RateLimit-Limit", "X-RateLimit-Remaining"} <= set(answer.headers)


async def test_headers_of_iis(http):
    """Answers carry the headers that were recorded."""
    async with http.get("Contacts") as answer:
        shown = {name: answer.headers[name] for name in ("Cache-Control", "Pragma", "Expires", "Content-Type")}
        expected = {"Cache-Control": "no-cache", "Pragma": "no-cache", "Expires": "-1"}
        assert expected | {"Content-Type": "application/json; charset=utf-8"} == shown


@pytest.mark.parametrize("path", ["contacts", "CONTACTS/", "/v3.1//Contacts", "/V3.1/Contacts", "/v3.1/Contacts?"])
async def test_paths_in_any_spelling(http, path):
    """Case and slashes do not matter on the wire either."""
    async with http.get(path) as answer:
        assert 200 == answer.status


async def test_unknown_path(sandbox, http):
    """An unknown path with a valid key is 404 in Web API's words."""
    async with http.get("Nothing?a=1") as answer:
        message = f"No HTTP resource was found that matches the request URI '{sandbox.base_url}/Nothing?a=1'."
        assert (404, {"Message": message}) == (answer.status, await answer.json())


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "Notes", "GET, PUT"), ("PATCH", "Users", "GET"), ("OPTIONS", "Users", "GET"), ("GET", "Tickets", "")],
)
async def test_wrong_verb(http, method, path, allowed):
    """A wrong verb is 405, names itself and says what is allowed."""
    async with http.request(method, path) as answer:
        message = f"The requested resource does not support http method '{method}'."
        assert (405, allowed, {"Message": message}) == (answer.status, answer.headers["Allow"], await answer.json())


async def test_head_is_get_without_its_body(http):
    """HEAD answers the length of the GET and nothing more."""
    async with http.get("Contacts", headers={"Accept-Encoding": "identity"}) as answer:
        length = len(await answer.read())
    async with http.head("Contacts", headers={"Accept-Encoding": "identity"}) as answer:
        assert (200, str(length), b"") == (answer.status, answer.headers["Content-Length"], await answer.read())


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate, br", "gzip"),
        ("gzip;q=0, deflate", "deflate"),
        ("*", "gzip"),
        ("identity", None),
        ("br", None),
        ("gzip;q=0", None),
        ("gzip;q=nonsense", None),
    ],
)
async def test_answers_are_compressed_when_asked(http, accepted, coding):
    """Both gzip and deflate are honoured, and nothing else is sent."""
    async with http.get("Contacts", headers={"Accept-Encoding": accepted}) as answer:
        assert (coding, 20) == (answer.headers.get("Content-Encoding"), len(await answer.json()))


def test_a_weight_that_is_no_number():
    """A letter that looks like a digit weighs nothing, and breaks nothing."""
    assert choose_coding("gzip;q=²") is None


async def test_small_answers_are_not_compressed(http):
    """A body that compression would lengthen goes out as it is."""
    async with http.get("Contacts?skip=1000", headers={"Accept-Encoding": "gzip"}) as answer:
        assert (None, b"[]") == (answer.headers.get("Content-Encoding"), await answer.read())


def deflate_raw(data: bytes) -> bytes:
    """Compress without zlib's frame."""
    worker = zlib.compressobj(6, zlib.DEFLATED, -15)
    return worker.compress(data) + worker.flush()


@pytest.mark.parametrize(
    ("coding", "pack"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress), ("deflate", deflate_raw)],
)
async def test_compressed_requests(http, coding, pack):
    """A body may come as gzip or deflate, with or without zlib's frame."""
    body = pack(json.dumps({"FIRST_NAME": "Zoë"}).encode())
    headers = {"Content-Encoding": coding, "Content-Type": "application/json"}
    async with http.post("Contacts", data=body, headers=headers) as answer:
        assert "Zoë" == (await answer.json())["FIRST_NAME"]


@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(b"{}", mtime=0)[:-6]])
async def test_a_body_that_is_not_what_it_says(http, body):
    """A broken or cut gzip body is a clear 400."""
    async with http.post("Contacts", data=body, headers={"Content-Encoding": "gzip"}) as answer:
        assert (400, {"Message": "The request body is not valid gzip."}) == (answer.status, await answer.json())


async def test_chunked_body(http):
    """A body may come in chunks without a length."""

    async def pieces():
        yield b'{"FIRST_NAME": '
        yield b'"Ada"}'

    async with http.post("Contacts", data=pieces()) as answer:
        assert "Ada" == (await answer.json())["FIRST_NAME"]


async def test_expect_continue(sandbox):
    """A sender that asks first is told to go on."""
    body = b'{"FIRST_NAME": "Ada"}'
    asked = sandbox.request("POST /v3.1/Contacts", f"Content-Length: {len(body)}", "Expect: 100-continue")
    got = await sandbox.exchange(asked + body)
    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n")


async def test_pipelined_calls(sandbox):
    """Calls sent at once on one connection are answered in order."""
    first = sandbox.request("GET /v3.1/Contacts?top=1").replace(b"Connection: close\r\n", b"")
    got = await sandbox.exchange(first + sandbox.request("GET /v3.1/Nothing"))
    assert [b"200", b"404"] == [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]]


async def test_a_body_on_get_is_ignored(http):
    """A GET with a content type and a body is answered as without."""
    async with http.get("Users/Me", data=b"[junk", headers={"Content-Type": "application/json"}) as answer:
        assert 200 == answer.status


async def test_a_body_too_large(http):
    """A body of 50 MB is 413 in JSON, and its sender hears it."""
    async with http.post("Contacts", data=io.BytesIO(bytes(50_000_000))) as answer:
        assert (413, {"Message": f"The request body is larger than {MOST_BYTES} bytes."}) == (
            answer.status,
            await answer.json(),
        )


@pytest.mark.parametrize(
    ("head", "status"),
    [("POST /v3.1/Contacts", 413), ("POST /v3.1/Nothing", 404), ("PUT /_sandbox/faults", 413)],
)
async def test_a_body_too_large_for_a_connection_that_ends(sandbox, head, status):
    """A sender of 50 MB that closes afterwards and reads only then hears its answer all the same."""
    asked = sandbox.request(head, "Content-Length: 50000000", "Connection: close")
    assert (await sandbox.exchange(asked + bytes(50_000_000))).startswith(b"HTTP/1.1 %d " % status)


async def test_a_body_too_large_is_not_asked_for(sandbox):
    """A sender that asks first is refused before it sends."""
    asked = sandbox.request("POST /v3.1/Contacts", f"Content-Length: {MOST_BYTES + 1}", "Expect: 100-continue")
    assert (await sandbox.exchange(asked)).startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_grows(http):
    """A small gzip body that unpacks to a huge one is refused, not unpacked."""
    bomb = gzip.compress(bytes(MOST_BYTES + 1))
    async with http.post("Contacts", data=bomb, headers={"Content-Encoding": "gzip"}) as answer:
        assert 413 == answer.status


@pytest.mark.parametrize(
    "query", ["TOP=3", "top=9&Top=3", "top=3&first_name=x&$filter=y", "top=3&%zz=%e", "&&top=3&=&x", "top=%33"]
)
async def test_queries_in_any_form(http, query):
    """Query names have no case, the last wins, unknown and broken ones are ignored."""
    async with http.get(f"/v3.1/Contacts?{query}") as answer:
        assert 3 == len(await answer.json())


async def test_reason_phrase(sandbox):
    """A missing record says so in the status line, as was recorded."""
    got = await sandbox.exchange(sandbox.request("GET /v3.1/Contacts/1"))
    assert got.startswith(b"HTTP/1.1 404 Contact Not Found\r\n")


def test_header_values_are_clean():
    """What came in a file name goes out in a header without line ends or letters that no header holds."""
    answer = Answer(200, headers=(("Content-Disposition", 'attachment; filename="a\r\nX: ☃é"'),))
    headers = make_headers(answer, 0, date=b"", budget=Budget(1, 1))
    assert (b"Content-Disposition", b'attachment; filename="aX: ?\xe9"') == headers[-1]


@pytest.mark.parametrize("host", ["api.insightly.com", "API.Insightly.com", "api.insightly.com:8443"])
async def test_bare_host_is_refused(http, host):
    """The host without a pod serves no resource, by default."""
    async with http.get("Contacts", headers={"Host": host}) as answer:
        assert 404 == answer.status


async def test_bare_host_is_served_by_switch(sandbox, http):
    """By switch the host without a pod serves as it did until 2025."""
    async with http.put("/_sandbox/switches", json={"bare_host": "served"}):
        pass
    async with http.get("Contacts", headers={"Host": "api.insightly.com"}) as answer:
        assert 200 == answer.status


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01 tls?\r\n\r\n", b"GET\r\n\r\n", b"NONSENSE / HTTP/1.1\r\n\r\n", b"GET \xff"]
)
async def test_what_is_no_http(sandbox, junk):
    """Bytes that are no HTTP are answered 400, and the sandbox lives on."""
    assert (await sandbox.exchange(junk + b"\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert b"200 OK" in await sandbox.exchange(sandbox.request("GET /v3.1/Users/Me"))


async def test_an_unexpected_fault_is_a_page(sandbox, http, caplog):
    """A bug of ours is ASP.NET's error page, is logged with its traceback, and cuts nothing."""
    sandbox.state.first.instance.tables.clear()
    async with http.get("Contacts") as answer:
        assert (500, "text/html; charset=utf-8") == (answer.status, answer.headers["Content-Type"])
    assert "KeyError" in caplog.text
    assert 500 == sandbox.state.log.entries[-1].status
