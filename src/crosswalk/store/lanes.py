"""Who owns each account's lane on PostgreSQL: one process at a time, for a while, by the database's clock."""

from sqlalchemy import Column, Text, text

from crosswalk.store.columns import Big, UTCDateTime, table

lanes = table(
    "lanes",
    Column("account", Text, primary_key=True),  # no foreign key: a removed account's number must not begin anew
    Column("owner", Text, nullable=False),  # one process, as long as it lives
    Column("token", Big, nullable=False),  # one more with every owner
    Column("ends_at", UTCDateTime, nullable=False),
)

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

# Wait no longer than this for a lane that another process is just writing about.
WAIT_SHORTLY = text("SET LOCAL lock_timeout = '1s'")

# Take a lane that nobody owns; no row when somebody does. `length` is in microseconds.
TAKE_LANE = text(f"""
INSERT INTO lanes (account, owner, token, ends_at) VALUES (:account, :owner, 1, {_NOW} + :length)
ON CONFLICT (account) DO UPDATE
SET owner = excluded.owner, token = lanes.token + 1, ends_at = {_NOW} + :length
WHERE lanes.ends_at <= {_NOW}
RETURNING token
""")  # noqa: S608 (a constant of this file)

# Keep all lanes of an owner for another while, and tell which those are.
KEEP_LANES = text(f"""
UPDATE lanes SET ends_at = {_NOW} + :length WHERE owner = :owner AND ends_at > 0 RETURNING account, token
""")  # noqa: S608 (a constant of this file)

# Give a lane up; the next owner need not wait.
LEAVE_LANE = text("UPDATE lanes SET ends_at = 0 WHERE account = :account AND owner = :owner AND token = :token")

# Give up all lanes of an owner that is dead.
LEAVE_LANES = text("UPDATE lanes SET ends_at = 0 WHERE owner = :owner AND ends_at > 0")

# Let nobody wait long for a process that is stopped in the middle of this transaction.
BOUND_STANDSTILL = text("SET LOCAL idle_in_transaction_session_timeout = '5s'")

# A row while a lane is still its owner's, who stays so until the transaction ends.
FENCE = text(
    "SELECT token FROM lanes WHERE account = :account AND owner = :owner AND token = :token AND ends_at > 0 FOR SHARE"
)

# Accounts with runs that wait, and their lanes.
_WAITING = """
SELECT DISTINCT coalesce(r.account_id, '') FROM runs r
LEFT JOIN lanes l ON l.account = coalesce(r.account_id, '')
LEFT JOIN destinations d ON d.id = r.destination_id
WHERE r.kind = 'send' AND (r.state = 'running' OR (r.state = 'queued' AND d.state IS DISTINCT FROM 'paused'))
"""
_FREE = f"(l.account IS NULL OR l.ends_at <= {_NOW})"
_MORE = "(l.owner = :owner AND r.state = 'queued')"

# Accounts whose lanes are free, or this process's own with something new.
LIST_OPEN = text(f"{_WAITING} AND ({_FREE} OR {_MORE})")

# Accounts whose lanes are free.
LIST_FREE = text(f"{_WAITING} AND {_FREE}")

# Accounts of this process's own lanes with something new.
LIST_MORE = text(f"{_WAITING} AND {_MORE}")

# Whether another process owns a lane now.
IS_ELSEWHERE = text(f"SELECT 1 FROM lanes WHERE account = :account AND owner <> :owner AND ends_at > {_NOW}")  # noqa: S608 (a constant of this file)
