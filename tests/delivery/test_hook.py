"""Inbound webhooks: what is posted, and what becomes of it."""

import asyncio
import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook as Standard

from crosswalk.delivery.datasets import Datasets
from crosswalk.delivery.errors import PlanError, SignatureRefused, UnknownHook, UnusablePost, WrongState
from crosswalk.delivery.hook import Inbox, Post, Posted
from crosswalk.delivery.kinds import Webhook
from crosswalk.delivery.sources import OVERLAP, Draft, Sources
from crosswalk.store.database import Database
from fixtures.pulls import VAULT, Clock, make_sources

KEY = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def clock() -> Clock:
    """A clock that stands."""
    return Clock()


@pytest.fixture
def sources(database: Database, tmp_path: Path, clock: Clock) -> Sources:
    """The sources of a database."""
    return make_sources(database, tmp_path / "home", clock)


@pytest.fixture
def inbox(database: Database, clock: Clock) -> Inbox:
    """What takes posts."""
    return Inbox(database=database, vault=VAULT, now=clock, rng=Random())


async def make(sources: Sources, settings: Webhook = Webhook(), secret: str | None = None) -> str:
    """Make a webhook and answer the secret in its address."""
    made = await sources.create(Draft(name="orders", settings=settings, secret=secret))
    assert made.hook is not None
    return made.hook


async def send(inbox: Inbox, hook: str, body: object, *, headers: dict[str, str] | None = None, **params: list[str]):
    """Post a value as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await inbox.post(await inbox.find(hook), Post(body=raw, headers=headers or {}, params=params))


async def kept(database: Database) -> list[object]:
    """The records of the dataset."""
    found = await Datasets(database=database).records("orders", most=500)
    return [json.loads(bytes(each.cells)) for each in found]


async def test_object_and_array(database: Database, sources: Sources, inbox: Inbox):
    """One object is one record, an array one each, in order; an empty array is none."""
    hook = await make(sources)
    answers = [await send(inbox, hook, body) for body in ({"a": 1}, [{"a": 2}, {"a": 3}], [])]
    assert [(1, 1, 1), (2, 2, 3), (0, None, None)] == [(each.records, each.first, each.last) for each in answers]
    assert [{"a": 1}, {"a": 2}, {"a": 3}] == await kept(database)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"<a/>", "JSON"),
        (b'"text"', "Record 0 is no JSON object"),
        (b"[{}, 7]", "Record 1 is no JSON object"),
        (b"\xff\xfe", "JSON"),
        (b"[" * 100_000, "JSON"),
    ],
)
async def test_unusable(database: Database, sources: Sources, inbox: Inbox, body: bytes, says: str):
    """What is no record is refused whole, and nothing of it is kept."""
    hook = await make(sources)
    with pytest.raises(UnusablePost, match=says):
        await send(inbox, hook, body)
    assert [] == await kept(database)


async def test_key(database: Database, sources: Sources, inbox: Inbox):
    """With a key, a record that is known is not added again, in one post or in another."""
    hook = await make(sources, Webhook(key="order.id"))
    first = await send(inbox, hook, [{"order": {"id": 7}}, {"order": {"id": "7"}}, {"order": {"id": 8}}])
    second = await send(inbox, hook, {"order": {"id": 8}, "again": True})
    assert (Posted(records=2, known=1, first=1, last=2), Posted(records=0, known=1, first=None, last=None)) == (
        first,
        second,
    )


async def test_extras(database: Database, sources: Sources, inbox: Inbox):
    """Headers and parameters become columns where that is wanted; credentials never do."""
    hook = await make(sources, Webhook(include_headers=True, include_url_params=True))
    headers = {"x-shop": "north", "authorization": "Bearer secret", "cookie": "a=b"}
    await send(inbox, hook, {"a": 1, "header_x_shop": "forged"}, headers=headers, tag=["x", "y"], page=["2"])
    record = {"a": 1, "header_x_shop": "north", "url_param_tag": ["x", "y"], "url_param_page": "2"}
    assert [record] == await kept(database)


async def test_standard_signature(database: Database, sources: Sources, inbox: Inbox):
    """A Standard Webhooks signature is checked, and a post that is repeated adds nothing."""
    hook = await make(sources, Webhook(signature="standard"), KEY)
    now = datetime.now(UTC)  # the library compares with the machine's own clock
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Standard(KEY).sign("msg_1", now, '{"a": 1}'),
    }
    answers = [await send(inbox, hook, {"a": 1}, headers=signed) for _ in range(2)]
    assert [1, 0] == [each.records for each in answers]
    old = signed | {"webhook-timestamp": str(int((now - timedelta(hours=1)).timestamp()))}
    for body, headers in (
        ({"a": 2}, signed),
        ({"a": 1}, {}),
        ({"a": 1}, old),
        ({"a": 1}, signed | {"webhook-timestamp": "soon"}),
        ({"a": 1}, signed | {"webhook-signature": "v1,?"}),
        ({"a": 1}, signed | {"webhook-signature": "nonsense"}),
        (b"\xff", signed),
    ):
        with pytest.raises(SignatureRefused):
            await send(inbox, hook, body, headers=headers)


async def test_digest_signature(sources: Sources, inbox: Inbox):
    """An HMAC-SHA256 of the body is checked, with `sha256=` before it or not."""
    hook = await make(sources, Webhook(signature="hmac-sha256", signature_header="X-Hub-Signature-256"), "k" * 16)
    digest = hmac.new(b"k" * 16, b'{"a": 1}', sha256).hexdigest()
    for given in (digest, f"sha256={digest}", digest.upper()):
        assert 1 == (await send(inbox, hook, {"a": 1}, headers={"x-hub-signature-256": given})).records
    for given in ("", "sha256=", digest[:-1], "\udcff", f"sha256={'0' * 64}"):
        with pytest.raises(SignatureRefused):
            await send(inbox, hook, {"a": 1}, headers={"x-hub-signature-256": given})


@pytest.mark.parametrize(
    ("settings", "secret"),
    [
        (Webhook(signature="standard"), None),
        (Webhook(signature="standard"), "whsec_?"),
        (Webhook(signature="hmac-sha256"), "short"),
        (Webhook(), "k" * 16),
        (Webhook(signature_header="a b"), None),
    ],
)
async def test_unusable_settings(sources: Sources, settings: Webhook, secret: str | None):
    """A signature needs a usable key, and a key needs a signature."""
    with pytest.raises(PlanError):
        await make(sources, settings, secret)


async def test_rotation(sources: Sources, inbox: Inbox, clock: Clock):
    """After a rotation the new address counts at once, the old one for another day; an address is kept as a digest."""
    old = await make(sources)
    new = (await sources.rotate("orders")).hook or ""
    assert [1, 1] == [(await send(inbox, each, {"a": 1})).records for each in (old, new)]
    clock.at += OVERLAP
    with pytest.raises(UnknownHook):
        await inbox.find(old)
    assert 1 == (await send(inbox, new, {"a": 1})).records
    async with inbox.database.read() as connection:
        row = (await connection.execute(text("SELECT * FROM sources"))).one()
    assert not any(new in str(value) or old in str(value) for value in row)


async def test_paused_and_unknown(sources: Sources, inbox: Inbox):
    """A paused webhook says so; an address that nobody has is unknown, whatever it looks like."""
    hook = await make(sources)
    await sources.pause("orders")
    with pytest.raises(WrongState, match="paused"):
        await inbox.find(hook)
    for wrong in ("", hook[:-1], hook + "a", "%00", "ä" * 10):
        with pytest.raises(UnknownHook):
            await inbox.find(wrong)


async def test_many_at_once(database: Database, sources: Sources, inbox: Inbox):
    """Posts that come together are each answered with their own numbers, and all are kept."""
    hook = await make(sources)
    answers = await asyncio.gather(*(send(inbox, hook, [{"n": n}, {"n": n}]) for n in range(100)))
    records = await kept(database)
    assert [[{"n": n}, {"n": n}] for n in range(100)] == [records[each.first - 1 : each.last] for each in answers]


async def test_answered_when_durable(database: Database, sources: Sources, inbox: Inbox):
    """A post that could not be committed is not answered as kept, and the next one is taken."""
    hook = await make(sources)
    found = await inbox.find(hook)
    await sources.remove("orders")
    await Datasets(database=database).remove("orders")
    with pytest.raises(UnknownHook):
        await inbox.post(found, Post(body=b"{}", headers={}, params={}))
    assert 1 == (await send(inbox, await make(sources), {"a": 1})).records
