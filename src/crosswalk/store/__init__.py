"""Tables and migrations: SQLAlchemy Core, one text for SQLite and PostgreSQL, a table's statements beside it."""
