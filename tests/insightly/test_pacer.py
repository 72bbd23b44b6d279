"""Waiting for a turn."""

import asyncio

import pytest

from crosswalk.insightly.call import Call
from crosswalk.insightly.pace import Pace, Seen, start
from crosswalk.insightly.pacer import Turns

CALL = Call(method="GET", path="/Contacts")
WINDOW = 0.3


async def go(turns):
    """Take a slot and send."""
    slot = await turns.slot(CALL)
    slot.sent()
    return slot, turns.pace.stamps[-1] if turns.pace.stamps else 0.0


async def test_waits_for_the_window():
    """The call after a full window waits until its oldest stamp is old enough."""
    turns = Turns(Pace(calls=3, most=3, window=WINDOW, room=100.0))
    stamps = [(await go(turns))[1] for _ in range(4)]
    assert WINDOW <= stamps[3] - stamps[0]


async def test_first_come_first_served():
    """Callers get their turns in the order in which they asked."""
    turns, order = Turns(Pace(calls=1, most=1, window=WINDOW / 10, room=100.0)), []

    async def ask(number):
        await go(turns)
        order.append(number)

    await asyncio.gather(*(ask(number) for number in range(6)))
    assert [0, 1, 2, 3, 4, 5] == order


async def test_waits_for_room():
    """Without room a caller waits until some call is over."""
    turns = Turns(start(None))
    slots = [(await go(turns))[0] for _ in range(100)]
    waiting = asyncio.ensure_future(turns.slot(CALL))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.01)
    slots[0].note(Seen(200, 0.0))
    assert await asyncio.wait_for(waiting, 30)


async def test_a_caller_who_leaves():
    """A caller who gives up waiting blocks nobody."""
    turns = Turns(Pace(calls=1, most=1, window=WINDOW, room=100.0))
    await go(turns)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(turns.slot(CALL), WINDOW / 10)
    assert await asyncio.wait_for(turns.slot(CALL), 30)


async def test_sent_once():
    """A slot is one send, however often its connection speaks up."""
    turns = Turns(start())
    slot = await turns.slot(CALL)
    slot.sent()
    slot.sent()
    assert 1 == len(turns.pace.stamps)
