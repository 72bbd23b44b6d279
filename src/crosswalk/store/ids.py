"""Ids that sort by the time they were made."""

from datetime import datetime
from random import Random

from crosswalk.store.columns import EPOCH, MICROSECOND

RANDOM_BITS = 62


def new_id(now: datetime, rng: Random) -> str:
    """A UUID of version 7 as text; two made in different microseconds sort by time (RFC 9562, 6.2, method 3)."""
    milliseconds, microseconds = divmod((now - EPOCH) // MICROSECOND, 1000)
    fraction = microseconds * 4096 // 1000
    number = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | rng.getrandbits(RANDOM_BITS)
    text = f"{number:032x}"  # what `str(UUID(int=number))` answers, in a quarter of the time
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def id_floor(at: datetime) -> str:
    """No id made at this time or later sorts before this text, and every earlier one does."""
    text = f"{(at - EPOCH) // MICROSECOND // 1000:012x}"
    return f"{text[:8]}-{text[8:]}"
