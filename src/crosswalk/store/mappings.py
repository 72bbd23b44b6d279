"""Overrides of the unified mapping, in versions, and every statement about them."""

from typing import Literal, get_args

from sqlalchemy import CheckConstraint, Column, Integer, Text, UniqueConstraint, bindparam, func, insert, select

from crosswalk.store.columns import UTCDateTime, one_of, table

MappingLayer = Literal["base", "environment", "account"]

mappings = table(
    "mapping_versions",
    Column("id", Text, primary_key=True),
    Column("layer", Text, CheckConstraint(one_of("layer", get_args(MappingLayer)), name="layer"), nullable=False),
    Column("subject", Text, nullable=False),  # the account's id, the tenant's, or nothing
    Column("resource", Text, nullable=False),
    Column("version", Integer, CheckConstraint("version > 0", name="version"), nullable=False),
    Column("overrides", Text, nullable=False),  # JSON
    Column("made_by", Text, nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    UniqueConstraint("layer", "subject", "resource", "version"),
    CheckConstraint("(layer = 'base') = (subject = '')", name="subject"),
)
_HERE = (
    mappings.c.layer == bindparam("of_layer"),
    mappings.c.subject == bindparam("of_subject"),
    mappings.c.resource == bindparam("of_resource"),
)

# Add a version; the constraint lets one of two win.
ADD_MAPPING = insert(mappings)

# What differs as soon as any version was saved, here or by a restored backup.
COUNT_MAPPINGS = select(func.count(), func.coalesce(func.max(mappings.c.id), "")).select_from(mappings)

_NEWEST = (
    select(mappings.c.layer, mappings.c.subject, mappings.c.resource, func.max(mappings.c.version).label("version"))
    .group_by(mappings.c.layer, mappings.c.subject, mappings.c.resource)
    .subquery()
)

# The present version of every layer, subject and resource.
LIST_PRESENT = select(mappings).join(
    _NEWEST,
    (mappings.c.layer == _NEWEST.c.layer)
    & (mappings.c.subject == _NEWEST.c.subject)
    & (mappings.c.resource == _NEWEST.c.resource)
    & (mappings.c.version == _NEWEST.c.version),
)

# Versions of one before a number, newest first.
LIST_VERSIONS = (
    select(mappings)
    .where(*_HERE, mappings.c.version < bindparam("before"))
    .order_by(mappings.c.version.desc())
    .limit(bindparam("most"))
)

# One version of one.
FIND_VERSION = select(mappings).where(*_HERE, mappings.c.version == bindparam("of_version"))
