"""What can be wrong with the store.

StoreError
├── DatabaseUnreachable   nothing answers there, it refuses us, or it fails on the way
├── SchemaBehind          the tables are older than this Crosswalk: migrate
├── SchemaAhead           the tables were made by a newer Crosswalk: upgrade
└── Held                  another process has the lock (`store.lock`)
"""


class StoreError(Exception):
    """The database cannot be used as it stands."""


class DatabaseUnreachable(StoreError):
    """Nothing answers at the database's address, it refuses us, or it fails on the way."""


class SchemaBehind(StoreError):
    """The tables are older than this Crosswalk."""


class SchemaAhead(StoreError):
    """The tables were made by a newer Crosswalk."""
