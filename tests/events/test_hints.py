"""Hints: Insightly's own workflow webhooks name a record; it is read again, and nothing else of them is believed."""

from base64 import b64encode
from datetime import UTC, datetime

import msgspec
import pytest

from crosswalk.automations.change_watch import setup_guide
from crosswalk.automations.event_errors import HintRefused, UnknownWatch, UnusableHint
from crosswalk.automations.hint import is_behind, read_hint, read_moment


def body(record: int, **more: object) -> bytes:
    """What a workflow posts."""
    return msgspec.json.encode({"entity": {"CONTACT_ID": record, **more}})


async def hint(post, secret: str, content: bytes, authorization: str | None = None):
    """One call of Insightly's, and the reading that it leads to."""
    taken = await post.watches.take_hint(secret, content, authorization)
    for watch in await post.work().list_due():
        await post.work().read(watch)
    return taken


async def listen(post, watch, **more):
    """The secret of an address for hints."""
    return (await post.watches.make_hint(watch.id, **more)).path.rpartition("/")[2]


async def test_a_hint_is_quicker_than_polls(post):
    """A hint has its record read again at once; the poll after it tells nothing twice."""
    watch = await post.watch()
    secret = await listen(post, watch)
    ada = await post.write(FIRST_NAME="Ada")
    taken = await hint(post, secret, body(ada, FIRST_NAME="Somebody else"))
    assert ("contacts", str(ada)) == (taken.resource, taken.record_id)
    (told,) = await post.news()
    assert ("record:created", "Ada", "hint") == (told.type, told.change.record["first_name"], told.change.found_by)
    assert [] == await post.look(watch)
    shown = await post.watches.find(watch.id)
    assert (1, 0, post.now()) == (shown.hint_count, shown.hints, max(shown.hint_first_at, post.now()))


async def test_hints_that_say_the_same_coalesce(post):
    """However often a record is named before it is read, it is read once."""
    watch = await post.watch()
    secret = await listen(post, watch)
    ada = await post.write(FIRST_NAME="Ada")
    for _ in range(5):
        await post.watches.take_hint(secret, body(ada), None)
    spent = (await post.watches.find(watch.id)).calls_today
    await hint(post, secret, body(ada))
    shown = await post.watches.find(watch.id)
    assert (6, 0) == (shown.hint_count, shown.hints)
    assert 1 == len(await post.news())
    assert shown.calls_today - spent <= 4, "one read of the record, and the names that its event is told with"


async def test_a_forged_hint_does_no_harm(post):
    """A hint of a record that there is not, or was deleted, tells nothing: deletions are the sweeps'."""
    watch = await post.watch()
    secret = await listen(post, watch)
    known = next(iter(post.sandbox.instance.tables["contacts"].rows))
    await post.delete(known)
    for record in (424242, known):
        await hint(post, secret, body(record))
    assert [] == await post.news()
    assert [("record:deleted", str(known))] == [(each.type, each.record_id) for each in await post.sweep(watch)]


async def test_a_hint_that_is_ahead_of_the_record(post):
    """A record that is older than its hint says is read again later, a few times at most."""
    watch = await post.watch()
    secret = await listen(post, watch)
    known = next(iter(post.sandbox.instance.tables["contacts"].rows))
    await hint(post, secret, body(known, DATE_UPDATED_UTC="2030-03-04T06:00:30"))
    assert 1 == (await post.watches.find(watch.id)).hints
    await post.write(CONTACT_ID=known, TITLE="Countess")
    row = post.sandbox.instance.tables["contacts"].rows[known]
    assert row.id == known
    for _ in range(4):
        post.later(60)
        for each in await post.work().list_due():
            await post.work().read(each)
    assert 0 == (await post.watches.find(watch.id)).hints
    assert ["record:updated"] == [each.type for each in await post.news()]


@pytest.mark.parametrize("shown", [None, "Basic bm9ib2R5Og==", "Basic %%", "Bearer x"])
async def test_user_and_password(post, shown):
    """Where they are asked for, a hint without them is refused."""
    watch = await post.watch()
    address = await post.watches.make_hint(watch.id, user="insightly")
    secret = address.path.rpartition("/")[2]
    with pytest.raises(HintRefused):
        await post.watches.take_hint(secret, body(1), shown)
    right = b64encode(f"insightly:{address.password}".encode()).decode()
    await post.watches.take_hint(secret, body(1), f"Basic {right}")
    assert any(address.password in line for line in setup_guide(address, "https://hub.example.com"))


async def test_an_old_address(post):
    """An address that was made anew, or dropped, takes nothing more."""
    watch = await post.watch()
    old = await listen(post, watch)
    new = await listen(post, watch)
    with pytest.raises(UnknownWatch):
        await post.watches.take_hint(old, body(1), None)
    await post.watches.drop_hint(watch.id)
    with pytest.raises(UnknownWatch):
        await post.watches.take_hint(new, body(1), None)


@pytest.mark.parametrize(
    "content",
    [
        {"entity": {"CONTACT_ID": 7}},
        {"entity": {"contact_id": "7"}},
        {"Entity": {"Contact_Id": 7, "CUSTOMFIELDS": []}},
        {"CONTACT_ID": 7},
        {"insightly": {"recordId": 7, "recordType": "Contact", "operation": "EDIT", "newValue": {}}},
    ],
)
def test_shapes(content):
    """Workflows and lambda functions name their record in several shapes."""
    assert 7 == read_hint(msgspec.json.encode(content), "CONTACT_ID").record


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"7", b'{"entity":{}}', b'{"entity":{"LEAD_ID":7}}',
                b'{"entity":{"CONTACT_ID":-1}}', b'{"entity":{"CONTACT_ID":true}}',
                b'{"entity":{"CONTACT_ID":' + b"9" * 40 + b"}}"]
)  # fmt: skip
def test_what_is_no_hint(content):
    """What names no record is refused in words."""
    with pytest.raises(UnusableHint):
        read_hint(content, "CONTACT_ID")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2019-06-25T17:18:46.877", datetime(2019, 6, 25, 17, 18, 46, 877000, UTC)),
        ("/Date(1489132800000-0800)/", datetime(2017, 3, 10, 8, 0, tzinfo=UTC)),
        ("/Date(1489132800000)/", datetime(2017, 3, 10, 8, 0, tzinfo=UTC)),
        ("/Date(999999999999999)/", None),
        ("2019-06-25T17:18:46+02:00", datetime(2019, 6, 25, 15, 18, 46, tzinfo=UTC)),
        ("yesterday", None),
        (7, None),
    ],
)
def test_dates(text, moment):
    """Both forms of date are read; another one says nothing."""
    assert moment == read_moment(text)


def test_behind():
    """A record is behind its hint when it is older by a whole second; without a time nobody can tell."""
    at = datetime(2030, 1, 1, 12, 0, 5, 900000, UTC)
    assert is_behind(at, at.replace(second=4, microsecond=0))
    assert not is_behind(at, at.replace(microsecond=0))
    assert not is_behind(None, at)
