"""The first tables: graphs, studies and their trials, campaigns and their findings, events.

A migration stays as it was written: it names plain column types, so changes of ``tables`` cannot alter it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "archsmith_store",
        sa.Column("id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("program", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_archsmith_store"),
    )
    op.create_table(
        "graph",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_graph"),
    )
    op.create_table(
        "event",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_subject", "event", ["subject", "id"])
    _create_study()
    _create_trial()
    _create_campaign()
    _create_finding()


def _create_study() -> None:
    op.create_table(
        "study",
        *_job_columns(),
        sa.Column("space", sa.Text, nullable=False),
        sa.Column("space_source", sa.Text),
        sa.Column("space_text", sa.Text, nullable=False),
        sa.Column("space_digest", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("searcher", sa.Text, nullable=False),
        sa.Column("seed", WHOLE, nullable=False),
        sa.Column("trials", WHOLE, nullable=False),
        sa.Column("objective", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_study"),
        sa.UniqueConstraint("name", name="uq_study_name"),
    )


def _create_trial() -> None:
    op.create_table(
        "trial",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("study_id", WHOLE, nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("trace", sa.Text, nullable=False),
        sa.Column("graph", sa.Text, nullable=False),
        sa.Column("attempt", WHOLE, nullable=False),
        sa.Column("started", TIME, nullable=False),
        sa.Column("finished", TIME),
        sa.Column("value", sa.Double),
        sa.Column("measurement", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("seconds", sa.Double),
        sa.Column("reused_from", WHOLE),
        sa.Column("weights", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_trial"),
        sa.UniqueConstraint("study_id", "number", name="uq_trial_study_id_number"),
        sa.CheckConstraint("(value IS NOT NULL) = (state = 'complete')", name=op.f("ck_trial_value")),
        sa.CheckConstraint("(finished IS NULL) = (state = 'running')", name=op.f("ck_trial_finished")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_trial_study_id"),
        sa.ForeignKeyConstraint(["graph"], ["graph.digest"], name="fk_trial_graph"),
        sa.ForeignKeyConstraint(
            ["study_id", "reused_from"],
            ["trial.study_id", "trial.number"],
            name="fk_trial_study_id_reused_from",
        ),
    )
    op.create_index("ix_trial_state", "trial", ["study_id", "state", "number", "value"])
    op.create_index("ix_trial_value", "trial", ["study_id", sa.literal_column("value DESC"), "number"])
    op.create_index("ix_trial_graph", "trial", ["study_id", "graph", "state", "number"])
    op.create_table(
        "epoch",
        sa.Column("trial_id", WHOLE, nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("metrics", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("trial_id", "number", name="pk_epoch"),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_epoch_trial_id"),
        sqlite_with_rowid=False,
    )


def _create_campaign() -> None:
    op.create_table(
        "campaign",
        *_job_columns(),
        sa.Column("seed", WHOLE, nullable=False),
        sa.Column("oracles", sa.Text, nullable=False),
        sa.Column("minutes", sa.Double),
        sa.Column("cases", WHOLE),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("versions", sa.Text, nullable=False),
        sa.Column("next_case", WHOLE, nullable=False),
        sa.Column("beyond", sa.Text, nullable=False),
        sa.Column("counters", sa.Text, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("advanced", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
        sa.UniqueConstraint("name", name="uq_campaign_name"),
    )


def _create_finding() -> None:
    op.create_table(
        "finding",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("campaign_id", WHOLE, nullable=False),
        sa.Column("found", TIME, nullable=False),
        sa.Column("hits", WHOLE, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("bucket", sa.Text, nullable=False),
        sa.Column("oracle", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("graph", sa.Text, nullable=False),
        sa.Column("case_number", WHOLE, nullable=False),
        sa.Column("replay", sa.Text, nullable=False),
        sa.Column("script", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
        sa.UniqueConstraint("campaign_id", "bucket", name="uq_finding_campaign_id_bucket"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name="fk_finding_campaign_id"),
        sa.ForeignKeyConstraint(["graph"], ["graph.digest"], name="fk_finding_graph"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_finding_campaign", "finding", ["campaign_id", "id"])
    op.create_index("ix_finding_state", "finding", ["state", "id"])
    op.create_index("ix_finding_campaign_state", "finding", ["campaign_id", "state", "id"])
    op.create_table(
        "hit",
        sa.Column("finding_id", WHOLE, nullable=False),
        sa.Column("case_number", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("finding_id", "case_number", name="pk_hit"),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name="fk_hit_finding_id"),
        sqlite_with_rowid=False,
    )


def _job_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("driver", sa.Text),
        sa.Column("lease_until", TIME),
        sa.Column("created", TIME, nullable=False),
        sa.Column("finished", TIME),
    ]
