"""Exports: which records of a dataset a run writes out, to where, and how far it is."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, Text, bindparam, insert, select, update

from crosswalk.store.columns import table
from crosswalk.store.runs import UNFINISHED, runs

exports = table(
    "exports",
    Column("run_id", Text, ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("dataset_id", Text, nullable=False),  # no foreign key: it outlives its dataset
    Column("target", Text, nullable=False),  # as it may be shown: without passwords
    Column("first", Integer, nullable=False),  # record
    Column("last", Integer, nullable=False),
    Column("done", Integer, nullable=False),  # the last record that is surely there
    CheckConstraint("done >= first - 1 AND done <= last", name="done"),
)

# Say what a run exports.
ADD_EXPORT = insert(exports)

# Say how far it is.
STEP_EXPORT = update(exports).where(exports.c.run_id == bindparam("run")).values(done=bindparam("at"))

# The unfinished export of a name; the index on runs allows one.
FIND_UNFINISHED_EXPORT = (
    select(exports, runs.c.state).join(runs, runs.c.id == exports.c.run_id)
    .where(runs.c.name == bindparam("run_name"), runs.c.state.in_(UNFINISHED))
)  # fmt: skip

# The last record that the latest finished export of a name has written.
LAST_EXPORTED = (
    select(exports.c.last)
    .join(runs, runs.c.id == exports.c.run_id)
    .where(runs.c.name == bindparam("run_name"), runs.c.state == "finished")
    .order_by(runs.c.id.desc())
    .limit(1)
)

# One export.
FIND_EXPORT = select(exports).where(exports.c.run_id == bindparam("run"))
