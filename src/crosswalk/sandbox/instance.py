"""One customer's Insightly: its users, its records and everything that hangs on them."""

import base64
import dataclasses
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from crosswalk.sandbox.call import User
from crosswalk.sandbox.custom_fields import CustomFields, Definition, list_values
from crosswalk.sandbox.links import Link, Links
from crosswalk.sandbox.rules import Rules
from crosswalk.sandbox.schema import Schema
from crosswalk.sandbox.switches import Switches
from crosswalk.sandbox.table import Row, Table

RECORDS = "custom_object_records"
NO_FIELDS = CustomFields(())


class Blob(Struct, frozen=True):
    """Bytes that somebody uploaded, with their name and type."""

    name: str
    content_type: str
    data: bytes


class Extras(Struct):
    """What hangs on records and is no record: kept whole in a snapshot.

    `blobs` by owner and use, `follows` by user, `lists` (static lists) by prospect, `stages` (pipeline, stage) by lead,
    `translations` by record and language, `counters` by name, `owners` of files by file.
    """

    blobs: dict[str, Blob] = msgspec.field(default_factory=dict)
    follows: dict[int, list[tuple[str, int]]] = msgspec.field(default_factory=dict)
    lists: dict[int, list[int]] = msgspec.field(default_factory=dict)
    stages: dict[int, tuple[int, int]] = msgspec.field(default_factory=dict)
    translations: dict[str, dict[str, list[object]]] = msgspec.field(default_factory=dict)
    counters: dict[str, int] = msgspec.field(default_factory=dict)
    owners: dict[int, tuple[str, int]] = msgspec.field(default_factory=dict)


class State(Struct):
    """Everything that a snapshot holds."""

    users: list[tuple[int, str, bool]]
    version: int
    tables: dict[str, tuple[int, list[tuple[int, int, float, list[object]]]]]
    next_link: int
    links: list[Link]
    definitions: dict[str, list[Definition]]
    extras: Extras


class Instance:
    """One customer's data: `users` may call, `tables` hold records by resource key."""

    def __init__(self, name: str, *, schemas: Mapping[str, Schema], rules: Mapping[str, Rules]) -> None:
        self.name = name
        self.users: tuple[User, ...] = ()
        self.schemas = schemas
        self.rules = rules
        self.tables: dict[str, Table] = {}
        self.custom: dict[str, CustomFields] = {}
        self.links = Links(first_id=310_000_001)
        self.extras = Extras()
        self.plan = "Professional"
        self.storage_limit = 100_000_000
        self._version = 0x7D00
        self._switches = Switches()

    def fields_of(self, key: str) -> CustomFields:
        """Give the custom fields of one kind of record."""
        return self.custom.get(key, NO_FIELDS)

    def next_version(self) -> int:
        """Count one more change."""
        self._version += 1
        return self._version

    def next_number(self, name: str, first: int = 1) -> int:
        """Count on in a series of its own, such as article numbers."""
        number = self.extras.counters.get(name, first)
        self.extras.counters[name] = number + 1
        return number

    def adopt(self, switches: Switches) -> None:
        """Show records by these switches from now on: forget what was encoded by others."""
        if switches is self._switches:
            return
        same = (self._switches.etag, self._switches.custom_fields_listed)
        if (switches.etag, switches.custom_fields_listed) != same:
            for table in self.tables.values():
                for row in table.rows.values():
                    row.json = None
        self._switches = switches

    def touch(self, table: Table, row: Row) -> None:
        """Note that a record reads differently now, though none of its own values changed."""
        row.version = self.next_version()
        row.json = None

    def render(self, table: Table, row: Row) -> bytes:
        """Give a record's JSON, encoded once a change."""
        if row.json is None:
            row.json = self.encode(table.schema, row)
        return row.json

    def encode(self, schema: Schema, row: Row) -> bytes:
        """Encode a record in the contract's order of keys."""
        shown = dict(zip(schema.names, row.values, strict=True))
        for place, name in schema.subs:
            shown[name] = self._show(schema, row, row.values[place], name=name)
        if schema.etag:
            if self._switches.etag == "present":
                shown["ETag"] = etag_of(row)
            else:
                del shown["ETag"]
        return msgspec.json.encode(shown)

    def _show(self, schema: Schema, row: Row, value: object, *, name: str) -> object:
        match name:
            case "CUSTOMFIELDS":
                if ":" in schema.key or self._switches.custom_fields_listed == "all":
                    return list_values(
                        {**self.fields_of(schema.key).empty, **(value if isinstance(value, dict) else {})}
                    )
                return list_values(value)
            case "TAGS":
                return [{"TAG_NAME": tag} for tag in value] if isinstance(value, list) else []
            case "LINKS":
                end = (schema.key, row.id)
                return [link.seen_from(end) for link in self.links.of(end)]
            case _:
                return value or []

    def counts(self) -> dict[str, int]:
        """Count the records of each kind."""
        return {key: len(table) for key, table in self.tables.items()}

    def snapshot(self) -> bytes:
        """Give everything as bytes, for `restore` here or in another process."""
        tables = {
            key: (table.next_id, [(r.id, r.version, r.born, r.values) for r in table.all()])
            for key, table in self.tables.items()
        }
        return msgspec.msgpack.encode(
            State(
                users=[(user.id, user.key, user.administrator) for user in self.users],
                version=self._version,
                tables=tables,
                next_link=self.links.next_id,
                links=list(self.links.by_id.values()),
                definitions={key: list(fields.definitions) for key, fields in self.custom.items()},
                extras=self.extras,
            )
        )

    def restore(self, data: bytes) -> None:
        """Become what `snapshot` saw. Raises `msgspec.DecodeError` for anything else."""
        state = msgspec.msgpack.decode(data, type=State)
        self.users = tuple(User(number, key, administrator) for number, key, administrator in state.users)
        self._version = state.version
        self.custom = {key: CustomFields(definitions) for key, definitions in state.definitions.items()}
        self.links = Links(first_id=state.next_link)
        for link in state.links:
            self.links.keep(link)
        self.extras = state.extras
        self.tables = {}
        for key, (next_id, rows) in state.tables.items():
            table = self.tables[key] = Table(self.schema_of(key), first_id=next_id)
            for number, version, born, values in rows:
                table.keep(Row(number, values, version=version, born=born))

    def schema_of(self, key: str) -> Schema:
        """Give the shape of a table; every custom object has the shape of custom-object records."""
        if key in self.schemas:
            return self.schemas[key]
        return dataclasses.replace(self.schemas[RECORDS], key=key)


def etag_of(row: Row) -> str:
    """Write a record's version as SQL Server writes a row version; the real service's form is not recorded."""
    return base64.b64encode(row.version.to_bytes(8)).decode()
