"""What Alembic runs for every order: see `upgrade`, which gives the connection."""

from __future__ import annotations

from alembic import context

from supervisor.store.schema import METADATA, VERSION_TABLE

if hasattr(context, "config"):  # else somebody only imports this
    context.configure(
        connection=context.config.attributes["connection"],  # in a transaction: a step that fails has changed nothing
        target_metadata=METADATA,
        version_table=VERSION_TABLE,
    )
    with context.begin_transaction():
        context.run_migrations()
