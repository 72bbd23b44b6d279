"""What each account has sent lately, today, and what was learned of it: a row that every process and machine shares.

Only PostgreSQL is asked for it, past SQLAlchemy: a step is one statement, several of them a second for a busy account.
"""

from sqlalchemy import Column, Integer, Text

from crosswalk.store.columns import Big, table

paces = table(
    "paces",
    Column("name", Text, primary_key=True),  # digest of a key and where it is sent: accounts of one key share a row
    Column("version", Big, nullable=False),  # steps from one to the next; whoever saw another one steps again
    Column("format", Integer, nullable=False),
    Column("state", Text, nullable=False),  # JSON of gate/purse.py
)

# Begin a row that is not there; nothing happens to one that is.
BEGIN_PACE = """
INSERT INTO paces (name, version, format, state) VALUES (%(name)s, 0, %(format)s, %(state)s)
ON CONFLICT (name) DO NOTHING
"""

# A row as it is, and the database's time in seconds since 1970.
READ_PACE = """
SELECT version, format, state, extract(epoch FROM clock_timestamp())::float8 FROM paces WHERE name = %(name)s
"""

# Step from the version that was seen to the next one; tells the new version, and the time. No row: somebody was first.
STEP_PACE = """
UPDATE paces SET version = version + 1, format = %(format)s, state = %(state)s
WHERE name = %(name)s AND version = %(version)s
RETURNING version, extract(epoch FROM clock_timestamp())::float8
"""
