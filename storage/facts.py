"""What the store keeps, as frozen values: studies, trials, campaigns, findings, events.

These types are the store's whole vocabulary towards the other rooms: its methods take and return them, and no
database row is ever seen outside ``storage``. All times are timezone-aware UTC. A mapping in a fact is JSON:
string keys, and values that are strings, numbers, booleans, None, lists or mappings of the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from archsmith.storage.goals import Constraint, Objective

Json = Mapping[str, Any]


class JobState(StrEnum):
    """The state of a study or campaign as the store sees it at a given moment.

    ``INTERRUPTED`` is never written: it is how a job reads whose driver said "running" and whose lease has
    lapsed, so nothing stays "running" for ever after a kill.
    """

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    FINISHED = "finished"


class TrialState(StrEnum):
    """How a trial stands; every state but ``RUNNING`` and ``PAUSED`` is final.

    A trial is paused that has reached a rung and may be trained further; one that never will be is stopped early.
    """

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETE = "complete"
    RAISED = "raised"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    NOT_FINITE = "not finite"
    STOPPED = "stopped early"

    @property
    def is_final(self) -> bool:
        """Whether the trial has ended."""
        return self not in (TrialState.RUNNING, TrialState.PAUSED)

    @property
    def is_failure(self) -> bool:
        """Whether it has ended without being measured."""
        return self.is_final and self not in (TrialState.COMPLETE, TrialState.STOPPED)


@dataclass(frozen=True, slots=True)
class StudySpec:
    """What a study was asked to do: enough to run it again and to resume it.

    ``space`` is the SPACE argument as given; ``space_source`` the text of its file at creation (None for a
    space that came by module or catalogue name); ``space_text`` the printed tree; ``space_digest`` the digest
    of that text. ``task`` is a task name or ``module:name``; ``searcher`` a searcher name; ``settings`` the
    training settings (epochs, batch size, learning rate, limits...) and the searcher's options, as JSON, and
    what else was asked for: "stopping", "fidelity", "stop_early", "screen", "inherit".
    """

    space: str
    space_source: str | None
    space_text: str
    space_digest: str
    task: str
    searcher: str
    seed: int
    trials: int
    objectives: tuple[Objective, ...] = (Objective("val_accuracy"),)
    constraints: tuple[Constraint, ...] = ()
    settings: Json = field(default_factory=dict)

    @property
    def objective(self) -> str:
        """The name of the first objective."""
        return self.objectives[0].name


@dataclass(frozen=True, slots=True)
class Study:
    """A study with its counts.

    ``best`` is the number and value of the complete trial that is best by the first objective among those that keep
    to the constraints; ``reason`` says why a finished study has ended.
    """

    id: int
    name: str
    spec: StudySpec
    state: JobState
    created: datetime
    finished: datetime | None
    driver: str | None
    lease_until: datetime | None
    counts: Mapping[TrialState, int]
    best_number: int | None
    best_value: float | None
    reason: str | None = None

    @property
    def ended(self) -> int:
        """How many trials have ended, well or badly."""
        return sum(count for state, count in self.counts.items() if state.is_final)

    @property
    def failed(self) -> int:
        """How many trials have ended without being measured."""
        return sum(count for state, count in self.counts.items() if state.is_failure)

    def shown(self, trial: "Trial") -> str:
        """How a trial of this study reads to people: an unended one is running only while the study is."""
        lost = trial.state is TrialState.RUNNING and self.state is not JobState.RUNNING
        return "interrupted" if lost else trial.state.value


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What came of a trial: at its end, or at the rung that it reached last.

    ``value`` is that of the first objective and ``others`` those of the other ones, as they were measured, whatever
    their directions; a failed trial has none, nor need one that was stopped early. ``violation`` says by how much it
    breaks the study's constraints. ``measurement`` holds
    every final number (test_accuracy, parameters, macs, seconds...). ``reason`` says why a trial is not
    COMPLETE. ``reused_from`` is the number of the trial whose measurement was taken because the architecture
    and the recipe were the same. ``weights`` is the content-addressed name of the trained weights file, if kept.
    """

    state: TrialState
    value: float | None
    measurement: Json = field(default_factory=dict)
    reason: str | None = None
    seconds: float = 0.0
    reused_from: int | None = None
    weights: str | None = None
    others: tuple[float, ...] = ()
    violation: float = 0.0

    @property
    def values(self) -> tuple[float, ...]:
        """That of each objective; nothing if there are none."""
        return () if self.value is None else (self.value, *self.others)


@dataclass(frozen=True, slots=True)
class Epoch:
    """The metrics reported at the end of one epoch (numbered from 1) of a trial."""

    number: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Trial:
    """One numbered trial of a study; ``trace`` maps decision names to answers, ``graph`` is a digest.

    One that is trained rung by rung belongs to a ``bracket``, runs ``until`` that many epochs in all, has ``reached``
    as many at its last rung, where it left the file ``checkpoint``; ``result`` is then what came of it there.
    """

    id: int
    study: int
    number: int
    state: TrialState
    trace: Json
    graph: str
    attempt: int
    started: datetime
    finished: datetime | None
    result: TrialResult | None
    bracket: int | None = None
    until: int | None = None
    reached: int = 0
    checkpoint: str | None = None


@dataclass(frozen=True, slots=True)
class CampaignSpec:
    """What a campaign was asked to do.

    Case n is made from (seed, n) alone, so a campaign can be resumed and replayed. ``minutes`` and
    ``cases`` bound the campaign (None: unbounded by that); ``settings`` holds the generator's and the
    sandbox's limits; ``versions`` names the PyTorch under test.
    """

    seed: int
    oracles: tuple[str, ...]
    minutes: float | None = None
    cases: int | None = None
    settings: Json = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a campaign has done: all cases below ``next_case`` and those in ``beyond`` are finished.

    ``counters`` are sums over finished cases (cases, ran, rejected, failures, and per-operator or per-stage
    counts as nested mappings of numbers); ``seconds`` is driver time spent, over all sittings.
    """

    next_case: int = 0
    beyond: tuple[int, ...] = ()
    counters: Json = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign with its progress and the number of its distinct findings (buckets).

    ``advanced`` is when its driver last told of progress.
    """

    id: int
    name: str
    spec: CampaignSpec
    state: JobState
    created: datetime
    finished: datetime | None
    driver: str | None
    lease_until: datetime | None
    progress: Progress
    findings: int
    advanced: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewFinding:
    """A failure on its way into the store.

    ``bucket`` decides whether it is a new finding or one more hit of a known one; ``kind`` is e.g.
    "wrong value", "wrong stride", "exception", "crash", "hang"; ``oracle`` who saw it; ``where`` the
    normalised place; ``detail`` the full message; ``case`` the replayable case as JSON; ``script`` the
    standalone reproducer; ``graph`` a digest.
    """

    bucket: str
    oracle: str
    kind: str
    where: str
    summary: str
    detail: str
    graph: str
    case_number: int
    case: Json
    script: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A bucket of the same failure within a campaign, with its first case and how often it was hit."""

    id: int
    campaign: int
    found: datetime
    hits: int
    state: str
    content: NewFinding


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; ``subject`` is e.g. "study/3" or "campaign/1"."""

    id: int
    at: datetime
    kind: str
    subject: str
    payload: Json


@dataclass(frozen=True, slots=True)
class Valued:
    """A complete trial by its values, one for each objective.

    It is on the ``front`` if it keeps to the constraints and no other trial beats it.
    """

    number: int
    values: tuple[float, ...]
    violation: float
    front: bool


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One complete trial of a study on its best-so-far curve; ``best`` is None before one keeps to the constraints."""

    number: int
    value: float
    best: float | None


@dataclass(frozen=True, slots=True)
class NewCall:
    """An operator's call that was observed: ``document`` is the call and what came of it, as JSON.

    ``torch`` is the version of PyTorch that was called, ``source`` where the call was seen.
    """

    operator: str
    torch: str
    source: str
    document: Json


@dataclass(frozen=True, slots=True)
class Inference:
    """What was inferred from the calls of an operator: ``rules`` counts the rules in ``document``.

    ``evidence`` identifies the calls, and with what settings they were learned from: what is inferred from the same
    again is the same. ``seconds`` of work it took.
    """

    operator: str
    torch: str
    evidence: str
    rules: int
    document: Json
    seconds: float
