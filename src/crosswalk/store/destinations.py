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
    insert,
    or_,
    select,
    update,
)

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import UTCDateTime, one_of, table

DestinationState = Literal["draft", "active", "paused"]

destinations = table(
    "destinations",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="SET NULL")),
    Column("state", Text, CheckConstraint(one_of("state", get_args(DestinationState)), name="state"), nullable=False),
    Column("version", Integer, CheckConstraint("version > 0", name="version"), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Index(None, "account_id"),
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

# Destinations with their present settings.
DESTINATIONS = select(
    destinations, destination_versions.c.settings, destination_versions.c.created_at.label("changed_at")
).join(
    destination_versions,
    (destination_versions.c.destination_id == destinations.c.id)
    & (destination_versions.c.version == destinations.c.version),
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

# Write a destination's state.
SET_STATE = update(destinations).where(destinations.c.id == bindparam("destination")).values(state=bindparam("want"))

# Forget a destination that is not active; its versions go with it.
REMOVE_DESTINATION = delete(destinations).where(
    destinations.c.id == bindparam("destination"), destinations.c.state != "active"
)
