"""Column types and the table maker that give SQLite and PostgreSQL the same strictness."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import REAL, BigInteger, Dialect, Double, Integer, MetaData, Table, Text, TypeDecorator
from sqlalchemy.schema import SchemaItem

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# SQLite's strict tables know INTEGER, REAL, TEXT and BLOB and no other names (sqlite.org/stricttables.html).
Big = BigInteger().with_variant(Integer(), "sqlite")
Real: Double[float] = Double().with_variant(REAL(), "sqlite")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware time, kept as whole microseconds since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """INTEGER on SQLite, BIGINT on PostgreSQL."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To microseconds. Raises `ValueError` for a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone; give an aware datetime")
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """To an aware UTC time."""
        return None if value is None else EPOCH + value * MICROSECOND


def table(name: str, *items: SchemaItem) -> Table:
    """One table of Crosswalk, strict on SQLite."""
    return Table(name, metadata, *items, sqlite_strict=True)


def one_of(column: str, names: tuple[str, ...]) -> str:
    """The SQL of a check that a column holds one of these names."""
    return f"{column} IN ({', '.join(repr(name) for name in names)})"


__all__ = ["Big", "Real", "Text", "UTCDateTime", "metadata", "one_of", "table"]
