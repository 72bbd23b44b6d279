"""Reading what changed, again and again."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
from aiohttp import web

from crosswalk.insightly import Mark

T0 = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class Book:
    """An Insightly whose contacts, clock and `Date` header a test sets."""

    def __init__(self):
        self.rows = {}
        self.now = T0
        self.dated = True
        self.asked = []

    def put(self, id_, name, at):
        """Write one contact as changed at a time."""
        self.rows[id_] = {"CONTACT_ID": id_, "FIRST_NAME": name, "DATE_UPDATED_UTC": f"{at:%Y-%m-%d %H:%M:%S}"}

    async def answer(self, request):
        """Answer a search for changes; the limit is exclusive."""
        self.asked.append(request.query["updated_after_utc"])
        after = self.asked[-1].replace("T", " ").rstrip("Z")
        found = [row for _, row in sorted(self.rows.items()) if row["DATE_UPDATED_UTC"] > after]
        headers = {"Date": f"{self.now:%a, %d %b %Y %H:%M:%S GMT}"} if self.dated else {"Date": ""}
        return web.Response(text=json.dumps(found), headers=headers)


async def read(crm, since):
    """What one reading gives, and where it came to."""
    changes = crm.contacts.changes(since)
    return [c.first_name async for c in changes], changes.mark


async def test_each_version_once(connect, odd):
    """The overlap is read again, and what was given out before is not given out again."""
    book = Book()
    book.put(1, "a", T0)
    async with connect(await odd(book.answer)) as crm:
        got, mark = await read(crm, T0 - timedelta(hours=1))
        assert ["a"] == got
        assert ([], T0) == ((await read(crm, mark))[0], mark.at)
    assert "2026-01-01T11:59:58Z" == book.asked[-1]


async def test_a_second_change_within_the_second(connect, odd):
    """A record that changes again within its second is given out again: its content is not the same."""
    book = Book()
    book.put(1, "a", T0)
    async with connect(await odd(book.answer)) as crm:
        _, mark = await read(crm, T0 - timedelta(hours=1))
        book.put(1, "b", T0)
        book.put(2, "c", T0)
        assert ["b", "c"] == (await read(crm, mark))[0]


async def test_a_change_behind_the_reading(connect, odd):
    """What changes behind a running reading is found by the next: its mark is no later than its own beginning."""
    book = Book()
    book.put(9, "late", T0 + timedelta(seconds=40))
    async with connect(await odd(book.answer)) as crm:
        _, mark = await read(crm, T0 - timedelta(hours=1))
        assert T0 == mark.at
        book.put(1, "behind", T0 + timedelta(seconds=20))
        got, _ = await read(crm, mark)
        assert ["behind"] == got


async def test_nothing_new(connect, odd):
    """Where nothing changed the mark stays."""
    async with connect(await odd(Book().answer)) as crm:
        assert ([], Mark(T0)) == await read(crm, T0)


async def test_without_a_date(connect, odd):
    """Without a `Date` our own clock bounds the mark."""
    book = Book()
    book.dated = False
    book.put(1, "a", T0)
    async with connect(await odd(book.answer)) as crm:
        assert T0 == (await read(crm, T0 - timedelta(hours=1)))[1].at


async def test_the_mark_is_small(connect, odd):
    """Only what lies within the overlap is remembered."""
    book = Book()
    for id_ in range(1, 90):
        book.put(id_, "a", T0 - timedelta(minutes=id_))
    book.put(90, "b", T0)
    async with connect(await odd(book.answer)) as crm:
        got, mark = await read(crm, T0 - timedelta(hours=9))
    assert (90, {"90"}) == (len(got), set(mark.seen))


async def test_a_mark_can_be_kept(connect, odd):
    """A mark is JSON, there and back."""
    book = Book()
    book.put(1, "a", T0)
    async with connect(await odd(book.answer)) as crm:
        _, mark = await read(crm, T0 - timedelta(hours=1))
    assert mark == msgspec.json.decode(msgspec.json.encode(mark), type=Mark)


async def test_against_the_sandbox(crm):
    """A change to a real record is given out once."""
    contact = (await crm.contacts.list(top=1))[0]
    _, mark = await read(crm, datetime.now(UTC) - timedelta(minutes=5))
    await crm.contacts.update(contact.contact_id, {"first_name": "Changed"})
    got, mark = await read(crm, mark)
    assert ["Changed"] == got
    assert [] == (await read(crm, mark))[0]


async def test_a_long_reading_remembers_little(connect, odd, monkeypatch):
    """What no longer matters is forgotten while reading, not at the end."""
    monkeypatch.setattr("crosswalk.insightly.changes.ROOM", 10)  # a thousand records would only take longer
    book = Book()
    for id_ in range(1, 60):
        book.put(id_, "a", T0 - timedelta(hours=1) + timedelta(minutes=id_))
    async with connect(await odd(book.answer)) as crm:
        changes = crm.contacts.changes(T0 - timedelta(hours=9))
        assert 59 == len([c async for c in changes])
        assert len(changes._kept) <= 11
        assert {"59"} == set(changes.mark.seen)
