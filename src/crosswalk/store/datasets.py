"""Datasets and what changed in their columns: two tables, and every statement about them."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Text,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import Big, UTCDateTime, one_of, table

Origin = Literal["source", "responses"]

datasets = table(
    "datasets",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("origin", Text, CheckConstraint(one_of("origin", get_args(Origin)), name="origin"), nullable=False),
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="SET NULL")),  # whose records these are
    Column("schema", Text, nullable=False, server_default="{}"),  # JSON
    Column("samples", Text, nullable=False, server_default="[]"),  # JSON: the latest few records
    Column("last", Big, CheckConstraint("last >= 0", name="last"), nullable=False, server_default="0"),
    Column("created_at", UTCDateTime, nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    Index(None, "account_id"),
)

drifts = table(
    "drifts",
    Column("id", Text, primary_key=True),
    Column("dataset_id", Text, ForeignKey(datasets.c.id, ondelete="CASCADE"), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("change", Text, nullable=False),  # JSON
    Index(None, "dataset_id"),
)

# Make a dataset.
ADD_DATASET = insert(datasets)

# Datasets after one, oldest first.
LIST_DATASETS = select(datasets).where(datasets.c.id > bindparam("after")).order_by(datasets.c.id)

# The dataset of this name or id.
FIND_DATASET = select(datasets).where(or_(datasets.c.name == bindparam("key"), datasets.c.id == bindparam("key")))

# The last number that a dataset gave, held until the transaction ends.
HOLD_LAST = select(datasets.c.last).where(datasets.c.id == bindparam("dataset")).with_for_update()

# Write the last number that a dataset gave.
SET_LAST = update(datasets).where(datasets.c.id == bindparam("dataset")).values(last=bindparam("new_last"))

# What a dataset knows of its columns.
FIND_SCHEMA = select(datasets.c.schema, datasets.c.samples).where(datasets.c.id == bindparam("dataset"))

# Write what a dataset knows of its columns, and its latest records.
SET_SCHEMA = (
    update(datasets)
    .where(datasets.c.id == bindparam("dataset"))
    .values(schema=bindparam("new_schema"), samples=bindparam("new_samples"), changed_at=bindparam("at"))
)

# Forget a dataset; its records and drifts go with it.
REMOVE_DATASET = delete(datasets).where(datasets.c.id == bindparam("dataset"))

# Say that a dataset's columns changed.
ADD_DRIFTS = insert(drifts)

# What changed in a dataset's columns before one change, newest first.
LIST_DRIFTS = (
    select(drifts)
    .where(drifts.c.dataset_id == bindparam("dataset"), drifts.c.id < bindparam("before"))
    .order_by(drifts.c.id.desc())
    .limit(bindparam("most"))
)

# What a dataset's columns have become since a time, oldest first.
DRIFTS_SINCE = (
    select(drifts.c.change)
    .where(drifts.c.dataset_id == bindparam("dataset"), drifts.c.at >= bindparam("since"))
    .order_by(drifts.c.id)
)
