"""Observed calls of operators, and what was inferred from them.

A migration stays as it was written: it names plain column types, so changes of ``tables`` cannot alter it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "call",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("torch", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_call"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_call_operator", "call", ["torch", "operator", "digest"])
    op.create_table(
        "inference",
        sa.Column("torch", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("rules", WHOLE, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("finished", TIME, nullable=False),
        sa.PrimaryKeyConstraint("torch", "operator", name="pk_inference"),
        sqlite_with_rowid=False,
    )
