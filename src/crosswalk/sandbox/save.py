"""The state file: every account's records in one file, written whole or not at all."""

import asyncio
import os
import tempfile
from pathlib import Path

import msgspec
from msgspec import Struct

from crosswalk.sandbox.sandbox import Sandbox

EVERY = 5.0
"""Seconds between two looks for something to save."""


class Unreadable(ValueError):
    """A state file that is none, or is of another version."""


class Unwritable(OSError):
    """A state file that cannot be written."""


class State(Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds: snapshots by account name."""

    version: int
    accounts: dict[str, bytes]


def load_state(sandbox: Sandbox, path: Path) -> bool:
    """Put the file's records in place of the seeded ones; `False` when there is no file. Raises `Unreadable`."""
    if not path.exists():
        return False
    try:
        state = msgspec.msgpack.decode(path.read_bytes(), type=State)
        for name, account in sandbox.accounts.items():
            if name in state.accounts:
                account.instance.restore(state.accounts[name])
    except (msgspec.DecodeError, OSError) as error:
        raise Unreadable(f"{path} is no state of a sandbox: {error}. Name another file or remove it.") from error
    sandbox.forget_keys()
    return True


def save_state(sandbox: Sandbox, path: Path) -> None:
    """Write every account's records, by a new file put in the old one's place. Raises `Unwritable`."""
    accounts = {name: account.instance.snapshot() for name, account in sandbox.accounts.items()}
    body = msgspec.msgpack.encode(State(1, accounts))
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise Unwritable(f"Cannot keep the records in {path}: {error.strerror}. Name another file.") from error


async def keep_state(sandbox: Sandbox, path: Path, *, every: float = EVERY) -> None:
    """Save every so many seconds while there are changes, until cancelled. Raises `Unwritable`."""
    saved = count_changes(sandbox)
    while True:
        await asyncio.sleep(every)
        changes = count_changes(sandbox)
        if changes != saved:
            save_state(sandbox, path)
            saved = changes


def count_changes(sandbox: Sandbox) -> int:
    """How many calls have changed records since the start."""
    return sum(account.changes for account in sandbox.accounts.values())
