"""The client of a hub: pages, repeats, keys, problems, webhooks."""

from datetime import UTC, datetime

import httpx2
import msgspec
import pytest
from standardwebhooks import Webhook

import crosswalk
from crosswalk import Crosswalk, NotReached, Problem, WebhookRefused, verify_webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ADA = {"id": "1", "name": "Ada"}


class Hub:
    """What the wire sees, and what it answers: a status with a body, or an exception, in turn."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.seen = []
        self.waited = []

    def __call__(self, request):
        self.seen.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return httpx2.Response(status, content=b"" if body is None else msgspec.json.encode(body))

    def open(self):
        http = httpx2.Client(transport=httpx2.MockTransport(self))
        return Crosswalk("http://hub/", token="secret", account="7", http=http, sleep=self.waited.append)

    @property
    def keys(self):
        return [request.headers.get("idempotency-key") for request in self.seen]


def busy(status=429, **more):
    """A hub that takes no more for now."""
    return status, {"code": "busy", "detail": "later", "retryable": True} | more


def test_every_page():
    """A list goes on until there is no cursor, one page at a time."""
    hub = Hub((200, {"result": [ADA], "next_cursor": "c"}), (200, {"result": [ADA | {"id": "2"}], "next_cursor": None}))
    with hub.open() as opened:
        listed = opened.crm("contacts").list(limit=1, updated_at={"gte": "2026-01-01"}, is_lead=None)
        assert ("1", 1) == (next(listed)["id"], len(hub.seen))
        assert ["2"] == [each["id"] for each in listed]
    first, second = (dict(request.url.params) for request in hub.seen)
    assert {"integrated_account_id": "7", "limit": "1", "updated_at[gte]": "2026-01-01"} == first
    assert "c" == second["next_cursor"]


@pytest.mark.parametrize("broken", [httpx2.ReadTimeout("slow"), busy(), busy(503)])
def test_a_write_is_repeated_under_one_key(broken):
    """A broken connection or a busy hub: the same key again, so that it is made once."""
    hub = Hub(broken, (201, ADA))
    with hub.open() as opened:
        assert ADA == opened.crm("contacts").create({"name": "Ada"})
    assert (2, 1, True) == (len(hub.seen), len(set(hub.keys)), None not in hub.keys)


def test_it_waits_as_told():
    """`retry_after` is kept to; one that is too long is the caller's."""
    hub = Hub(busy(retry_after=7), (200, ADA), busy(retry_after=3600))
    with hub.open() as opened:
        opened.crm("contacts").get("1")
        with pytest.raises(Problem) as caught:
            opened.crm("contacts").get("1")
    assert ([7.0], 3600, True) == (hub.waited, caught.value.retry_after, caught.value.retryable)


def test_a_problem():
    """A refusal says what is wrong where; it is not repeated, and the token stands nowhere."""
    told = {"code": "invalid", "detail": "one field", "errors": [{"pointer": "/a", "detail": "no such field"}]}
    hub = Hub((422, told))
    with hub.open() as opened, pytest.raises(Problem, match=r"422 invalid: one field\. /a: no such field") as caught:
        opened.crm("contacts").update("a/b", {"a": 1}, if_match="v1")
    assert (1, "/unified/crm/contacts/a%2Fb", '"v1"') == (
        len(hub.seen),
        hub.seen[0].url.raw_path.decode().partition("?")[0],
        hub.seen[0].headers["if-match"],
    )
    assert "secret" not in f"{caught.value}{opened!r}"


def test_a_proxied_write_is_not_repeated():
    """Insightly has no keys: what may have been made is not made again."""
    hub = Hub(httpx2.ReadTimeout("slow"))
    with hub.open() as opened, pytest.raises(NotReached, match="POST /proxy/Contacts"):
        opened.proxy("POST", "/Contacts", body={"FIRST_NAME": "Ada"})
    assert [None] == hub.keys


def test_nobody_answers():
    """So many tries, and then it is said."""
    hub = Hub(*(httpx2.ConnectError("refused") for _ in range(5)))
    with hub.open() as opened, pytest.raises(NotReached, match="refused"):
        opened.lookup(email="a@b.c")
    assert (5, 4) == (len(hub.seen), len(hub.waited))


def test_a_webhook():
    """Signed by the endpoint's secret and as it came: what it says. Else refused."""
    body, at = b'{"type":"record:created"}', datetime.now(UTC)
    signed = {"webhook-id": "m1", "webhook-timestamp": str(int(at.timestamp()))}
    headers = signed | {"Webhook-Signature": Webhook(SECRET).sign("m1", at, body.decode())}
    assert {"type": "record:created"} == verify_webhook(SECRET, headers, body)
    with pytest.raises(WebhookRefused):
        verify_webhook(SECRET, headers, body + b" ")


def test_nothing_else_is_there():
    """The package's names are those that it lists."""
    with pytest.raises(AttributeError, match="no attribute 'Crosswolk'"):
        crosswalk.Crosswolk  # noqa: B018 (asking for it is the test)
    assert all(getattr(crosswalk, name) is not None for name in crosswalk.__all__)
