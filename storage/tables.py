"""The tables. Rows never leave the store; ``facts`` is what the other rooms see.

Every index serves a query of a repository, and no query of a repository reads a table from end to end.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from archsmith.storage.columns import Finite, JsonText, UtcTime, Whole, Words


class Row(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcTime(),
        float: Finite(),
        int: Whole(),
        str: Words(),
        Mapping[str, Any]: JsonText(),
        tuple[str, ...]: JsonText(),
        tuple[int, ...]: JsonText(),
        tuple[float, ...]: JsonText(),
        tuple[Any, ...]: JsonText(),
    }


class JobColumns:
    """What a study and a campaign have in common: a name, and a driver who holds it by a lease."""

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-1)
    name: Mapped[str] = mapped_column(unique=True, sort_order=-1)
    state: Mapped[str] = mapped_column(sort_order=-1)
    driver: Mapped[str | None] = mapped_column(sort_order=-1)
    lease_until: Mapped[datetime | None] = mapped_column(sort_order=-1)
    created: Mapped[datetime] = mapped_column(sort_order=-1)
    finished: Mapped[datetime | None] = mapped_column(sort_order=-1)


class StoreRow(Row):
    """One row, which says that this database is ours."""

    __tablename__ = "archsmith_store"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created: Mapped[datetime]
    program: Mapped[str]


class GraphRow(Row):
    __tablename__ = "graph"

    digest: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]


class StudyRow(JobColumns, Row):
    __tablename__ = "study"

    space: Mapped[str]
    space_source: Mapped[str | None]
    space_text: Mapped[str]
    space_digest: Mapped[str]
    task: Mapped[str]
    searcher: Mapped[str]
    seed: Mapped[int]
    trials: Mapped[int]
    objectives: Mapped[tuple[Any, ...]]
    constraints: Mapped[tuple[Any, ...]]
    settings: Mapped[Mapping[str, Any]]
    reason: Mapped[str | None]


class TrialRow(Row):
    """``value`` is as it was measured; ``merit``, of complete trials only, is the larger the better it is."""

    __tablename__ = "trial"
    __table_args__ = (
        UniqueConstraint("study_id", "number"),
        ForeignKeyConstraint(["study_id", "reused_from"], ["trial.study_id", "trial.number"]),
        CheckConstraint("(merit IS NOT NULL) = (state = 'complete')", name="merit"),
        CheckConstraint("merit IS NULL OR (value IS NOT NULL AND violation IS NOT NULL)", name="value"),
        CheckConstraint("(finished IS NULL) = (state IN ('running', 'paused'))", name="finished"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    number: Mapped[int]
    state: Mapped[str]
    trace: Mapped[Mapping[str, Any]]
    graph: Mapped[str] = mapped_column(ForeignKey("graph.digest"))
    attempt: Mapped[int]
    started: Mapped[datetime]
    finished: Mapped[datetime | None]
    value: Mapped[float | None]
    measurement: Mapped[Mapping[str, Any] | None]
    reason: Mapped[str | None]
    seconds: Mapped[float | None]
    reused_from: Mapped[int | None]
    weights: Mapped[str | None]
    others: Mapped[tuple[float, ...] | None]
    violation: Mapped[float | None]
    merit: Mapped[float | None]
    bracket: Mapped[int | None]
    until: Mapped[int | None]
    reached: Mapped[int | None]
    checkpoint: Mapped[str | None]


Index("ix_trial_state", TrialRow.study_id, TrialRow.state, TrialRow.number, TrialRow.value, TrialRow.violation)
Index("ix_trial_merit", TrialRow.study_id, TrialRow.violation, TrialRow.merit.desc(), TrialRow.number)
Index("ix_trial_graph", TrialRow.study_id, TrialRow.graph, TrialRow.state, TrialRow.number)


class EpochRow(Row):
    __tablename__ = "epoch"
    __table_args__ = {"sqlite_with_rowid": False}

    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    metrics: Mapped[Mapping[str, Any]]


class CampaignRow(JobColumns, Row):
    __tablename__ = "campaign"

    seed: Mapped[int]
    oracles: Mapped[tuple[str, ...]]
    minutes: Mapped[float | None]
    cases: Mapped[int | None]
    settings: Mapped[Mapping[str, Any]]
    versions: Mapped[Mapping[str, Any]]
    next_case: Mapped[int]
    beyond: Mapped[tuple[int, ...]]
    counters: Mapped[Mapping[str, Any]]
    seconds: Mapped[float]
    advanced: Mapped[datetime | None]


class FindingRow(Row):
    __tablename__ = "finding"
    __table_args__ = (UniqueConstraint("campaign_id", "bucket"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    found: Mapped[datetime]
    hits: Mapped[int]
    state: Mapped[str]
    bucket: Mapped[str]
    oracle: Mapped[str]
    kind: Mapped[str]
    place: Mapped[str]
    summary: Mapped[str]
    detail: Mapped[str]
    graph: Mapped[str] = mapped_column(ForeignKey("graph.digest"))
    case_number: Mapped[int]
    replay: Mapped[Mapping[str, Any]]
    script: Mapped[str]


Index("ix_finding_campaign", FindingRow.campaign_id, FindingRow.id)
Index("ix_finding_state", FindingRow.state, FindingRow.id)
Index("ix_finding_campaign_state", FindingRow.campaign_id, FindingRow.state, FindingRow.id)


class HitRow(Row):
    """One failing case of a finding: kept, so that a case which is run again after a kill counts once."""

    __tablename__ = "hit"
    __table_args__ = {"sqlite_with_rowid": False}

    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id"), primary_key=True)
    case_number: Mapped[int] = mapped_column(primary_key=True)


class CallRow(Row):
    """An operator's call that was observed, once; ``digest`` is of all but its source."""

    __tablename__ = "call"
    __table_args__ = {"sqlite_with_rowid": False}

    digest: Mapped[str] = mapped_column(primary_key=True)
    torch: Mapped[str]
    operator: Mapped[str]
    source: Mapped[str]
    document: Mapped[Mapping[str, Any]]


Index("ix_call_operator", CallRow.torch, CallRow.operator, CallRow.digest)


class InferenceRow(Row):
    __tablename__ = "inference"
    __table_args__ = {"sqlite_with_rowid": False}

    torch: Mapped[str] = mapped_column(primary_key=True)
    operator: Mapped[str] = mapped_column(primary_key=True)
    evidence: Mapped[str]
    rules: Mapped[int]
    document: Mapped[Mapping[str, Any]]
    seconds: Mapped[float]
    finished: Mapped[datetime]


class EventRow(Row):
    __tablename__ = "event"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    subject: Mapped[str]
    payload: Mapped[Mapping[str, Any]]


Index("ix_event_subject", EventRow.subject, EventRow.id)
