"""The history of the tables: `env.py` for Alembic, and one file a revision."""
