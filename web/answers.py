"""The shapes of the JSON API's answers that are not facts of the store as they are."""

from dataclasses import dataclass, fields
from datetime import datetime

from archsmith.storage.facts import (
    Campaign,
    CurvePoint,
    Finding,
    JobState,
    Json,
    Study,
    Trial,
    TrialResult,
    TrialState,
    Valued,
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no answer."""

    detail: str


@dataclass(frozen=True, slots=True)
class StudyRow:
    """A study in a list: its numbers, without the text of its space."""

    id: int
    name: str
    state: JobState
    space: str
    task: str
    searcher: str
    objectives: list[str]
    constraints: list[str]
    created: datetime
    finished: datetime | None
    trials: int
    counts: dict[str, int]
    best_number: int | None
    best_value: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class StudyPage:
    """Studies, newest first; ``next`` is the ``before`` of the next page."""

    items: list[StudyRow]
    next: int | None


@dataclass(frozen=True, slots=True)
class TrialAnswer:
    """A trial, its state as it reads now: "interrupted" where it never ended and its study does not run any more."""

    id: int
    study: int
    number: int
    state: str
    trace: Json
    graph: str
    attempt: int
    started: datetime
    finished: datetime | None
    result: TrialResult | None
    bracket: int | None
    until: int | None
    reached: int
    checkpoint: str | None


@dataclass(frozen=True, slots=True)
class TrialPage:
    """Trials; ``next`` is the ``after`` of the next page."""

    items: list[TrialAnswer]
    next: int | None


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """Campaigns, newest first; ``next`` is the ``before`` of the next page."""

    items: list[Campaign]
    next: int | None


@dataclass(frozen=True, slots=True)
class FindingPage:
    """Findings, newest first; ``next`` is the ``before`` of the next page."""

    items: list[Finding]
    next: int | None


@dataclass(frozen=True, slots=True)
class FailedTrial:
    """A trial that ended without a value."""

    number: int
    state: TrialState


@dataclass(frozen=True, slots=True)
class Curve:
    """Values of the complete trials with the best so far, and the trials that have no value."""

    objective: str
    points: list[CurvePoint]
    failed: list[FailedTrial]


@dataclass(frozen=True, slots=True)
class Values:
    """The complete trials by their values, one for each of the objectives, which are ``max:NAME`` or ``min:NAME``.

    Those that keep to the constraints come first, the best by the first objective first; all of the front are there.
    """

    objectives: list[str]
    points: list[Valued]


@dataclass(frozen=True, slots=True)
class EpochRow:
    """The metrics after an epoch; a number that is not finite is a string."""

    number: int
    metrics: dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Version:
    """A name for what a page shows: it changes when the page would."""

    version: str


def trial_answer(study: Study, trial: Trial) -> TrialAnswer:
    """The trial as it reads in its study."""
    kept = {field.name: getattr(trial, field.name) for field in fields(trial)}
    return TrialAnswer(**(kept | {"state": study.shown(trial)}))


def study_row(study: Study) -> StudyRow:
    """The study as a row of a list."""
    spec = study.spec
    return StudyRow(
        study.id,
        study.name,
        study.state,
        spec.space,
        spec.task,
        spec.searcher,
        list(map(str, spec.objectives)),
        list(map(str, spec.constraints)),
        study.created,
        study.finished,
        spec.trials,
        {state.value: count for state, count in study.counts.items()},
        study.best_number,
        study.best_value,
        study.reason,
    )
