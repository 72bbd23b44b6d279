"""Webhooks and notices over HTTP."""

from collections.abc import AsyncIterator

import httpx
import pytest

from crosswalk.api.routes import make_api
from crosswalk.delivery.notices import Notices
from crosswalk.outgoing.office import Office
from crosswalk.outgoing.sender import Sender
from fixtures.receiver import SEALS

HOOKS, NOTICES = "/v1/webhooks", "/v1/notices"


@pytest.fixture
def office(database, receiver) -> Office:
    """Tells the receiver."""
    return Office(database=database, sender=Sender(listed=[receiver.place]), seals=SEALS)


@pytest.fixture
def app(database, office):
    """The API with its post office."""
    return make_api(database, office=office)


@pytest.fixture
async def made(admin, receiver) -> AsyncIterator[dict[str, object]]:
    """One endpoint."""
    return (await admin.post(HOOKS, json={"name": "crm", "url": receiver.url})).json()


async def test_secret_is_shown_once(admin, made):
    """The secret is in the answer that made it, and in no later one."""
    assert made["secret"].startswith("whsec_")
    texts = [(await admin.get(path)).text for path in (HOOKS, f"{HOOKS}/crm", f"{HOOKS}/crm/messages")]
    assert not any(made["secret"] in text for text in texts)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "", {"name": "crm", "url": "https://example.com/"}, 409, "already"),
        ("POST", "", {"name": "b", "url": "http://example.com/"}, 422, "https"),
        ("POST", "", {"name": "b", "url": "https://10.0.0.1/"}, 422, "public internet"),
        ("POST", "", {"name": "b", "url": "https://example.com/", "secret": "x"}, 422, "whsec_"),
        ("POST", "", {"name": "b c", "url": "https://example.com/"}, 422, "cannot be named"),
        ("POST", "", {"name": "b", "url": "https://example.com/", "account_id": "9"}, 422, "no account"),
        ("GET", "/none", None, 404, "no endpoint"),
        ("PATCH", "/crm", {"url": "https://user@example.com/"}, 422, "user name"),
        ("POST", "/crm/rotate", {"overlap_hours": 1000}, 400, "overlap_hours"),
        ("GET", "/messages/none", None, 404, "no message"),
        ("POST", "/crm/replay", {"since": "yesterday"}, 400, "since"),
    ],
)
@pytest.mark.usefixtures("made")
async def test_refused(admin, method, path, body, status, says):
    """What cannot be done is refused with its reason."""
    answer = await admin.request(method, f"{HOOKS}{path}", json=body)
    assert (status, True) == (answer.status_code, says in answer.json()["detail"])


@pytest.mark.usefixtures("made")
async def test_trial(admin, receiver):
    """A test is sent at once, signed, and tells what came of it."""
    good = (await admin.post(f"{HOOKS}/crm/test")).json()
    receiver.statuses(500)
    bad = (await admin.post(f"{HOOKS}/crm/test")).json()
    assert ((True, 204), (False, 500)) == ((good["delivered"], good["status"]), (bad["delivered"], bad["status"]))
    assert "webhook-signature" in {name.lower() for name in receiver.heard[0].headers}


@pytest.mark.usefixtures("made")
async def test_rotate(admin, receiver):
    """After a rotation two secrets sign; without overlap the new one alone."""
    await admin.post(f"{HOOKS}/crm/rotate", json={})
    await admin.post(f"{HOOKS}/crm/test")
    await admin.post(f"{HOOKS}/crm/rotate", json={"overlap_hours": 0})
    await admin.post(f"{HOOKS}/crm/test")
    assert [2, 1] == [len(each.headers["webhook-signature"].split()) for each in receiver.heard]


@pytest.mark.usefixtures("made")
async def test_states(admin):
    """An endpoint is disabled, enabled and removed."""
    states = [(await admin.post(f"{HOOKS}/crm/{verb}")).json()["state"] for verb in ("disable", "enable")]
    gone = (await admin.delete(f"{HOOKS}/crm")).status_code, (await admin.get(f"{HOOKS}/crm")).status_code
    assert (["disabled", "active"], (200, 404)) == (states, gone)


async def test_reach(caller, accounts, made, receiver):
    """A token for one account makes, sees and tests endpoints of that account alone."""
    narrow: httpx.AsyncClient = await caller("webhooks:*", accounts=(accounts["acme"],))
    draft = {"name": "own", "url": receiver.url}
    statuses = [
        (await narrow.post(HOOKS, json=draft)).status_code,
        (await narrow.post(HOOKS, json=draft | {"account_id": accounts["other"]})).status_code,
        (await narrow.post(HOOKS, json=draft | {"account_id": accounts["acme"]})).status_code,
        (await narrow.get(f"{HOOKS}/crm")).status_code,
    ]
    seen = [each["name"] for each in (await narrow.get(HOOKS)).json()["result"]]
    assert ([422, 422, 201, 404], ["own"]) == (statuses, seen)


@pytest.mark.parametrize(("scope", "path"), [("webhooks:read", f"{HOOKS}/crm/test"), ("delivery.runs:*", NOTICES)])
async def test_scope(caller, made, scope, path):
    """A token without the scope is refused."""
    narrow = await caller(scope)
    assert 403 == (await narrow.request("POST" if path.endswith("test") else "GET", path)).status_code


async def test_notices(admin, database):
    """Notices are listed newest first, narrowed, paged, and marked as read."""
    notices = Notices(database=database)
    for n in range(3):
        await notices.tell("run.stopped", f"run{n}", "Stopped.")
    first = (await admin.get(f"{NOTICES}?limit=2")).json()
    rest = (await admin.get(f"{NOTICES}?limit=2&next_cursor={first['next_cursor']}")).json()
    subjects = [each["subject"] for each in [*first["result"], *rest["result"]]]
    one = (await admin.post(f"{NOTICES}/{first['result'][0]['id']}/read")).json()
    left = len((await admin.get(f"{NOTICES}?unread=true")).json()["result"])
    every = (await admin.post(f"{NOTICES}/read")).json()
    assert (["run2", "run1", "run0"], {"read": 1}, 2, {"read": 2}) == (subjects, one, left, every)


async def test_channels(admin, made):
    """An endpoint is told of some kinds; the same one twice, or nobody, is refused."""
    asked = {"endpoint": "crm", "kinds": ["lane.paused"]}
    added = (await admin.post(f"{NOTICES}/channels", json=asked)).json()
    again = await admin.post(f"{NOTICES}/channels", json=asked)
    nobody = await admin.post(f"{NOTICES}/channels", json={})
    unknown = await admin.post(f"{NOTICES}/channels", json={"endpoint": "crm", "kinds": ["x"]})
    tested = await admin.post(f"{NOTICES}/channels/crm/test")
    told = (await admin.get(f"{HOOKS}/crm/messages")).json()["result"]
    removed = await admin.delete(f"{NOTICES}/channels/crm")
    assert (["lane.paused"], 409, 422, 400, 200, ["test"], 200) == (
        added["kinds"],
        again.status_code,
        nobody.status_code,
        unknown.status_code,
        tested.status_code,
        [each["topic"] for each in told],
        removed.status_code,
    )


async def test_channels_need_every_account(caller, accounts):
    """A token that reaches some accounts may not let others hear of all."""
    narrow = await caller("delivery.notices:*", accounts=(accounts["acme"],))
    assert 403 == (await narrow.get(f"{NOTICES}/channels")).status_code
