"""Destinations and their versions: two tables, and every statement about them. A version never changes."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Text,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import Big, UTCDateTime, one_of, table
from crosswalk.store.datasets import datasets

DestinationState = Literal["draft", "active", "paused"]

destinations = table(
    "destinations",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="SET NULL")),
    Column("state", Text, CheckConstraint(one_of("state", get_args(DestinationState)), name="state"), nullable=False),
    Column("version", Integer, CheckConstraint("version > 0", name="version"), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("dataset_id", Text),  # whose records go by themselves; of a removed dataset, none
    Column("position", Big, CheckConstraint("position >= 0", name="position"), nullable=False, server_default="0"),
    Index(None, "account_id"),
    Index(None, "dataset_id"),
)

destination_versions = table(
    "destination_versions",
    Column("destination_id", Text, ForeignKey(destinations.c.id, ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("settings", Text, nullable=False),  # JSON
    Column("created_at", UTCDateTime, nullable=False),
    Column("made_by", Text, nullable=False),
)

# Make a destination.
ADD_DESTINATION = insert(destinations)

# Keep one version of its settings.
ADD_VERSION = insert(destination_versions)

# Destinations with their present settings, and how many records of their dataset no run has taken.
DESTINATIONS = (
    select(
        destinations,
        destination_versions.c.settings,
        destination_versions.c.created_at.label("changed_at"),
        datasets.c.name.label("dataset"),
        func.coalesce(datasets.c.last - destinations.c.position, 0).label("backlog"),
    )
    .join(
        destination_versions,
        (destination_versions.c.destination_id == destinations.c.id)
        & (destination_versions.c.version == destinations.c.version),
    )
    .join(datasets, datasets.c.id == destinations.c.dataset_id, isouter=True)
)

# All of them after one, oldest first.
LIST_DESTINATIONS = DESTINATIONS.where(destinations.c.id > bindparam("after")).order_by(destinations.c.id)

# The destination of this name or id.
FIND_DESTINATION = DESTINATIONS.where(
    or_(destinations.c.name == bindparam("key"), destinations.c.id == bindparam("key"))
)

# Every version of one, newest first.
LIST_VERSIONS = (
    select(destination_versions)
    .where(destination_versions.c.destination_id == bindparam("destination"))
    .order_by(destination_versions.c.version.desc())
)

# Go on from one version to the next; nothing when another was quicker.
STEP_VERSION = (
    update(destinations)
    .where(destinations.c.id == bindparam("destination"), destinations.c.version == bindparam("have"))
    .values(version=bindparam("want"))
)

# Hold a destination until the transaction ends: who admits records or changes its state does so alone.
HOLD_DESTINATION = select(destinations).where(destinations.c.id == bindparam("destination")).with_for_update()

# Go on from one position to the next; nothing when another was quicker.
STEP_POSITION = (
    update(destinations)
    .where(destinations.c.id == bindparam("destination"), destinations.c.position == bindparam("have"))
    .values(position=bindparam("want"))
)

# Active destinations whose dataset has records that no run has taken.
LIST_WAITING = (
    select(destinations.c.id)
    .join(datasets, datasets.c.id == destinations.c.dataset_id)
    .where(
        destinations.c.state == "active",
        destinations.c.account_id.is_not(None),
        datasets.c.last > destinations.c.position,
    )
    .order_by(destinations.c.id)
)

# Write a destination's state.
SET_STATE = update(destinations).where(destinations.c.id == bindparam("destination")).values(state=bindparam("want"))

# Forget a destination that is not active; its versions go with it.
REMOVE_DESTINATION = delete(destinations).where(
    destinations.c.id == bindparam("destination"), destinations.c.state != "active"
)
