"""A process of its own that evaluates expressions, so that what one of them costs ends there.

The library bounds time, depth and lists, and yet a line of JSONata can ask for gigabytes in one step. So it runs in a
child with a bounded memory, no environment and no other work: what it cannot bear, it dies of, alone. A frame each
way: four bytes of length, then the text.
"""

import atexit
import os
import select
import struct
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import IO

import msgspec
from msgspec import Struct

from crosswalk.delivery.jsonata import Compiled, choose, find_library
from crosswalk.delivery.jsonata_limits import SLOW

MOST_MEMORY = 512 * 1024 * 1024
"""Bytes that the child may take beyond what it has when it is ready; libraries reserve much that they never touch."""
MOST_BYTES = 1_000_000
"""Bytes of an answer as JSON."""
START_MS = 60_000
"""How long the child may take to start, on a machine that is busy."""
PATIENCE_MS = 2_000
"""How long the child may take for one row; it means to take a tenth of a second."""
STRIKES = 3
"""How many rows of one expression may take too long, or too much, before it is given up."""
FRUGAL = {"MIMALLOC_ARENA_RESERVE": "65536"}
"""The child's environment, beside where modules lie: the library's allocator reserves 64 MB ahead, not a gigabyte."""
HEAD = struct.Struct(">I")


class Ask(Struct, frozen=True):
    """One row for one expression."""

    text: str
    context: str


class Told(Struct, frozen=True):
    """Its answer as JSON, or why there is none."""

    value: str | None = None
    error: str | None = None


class Evaluator:
    """The child, started when it is first needed and again when it died."""

    def __init__(self, library: str | None = None) -> None:
        self._library = library or choose()
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = Lock()
        self._strikes: Counter[str] = Counter()

    def evaluate(self, text: str, context: bytes) -> str:
        """The answer of an expression as JSON. Raises `ValueError` with the reason."""
        if self._strikes[text] >= STRIKES:
            raise ValueError(f"it was given up, after {STRIKES} rows that took too long or too much memory")
        with self._lock:
            told = self._exchange(msgspec.json.encode(Ask(text, context.decode())))
        if told is None or SLOW in (told.error or ""):
            self._strikes[text] += 1
        if told is None:
            raise ValueError("it takes too long, or more memory than there is for it")
        if told.value is None:
            raise ValueError(told.error or "it answers nothing")
        return told.value

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None and child.stdin is not None and child.stdout is not None:
            child.kill()
            with suppress(OSError):
                child.stdin.close()
            child.stdout.close()
            child.wait()

    def _exchange(self, ask: bytes) -> Told | None:
        """What the child tells; `None` when it died of it, or had to be ended."""
        for _ in range(2):  # a child that ended before it was asked is no fault of the row
            child = self._child or self._start()
            assert child.stdin is not None, "the child was started with pipes"
            try:
                child.stdin.write(HEAD.pack(len(ask)) + ask)
                child.stdin.flush()
            except OSError:
                self.close()
                continue
            told = self._hear(child)
            if told is None:
                self.close()
            return told
        return None

    def _hear(self, child: subprocess.Popen[bytes], patience: int = PATIENCE_MS) -> Told | None:
        assert child.stdout is not None, "the child was started with pipes"
        poll = select.poll()
        poll.register(child.stdout, select.POLLIN)
        if not poll.poll(patience):
            return None
        frame = _read(child.stdout)
        return None if frame is None else msgspec.json.decode(frame, type=Told)

    def _start(self) -> subprocess.Popen[bytes]:
        # a session of its own: Ctrl-C is for the parent, which still has rows in flight
        command = [sys.executable, "-P", "-m", "crosswalk.delivery.evaluator", self._library]
        around = FRUGAL | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # the same code as runs here
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        self._child = subprocess.Popen(  # noqa: S603 (our own module, no word of anybody else's)
            command, stdin=pipe, stdout=pipe, stderr=nothing, env=around, start_new_session=True
        )
        if self._hear(self._child, START_MS) is None:
            self.close()
            raise ValueError("the process that evaluates it does not start")
        return self._child


@cache
def find_evaluator() -> Evaluator:
    """This process's evaluator: one, ended with it."""
    evaluator = Evaluator()
    atexit.register(evaluator.close)
    return evaluator


def _read(stream: IO[bytes]) -> bytes | None:
    """One frame; `None` when the other side ended."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    size: int = HEAD.unpack(head)[0]
    frame = stream.read(size)
    return frame if len(frame) == size else None


@lru_cache(maxsize=512)
def _compile(text: str, library: str) -> Compiled:
    return find_library(library).compile_limited(text)


def _answer(ask: Ask, library: str) -> Told:
    try:
        value = _compile(ask.text, library).evaluate(ask.context)
    except ValueError as error:
        return Told(error=str(error))
    if len(value) > MOST_BYTES:
        return Told(error=f"it answers {len(value):,} bytes, at most {MOST_BYTES:,} fit")
    return Told(value)


def main(library: str) -> None:
    """The child: answer until the parent ends."""
    import resource

    frames, sys.stdout = sys.stdout.buffer, sys.stderr  # what a library prints is no frame
    _compile("1", library).evaluate("null")
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    most = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _tell(frames, Told())  # ready
    while frame := _read(sys.stdin.buffer):
        _tell(frames, _answer(msgspec.json.decode(frame, type=Ask), library))


def _tell(frames: IO[bytes], told: Told) -> None:
    frame = msgspec.json.encode(told)
    frames.write(HEAD.pack(len(frame)) + frame)
    frames.flush()


if __name__ == "__main__":
    main(sys.argv[1])
