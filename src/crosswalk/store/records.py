"""The records of datasets: one table, and every statement about it. A record never changes."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Text, bindparam, func, insert, select, text

from crosswalk.store.columns import Big, UTCDateTime, table
from crosswalk.store.datasets import datasets

KEYED = text("key IS NOT NULL")

records = table(
    "records",
    Column("dataset_id", Text, ForeignKey(datasets.c.id, ondelete="CASCADE"), primary_key=True),
    Column("number", Big, primary_key=True, autoincrement=False),  # counted from 1 in its dataset, without gaps
    Column("cells", LargeBinary, nullable=False),  # JSON: one object, on one line
    Column("key", Text),  # what says that two records are the same
    Column("at", UTCDateTime, nullable=False),
    Index("ux_records_dataset_id_key", "dataset_id", "key", unique=True, sqlite_where=KEYED, postgresql_where=KEYED),
)

# Add records.
ADD_RECORDS = insert(records)

# Which of these keys a dataset has.
KNOWN_KEYS = select(records.c.key).where(
    records.c.dataset_id == bindparam("dataset"), records.c.key.in_(bindparam("keys", expanding=True))
)

# A dataset's records after one number up to another, in order.
READ_RECORDS = (
    select(records.c.number, records.c.cells, records.c.key, records.c.at)
    .where(
        records.c.dataset_id == bindparam("dataset"),
        records.c.number > bindparam("after"),
        records.c.number <= bindparam("until"),
    )
    .order_by(records.c.number)
    .limit(bindparam("most"))
)

# How many records a dataset holds.
COUNT_RECORDS = select(func.count()).select_from(records).where(records.c.dataset_id == bindparam("dataset"))
