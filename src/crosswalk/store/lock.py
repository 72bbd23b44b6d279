"""A lock that dies with its holder, and says who holds it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crosswalk.store.errors import StoreError

ENGINE_LOCK = "engine.lock"
"""The file in a home that the owner of its engine holds."""


class Held(StoreError):
    """Another process holds the lock; `holder` is what it wrote about itself."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is held by {holder or 'another process'}. Stop it first, or use another home")
        self.holder = holder


@contextmanager
def hold(path: Path, holder: str) -> Iterator[None]:
    """Hold a file's lock while the block runs, with a line in it about the holder. Raises `Held` and `StoreError`."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise StoreError(f"Cannot write the lock {path}: {exc.strerror}. Correct CROSSWALK_HOME") from exc
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise Held(path, os.read(handle, 200).decode(errors="replace").strip()) from exc
        os.ftruncate(handle, 0)
        os.write(handle, holder.encode())
        yield
    finally:
        os.close(handle)  # the lock goes with it
