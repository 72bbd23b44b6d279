"""Alembic runs this file: it migrates over the connection that `store.migrate` hands it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
