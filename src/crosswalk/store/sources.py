"""Sources and the connections that SQL sources may name: two tables, and every statement about them."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import UTCDateTime, one_of, table
from crosswalk.store.datasets import datasets
from crosswalk.store.sealed import page_sealed, swap_sealed

SourceKind = Literal["file", "sql", "http", "webhook", "insightly"]
SourceState = Literal["active", "paused"]

sources = table(
    "sources",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, CheckConstraint(one_of("kind", get_args(SourceKind)), name="kind"), nullable=False),
    Column("settings", Text, nullable=False),  # JSON
    Column("secret", LargeBinary),  # sealed: a database's address, a signature's key, headers
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="SET NULL")),
    Column("dataset_id", Text, ForeignKey(datasets.c.id), nullable=False, unique=True),
    Column("state", Text, CheckConstraint(one_of("state", get_args(SourceState)), name="state"), nullable=False),
    Column("schedule", Text),  # such as `every 15m`
    Column("next_at", UTCDateTime),  # when it is to be read again
    Column("cursor", Text),  # JSON: how far it was read
    Column("hook_hash", Text, unique=True),  # SHA-256 of the secret in its address
    Column("old_hook_hash", Text, unique=True),  # the one before, which counts until
    Column("old_hook_until", UTCDateTime),
    Column("created_at", UTCDateTime, nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    CheckConstraint("(kind = 'webhook') = (hook_hash IS NOT NULL)", name="hook_hash"),
    CheckConstraint("(old_hook_hash IS NULL) = (old_hook_until IS NULL)", name="old_hook"),
    Index(None, "account_id"),
    Index(None, "next_at"),
)

connections = table(
    "connections",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("secret", LargeBinary, nullable=False),  # sealed: the database's address
    Column("shown", Text, nullable=False),  # the address without its password
    Column("created_at", UTCDateTime, nullable=False),
)

# Make a source.
ADD_SOURCE = insert(sources)

# Sources with their dataset's name.
SOURCES = select(sources, datasets.c.name.label("dataset"), datasets.c.last.label("records")).join(
    datasets, datasets.c.id == sources.c.dataset_id
)

# All of them after one, oldest first.
LIST_SOURCES = SOURCES.where(sources.c.id > bindparam("after")).order_by(sources.c.id)

# The source of this name or id.
FIND_SOURCE = SOURCES.where(or_(sources.c.name == bindparam("key"), sources.c.id == bindparam("key")))

# The source that fills a dataset.
FIND_FILLER = SOURCES.where(sources.c.dataset_id == bindparam("dataset"))

# The webhook source whose address holds a secret, the present one or one that still counts.
FIND_HOOK = SOURCES.where(
    or_(
        sources.c.hook_hash == bindparam("digest"),
        (sources.c.old_hook_hash == bindparam("digest")) & (sources.c.old_hook_until > bindparam("at")),
    )
)

# Sources whose time has come.
LIST_DUE = (
    SOURCES.where(sources.c.state == "active", sources.c.next_at <= bindparam("at"))
    .order_by(sources.c.next_at)
    .limit(bindparam("most"))
)

# Put a source's next time in the place of the one that was seen; nothing when another was quicker.
STEP_NEXT = (
    update(sources)
    .where(sources.c.id == bindparam("source"), sources.c.next_at == bindparam("seen"))
    .values(next_at=bindparam("new_next"))
)

# Write a source anew; the values are those of the changed columns.
CHANGE_SOURCE = update(sources).where(sources.c.id == bindparam("source"))

# Write how far a source was read.
SET_CURSOR = update(sources).where(sources.c.id == bindparam("source")).values(cursor=bindparam("new_cursor"))

# Forget a source; its pulls go with it.
REMOVE_SOURCE = delete(sources).where(sources.c.id == bindparam("source"))

# Keep a database's address under a name.
ADD_CONNECTION = insert(connections)

# Every connection, oldest first.
LIST_CONNECTIONS = select(connections).order_by(connections.c.id)

# The connection of this name.
FIND_CONNECTION = select(connections).where(connections.c.name == bindparam("key"))

# Forget a connection.
REMOVE_CONNECTION = delete(connections).where(connections.c.name == bindparam("key"))

# Sealed secrets of sources, and of connections, after one, to be sealed anew; and how each is.
PAGE_SEALED, SWAP_SEALED = page_sealed(sources, sources.c.secret), swap_sealed(sources, sources.c.secret)
PAGE_SEALED_CONNECTIONS = page_sealed(connections, connections.c.secret)
SWAP_SEALED_CONNECTION = swap_sealed(connections, connections.c.secret)
