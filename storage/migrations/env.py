"""Run by Alembic: applies the migrations within the transaction that ``schema`` hands over."""

from alembic import context

from archsmith.storage.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
