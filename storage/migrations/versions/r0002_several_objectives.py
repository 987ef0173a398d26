"""Studies with several objectives and constraints, and trials that are trained rung by rung.

Until now the one objective was maximised and every trial that was measured was complete. A migration stays as it was
written: it names plain column types, so changes of ``tables`` cannot alter it.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _change_study()
    _change_trial()


def _change_study() -> None:
    with op.batch_alter_table("study") as batch:
        batch.add_column(sa.Column("objectives", sa.Text))
        batch.add_column(sa.Column("constraints", sa.Text))
        batch.add_column(sa.Column("reason", sa.Text))
    connection = op.get_bind()
    for objective in connection.scalars(sa.text("SELECT DISTINCT objective FROM study")).all():
        given = {"objective": objective, "objectives": json.dumps([["max", objective]]), "constraints": "[]"}
        wanted = "SET objectives = :objectives, constraints = :constraints WHERE objective = :objective"
        connection.execute(sa.text(f"UPDATE study {wanted}"), given)
    with op.batch_alter_table("study") as batch:
        batch.alter_column("objectives", existing_type=sa.Text, nullable=False)
        batch.alter_column("constraints", existing_type=sa.Text, nullable=False)
        batch.drop_column("objective")


def _change_trial() -> None:
    op.drop_index("ix_trial_value", "trial")
    op.drop_index("ix_trial_state", "trial")
    # SQLite does not tell of its check constraints: the ones that there are have to be named.
    checks = (
        sa.CheckConstraint("(value IS NOT NULL) = (state = 'complete')", name=op.f("ck_trial_value")),
        sa.CheckConstraint("(finished IS NULL) = (state = 'running')", name=op.f("ck_trial_finished")),
    )
    with op.batch_alter_table("trial", table_args=checks) as batch:
        for name in ("others", "checkpoint"):
            batch.add_column(sa.Column(name, sa.Text))
        for name in ("violation", "merit"):
            batch.add_column(sa.Column(name, sa.Double))
        for name in ("bracket", "until", "reached"):
            batch.add_column(sa.Column(name, WHOLE))
        batch.drop_constraint(op.f("ck_trial_value"), type_="check")
        batch.drop_constraint(op.f("ck_trial_finished"), type_="check")
    op.execute("UPDATE trial SET merit = value, violation = 0 WHERE state = 'complete'")
    with op.batch_alter_table("trial") as batch:
        batch.create_check_constraint(op.f("ck_trial_merit"), "(merit IS NOT NULL) = (state = 'complete')")
        batch.create_check_constraint(
            op.f("ck_trial_value"), "merit IS NULL OR (value IS NOT NULL AND violation IS NOT NULL)"
        )
        batch.create_check_constraint(
            op.f("ck_trial_finished"), "(finished IS NULL) = (state IN ('running', 'paused'))"
        )
    op.create_index("ix_trial_state", "trial", ["study_id", "state", "number", "value", "violation"])
    op.create_index("ix_trial_merit", "trial", ["study_id", "violation", sa.literal_column("merit DESC"), "number"])
