"""What may be sent next: order per key, updates that supersede each other, retries, and what a restart finds."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.delivery.feed import SLICE, WINDOW, Feed, merge
from crosswalk.delivery.journal import Line
from crosswalk.delivery.payload import Invalid, Payload
from crosswalk.delivery.source import Row, Unreadable

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)


def update(row):
    """A row as an update of the record that it names."""
    if "id" not in row.cells:
        return Invalid("no id")
    body = {"CONTACT_ID": row.cells["id"], **{k: v for k, v in row.cells.items() if k != "id"}}
    return Payload(method="PUT", path="/Contacts", body=body, key=str(row.cells["id"]))


def create(row):
    """A row as a creation without a key."""
    return Payload(method="POST", path="/Contacts", body=dict(row.cells))


def feed(*cells, make=update, **settings):
    """A feed of rows numbered from 1."""
    rows = [row if isinstance(row, Unreadable) else Row(n, row) for n, row in enumerate(cells, start=1)]
    return Feed(rows=iter(rows), make=make, **settings)


def drain(a_feed, now=NOW):
    """Everything that may be sent now, settled at once."""
    sent = []
    while (item := a_feed.next(now)) is not None:
        a_feed.taken(item)
        a_feed.settled(item)
        sent.append(item)
    return sent


def test_rows_without_a_key_go_in_their_order():
    """Creations are sent as they are read."""
    assert [1, 2, 3] == [item.number for item in drain(feed({"a": 1}, {"a": 2}, {"a": 3}, make=create))]


def test_one_key_one_at_a_time():
    """While a row is on its way, the next of its key waits, and others pass."""
    a_feed = feed({"id": 1, "x": 1}, {"id": 2, "x": 1})
    first, second = a_feed.next(NOW), a_feed.next(NOW)
    a_feed._enqueue(type(first)(3, update(Row(3, {"id": 1, "x": 2}))))
    assert (1, 2, None) == (first.number, second.number, a_feed.next(NOW))
    a_feed.settled(first)
    assert 3 == a_feed.next(NOW).number


def test_waiting_updates_are_merged():
    """An update that was not sent yet is superseded; what it alone says is kept."""
    (item,) = drain(feed({"id": 1, "PHONE": "1", "TITLE": "x"}, {"id": 1, "PHONE": "2"}))
    assert (2, [1]) == (item.number, [old.number for old in item.replaced])
    assert {"CONTACT_ID": 1, "PHONE": "2", "TITLE": "x"} == item.payload.body


def test_creations_are_never_merged():
    """Two rows are two records, whatever they have in common."""
    rows = [Payload(method="POST", path="/Contacts", body={"n": n}, key="ann@example.com") for n in (1, 2)]
    sent = drain(feed({"n": 0}, {"n": 1}, make=lambda row: rows[row.cells["n"]]))
    assert [(1, []), (2, [])] == [(item.number, item.replaced) for item in sent]


def test_deletion_supersedes_an_update():
    """Nobody needs an update of what is deleted next."""
    payloads = [
        Payload(method="PUT", path="/Contacts", body={"CONTACT_ID": 1}, key="1"),
        Payload(method="DELETE", path="/Contacts/1", body=None, key="1"),
    ]
    (item,) = drain(feed({"n": 0}, {"n": 1}, make=lambda row: payloads[row.cells["n"]]))
    assert ("DELETE", 2, 1) == (item.payload.method, item.number, len(item.replaced))


def test_what_was_tried_is_not_superseded():
    """A row whose call went out once keeps its place: its outcome counts."""
    a_feed = feed({"id": 1, "x": 1}, {"id": 2})
    first = a_feed.next(NOW)
    first.attempts = 1
    a_feed.put_off(first, LATER)
    a_feed._enqueue(type(first)(3, update(Row(3, {"id": 1, "x": 2}))))
    assert [2] == [item.number for item in drain(a_feed)]
    assert [1, 3] == [item.number for item in drain(a_feed, LATER)]


def test_dead_rows_are_handed_over():
    """Rows that become no call are dead letters with their reason."""
    a_feed = feed({"x": 1}, Unreadable(2, "not UTF-8"), {"id": 3})
    assert [3] == [item.number for item in drain(a_feed)]
    assert [(1, "no id"), (2, "not UTF-8")] == [(line.number, line.reason) for line in a_feed.bury()]


def test_doubts_keep_their_key():
    """While nobody knows what became of a row, the next of its key waits."""
    a_feed = feed({"id": 1, "x": 1}, make=update)
    item = a_feed.next(NOW)
    a_feed.doubt(item, LATER, flew=True)
    a_feed._enqueue(type(item)(2, update(Row(2, {"id": 1, "x": 2}))))
    assert (None, None) == (a_feed.next(NOW), a_feed.next_doubt(NOW))
    assert item is a_feed.next_doubt(LATER)
    a_feed.settled(item)
    assert 2 == a_feed.next(LATER).number


def test_exhausted():
    """A feed ends when its rows are read and every one has its end."""
    a_feed = feed({"id": 1})
    item = a_feed.next(NOW)
    assert (None, False) == (a_feed.next(NOW), a_feed.exhausted)
    a_feed.settled(item)
    assert a_feed.exhausted


def test_restart_skips_what_was_taken():
    """Rows that the journal has are not planned again, wherever they lie."""
    a_feed = feed({"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}, whole=1, beyond=frozenset({3}))
    assert [2, 4] == [item.number for item in drain(a_feed)]


@pytest.mark.parametrize(
    ("phase", "due", "sent", "looked"),
    [("waiting", None, 1, 0), ("waiting", LATER, 0, 0), ("unknown", None, 0, 1), ("unknown", LATER, 0, 0)],
)
def test_restart_goes_on_with_what_was_pending(phase, due, sent, looked):
    """A pending row waits, is put off, or is in doubt, as the journal says."""
    a_feed = feed()
    a_feed.adopt(Line(number=1, phase=phase, payload=update(Row(1, {"id": 1})), due_at=due), NOW)
    assert (sent, looked) == (a_feed.next(NOW) is not None, a_feed.next_doubt(NOW) is not None)


def test_window():
    """Rows are read ahead by a window, no further, however long the first one takes."""
    a_feed = feed(*({"id": 1 if n == 1 else n} for n in range(1, 3 * WINDOW)))
    first = a_feed.next(NOW)
    while (item := a_feed.next(NOW)) is not None:
        a_feed.taken(item)
        a_feed.settled(item)
    assert 1 == first.number
    assert WINDOW <= a_feed.read <= WINDOW + 1


def test_custom_fields_are_merged_one_by_one():
    """A custom field of the older row that the newer does not name is kept."""
    one, other = ({"CUSTOMFIELDS": [{"FIELD_NAME": name, "FIELD_VALUE": v}]} for name, v in (("A__c", 1), ("B__c", 2)))
    both = [{"FIELD_NAME": "A__c", "FIELD_VALUE": 1}, {"FIELD_NAME": "B__c", "FIELD_VALUE": 2}]
    assert both == merge(one, other)["CUSTOMFIELDS"]


CELLS = st.lists(st.fixed_dictionaries({"id": st.integers(1, 4)}, optional={"A": st.integers(), "B": st.integers()}))


@given(cells=CELLS, seed=st.integers())
def test_any_order_ends_in_the_file_s_last_state(cells, seed):
    """Whatever is merged, put off or slow, every record ends as if each row had been sent in its order."""
    rng, a_feed = Random(seed), feed(*cells)
    wanted: dict[int, dict[str, int]] = {}
    for row in cells:
        wanted.setdefault(row["id"], {}).update(row)
    real: dict[int, dict[str, int]] = {}
    flying, seen, now = [], 0, NOW
    while not a_feed.exhausted:
        now += timedelta(seconds=1)
        item = a_feed.next(now)
        if item is not None:
            a_feed.taken(item)
            flying.append(item)
        if flying and (item is None or rng.random() < 0.5):
            done = flying.pop(rng.randrange(len(flying)))
            done.attempts += 1
            if rng.random() < 0.3:
                a_feed.put_off(done, now + timedelta(seconds=rng.randrange(4)))
            else:
                body = dict(done.payload.body)
                real.setdefault(body["CONTACT_ID"], {"id": body["CONTACT_ID"]}).update(
                    {name: value for name, value in body.items() if name != "CONTACT_ID"}
                )
                seen += 1 + len(done.replaced)
                done.replaced = []
                a_feed.settled(done)
    assert (wanted, len(cells)) == (real, seen)


def test_read_in_slices():
    """However many rows there are, and however many the journal has already, one slice reads a few of them."""
    rows = 10 * WINDOW
    a_feed = feed(*({"a": n} for n in range(rows)), make=create, whole=rows - 5)
    read = []
    while a_feed.read_on():
        read.append(a_feed.read)
    assert [SLICE * n for n in range(1, rows // SLICE + 1)] == read
    assert (5, True) == (len(a_feed.ready), a_feed.ended)


def test_slices_fill_the_window():
    """Slices end where the window is full, and rows of one record that are in it are merged before any is sent."""
    a_feed = feed(*({"id": n % 7, f"x{n}": n} for n in range(2 * WINDOW)))
    while a_feed.read_on():
        continue
    assert (7, WINDOW + 1, False) == (len(a_feed.ready), a_feed.read, a_feed.ended)
