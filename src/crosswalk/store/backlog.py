"""Records that become rows of a run without being sent: a statement about both tables."""

from sqlalchemy import Integer, Text, bindparam, cast, insert, literal, select

from crosswalk.store.columns import Big, UTCDateTime
from crosswalk.store.deliveries import deliveries
from crosswalk.store.records import records

# Take a dataset's records, from one number to another, into a run as skipped; the run counts its rows from 1.
SKIP_RECORDS = insert(deliveries).from_select(
    ["run_id", "number", "state", "settled_at"],
    select(
        bindparam("run", type_=Text),
        cast(records.c.number - bindparam("first", type_=Big) + 1, Integer),
        literal("skipped"),
        bindparam("at", type_=UTCDateTime),
    ).where(
        records.c.dataset_id == bindparam("dataset"),
        records.c.number >= bindparam("first", type_=Big),
        records.c.number <= bindparam("last", type_=Big),
    ),
    include_defaults=False,
)
