"""Sealing everything anew under the newest master key, a few rows at a time, while the hub runs.

Each shelf is one column of one table that holds sealed secrets. A row is changed only if it is still what was read, so
that a secret that somebody replaces meanwhile stays; a rotation that was cut short is begun again and goes on.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Struct
from sqlalchemy import Row, Select, Update
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.accounts.errors import VaultError
from crosswalk.accounts.vault import Place, Sealed, Vault
from crosswalk.store import accounts, endpoints, sources
from crosswalk.store.database import Database

BATCH = 100
"""Rows of one transaction: writers wait for no longer than that takes."""
AnyRow = Row[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where secrets of one kind rest. `page` gives rows after `(after, after_field)`, `swap` changes one unchanged."""

    name: str
    column: str
    page: Select[tuple[object, ...]]
    swap: Update
    read: Callable[[AnyRow], Sealed]
    write: Callable[[Sealed], Mapping[str, object]]
    place: Callable[[AnyRow], Place]


class Tally(Struct, frozen=True, kw_only=True):
    """What a rotation did on one shelf; `failed` says why of rows that could not be opened."""

    shelf: str
    resealed: int = 0
    already: int = 0
    failed: tuple[str, ...] = ()


class Ring(Struct, frozen=True, kw_only=True):
    """One master key: its id, how many secrets it seals by kind, whether it is at hand."""

    id: str
    newest: bool
    given: bool
    seals: dict[str, int]


async def rotate(database: Database, vault: Vault) -> AsyncIterator[Tally]:
    """Seal every shelf anew under the newest key. Raises what the database raises."""
    vault.refresh()
    for shelf in SHELVES:
        yield await _rotate_shelf(database, vault, shelf)


async def _rotate_shelf(database: Database, vault: Vault, shelf: Shelf) -> Tally:
    resealed, already, failed = 0, 0, list[str]()
    after = ("", "")
    while True:
        async with database.begin() as connection:
            rows = (await connection.execute(shelf.page, _ask(after))).all()
            for row in rows:
                try:
                    made = vault.reseal(shelf.read(row), shelf.place(row))
                except VaultError as exc:
                    failed.append(str(exc))
                    continue
                changed = made is not None and await _swap(connection, shelf, row, made)
                resealed, already = resealed + changed, already + (made is None)
        if len(rows) < BATCH:
            return Tally(shelf=shelf.name, resealed=resealed, already=already, failed=tuple(failed))
        after = (str(rows[-1].id), str(rows[-1].field))


async def _swap(connection: AsyncConnection, shelf: Shelf, row: AnyRow, made: Sealed) -> bool:
    asked = {"row": row.id, "row_field": row.field, "old": row.value, **shelf.write(made)}
    return bool((await connection.execute(shelf.swap, asked)).rowcount)


async def count_keys(database: Database, vault: Vault) -> list[Ring]:
    """Every key of the ring, and any other that something is sealed with, with how much it seals."""
    vault.refresh()
    counts: dict[str, Counter[str]] = {key: Counter() for key in vault.ids}
    for shelf in SHELVES:
        after, rows = ("", ""), None
        while rows is None or len(rows) == BATCH:
            async with database.read() as connection:
                rows = (await connection.execute(shelf.page, _ask(after))).all()
            for row in rows:
                counts.setdefault(shelf.read(row).key_id, Counter())[shelf.name] += 1
                after = (str(row.id), str(row.field))
    ids = vault.ids
    return [Ring(id=key, newest=key == ids[0], given=key in ids, seals=dict(found)) for key, found in counts.items()]


def _ask(after: tuple[str, str]) -> dict[str, object]:
    return {"after": after[0], "after_field": after[1], "most": BATCH}


def _read_json(row: AnyRow) -> Sealed:
    return msgspec.json.decode(row.value, type=Sealed)


def _read_packed(row: AnyRow) -> Sealed:
    return Sealed(*msgspec.msgpack.decode(row.value, type=tuple[str, bytes, bytes]))


def _write_packed(sealed: Sealed) -> Mapping[str, object]:
    return {"new_value": msgspec.msgpack.encode((sealed.key_id, sealed.nonce, sealed.sealed))}


def _of_source(row: AnyRow) -> Place:
    return Place(account_id=str(row.id), field="source")


SHELVES: tuple[Shelf, ...] = (
    Shelf(
        "accounts' keys",
        "credentials.sealed",
        accounts.PAGE_SEALED,
        accounts.SWAP_SEALED,
        lambda row: Sealed(row.key_id, row.nonce, row.value),
        lambda made: {"new_key_id": made.key_id, "new_nonce": made.nonce, "new_value": made.sealed},
        lambda row: Place(account_id=str(row.id), field=str(row.field)),
    ),
    Shelf(
        "webhooks' secrets",
        "endpoint_secrets.sealed",
        endpoints.PAGE_SEALED,
        endpoints.SWAP_SEALED,
        _read_json,
        lambda made: {"new_value": msgspec.json.encode(made)},
        lambda row: Place(account_id=str(row.id), field="webhook secret"),
    ),
    Shelf(
        "sources' secrets",
        "sources.secret",
        sources.PAGE_SEALED,
        sources.SWAP_SEALED,
        _read_packed,
        _write_packed,
        _of_source,
    ),
    Shelf(
        "connections",
        "connections.secret",
        sources.PAGE_SEALED_CONNECTIONS,
        sources.SWAP_SEALED_CONNECTION,
        _read_packed,
        _write_packed,
        _of_source,
    ),
)
"""Everything that is sealed, each as its room writes it. Whoever seals something more adds it here."""
