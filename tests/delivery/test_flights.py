"""Calls on their way: a stop gives up those of which nothing has left."""

import asyncio

import pytest

from crosswalk.delivery.flights import Flights


async def fly(flights, *turns):
    """Make a call: `turns` are what its watch hears, and `None` where the lane stops; then it waits for ever."""
    async with flights.call() as watch:
        for turn in turns:
            if turn is None:
                flights.stop()
            else:
                watch(flying=turn)
        await asyncio.Event().wait()


async def test_what_waits_is_given_up():
    """A call that has not left ends when the lane stops."""
    flights = Flights()
    with pytest.raises(TimeoutError):
        await fly(flights, None)
    assert 0 == flights.left


async def test_what_flies_goes_on():
    """A call on the wire goes on to its answer, and is counted."""
    flights = Flights()
    async with flights.call() as watch:
        watch(flying=True)
        flights.stop()
        await asyncio.sleep(0)
        watch(flying=False)
    assert 1 == flights.left


async def test_a_refused_call_is_given_up_between_tries():
    """A call that is over and waits to be repeated ends with a stop, too."""
    flights = Flights()
    with pytest.raises(TimeoutError):
        await fly(flights, True, None, False)
    assert 1 == flights.left


async def test_nothing_leaves_after_a_stop():
    """A call begun after the stop never leaves."""
    flights = Flights()
    flights.stop()
    with pytest.raises(TimeoutError):
        await fly(flights)
