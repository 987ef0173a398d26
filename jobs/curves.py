"""How good the best of a study was when: its improvements by trials or seconds, and means over several studies."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import frexp, fsum, inf, isfinite, ldexp, sqrt
from statistics import stdev
from typing import Literal

from archsmith.graph.errors import UserError
from archsmith.search.pareto import hypervolume
from archsmith.storage.facts import Study, Trial, TrialState
from archsmith.storage.goals import Objective, covers

Unit = Literal["trials", "seconds"]
"""What is spent: trials that have ended, or seconds of training, added up over all workers."""

Point = tuple[float, ...]
"""The values of a trial, turned so that more is better."""

MARGIN = 0.1
"""How far beyond the worst values the reference point is, as a share of the range: the extremes then count too."""

SETTLED = ("exhausted", "target", "patience")
"""Reasons to end after which more trials would have found nothing, or nothing that was wanted."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over ``studies``, with its standard error if they are more than one."""

    mean: float
    error: float | None
    studies: int


@dataclass(frozen=True, slots=True)
class Step:
    """From here on, after so many trials or seconds, a study's best so far has this value."""

    spent: float
    value: float


@dataclass(frozen=True, slots=True)
class Run:
    """One study: its improvements, and what was ``spent`` on it in all, in the unit of the comparison.

    ``settled`` if it ended because nothing was left to find or to wish for: its best stays what it is. ``best`` is the
    number of its best trial, which several objectives do not have, and ``test`` what that trial measured on the test
    part. ``final`` is None as long as no trial is complete and keeps to the constraints.
    """

    study: int
    name: str
    seed: int
    ended: int
    failed: int
    seconds: float
    spent: float
    settled: bool
    steps: tuple[Step, ...]
    final: float | None
    best: int | None
    test: float | None

    @property
    def reach(self) -> float:
        """How far the best so far is known."""
        return inf if self.settled else self.spent

    def at(self, spent: float) -> float | None:
        """The best so far when that much was spent, if there was one."""
        place = bisect_right(self.steps, spent, key=lambda step: step.spent)
        return self.steps[place - 1].value if place else None


def figure(values: Sequence[float | None]) -> Figure | None:
    """The figure of those values that there are; None if there are none."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    studies, most = len(known), max(map(abs, known))
    if studies == 1 or not isfinite(most):
        return Figure(max(known, key=abs), None, studies)
    scale = ldexp(1.0, frexp(most)[1] - 1)  # a power of two changes no digit, and keeps sums and squares finite
    scaled = [value / scale for value in known]
    return Figure(scale * (fsum(scaled) / studies), scale * (stdev(scaled) / sqrt(studies)), studies)


def run_of(study: Study, trials: Sequence[Trial], unit: Unit, reference: Sequence[float] | None) -> Run:
    """The study by its trials: of several objectives by the hypervolume beyond the ``reference``, as measured."""
    goals = study.spec.objectives
    spent, steps, best = 0.0, [], None
    beyond = None if reference is None else [one.sign * value for one, value in zip(goals, reference, strict=True)]
    front: list[Point] = []
    if beyond is not None:
        steps.append(Step(0.0, 0.0))
    for trial in sorted(trials, key=lambda trial: (_over(trial), trial.number)):
        seconds = trial.result.seconds if trial.result is not None else 0.0
        spent += seconds if unit == "seconds" else trial.state.is_final
        merits = _merits(trial, goals)
        if merits is None or any(covers(other, merits) for other in front):
            continue
        front = [other for other in front if not covers(merits, other)] + [merits]
        best = trial
        value = goals[0].sign * merits[0] if beyond is None else hypervolume(front, beyond)
        if steps and steps[-1].spent == spent:
            steps.pop()
        steps.append(Step(spent, value))
    leading = best if beyond is None else None
    return Run(
        study=study.id,
        name=study.name,
        seed=study.spec.seed,
        ended=study.ended,
        failed=study.failed,
        seconds=fsum(trial.result.seconds for trial in trials if trial.result is not None),
        spent=spent,
        settled=(study.reason or "").partition(":")[0] in SETTLED,
        steps=tuple(steps),
        final=steps[-1].value if steps else None,
        best=leading.number if leading is not None else None,
        test=_tested(leading, goals[0].name) if leading is not None else None,
    )


def reference_of(
    objectives: Sequence[Objective], given: Sequence[float] | None, trials: Mapping[int, Sequence[Trial]]
) -> tuple[float, ...] | None:
    """The values, as measured, that all hypervolumes are beyond; None for a single objective.

    They are the ``given`` ones, else a tenth of the range beyond the worst values of all trials, which are by study.

    Raises:
        UserError: there is not one finite number given for each of several objectives.
    """
    if len(objectives) == 1:
        if given is not None:
            raise UserError(f"a reference is for several objectives; the studies have one ({objectives[0]})")
        return None
    if given is not None:
        if len(given) != len(objectives) or not all(map(isfinite, given)):
            numbers = ", ".join(f"{value:g}" for value in given)
            named = ", ".join(map(str, objectives))
            raise UserError(f"a reference has a number for each objective ({named}); got {numbers or 'none'}")
        return tuple(map(float, given))
    points = [found for one in trials.values() for trial in one if (found := _merits(trial, objectives)) is not None]
    if not points:
        return (0.0,) * len(objectives)
    beyond = []
    for objective, values in zip(objectives, zip(*points, strict=True), strict=True):
        worst, best = min(values), max(values)
        beyond.append(objective.sign * (worst - MARGIN * ((best - worst) or 1.0)))
    return tuple(beyond)


def _merits(trial: Trial, objectives: Sequence[Objective]) -> Point | None:
    """The values of a complete trial that keeps to the constraints, turned so that more is better."""
    result = trial.result
    if trial.state is not TrialState.COMPLETE or result is None or result.violation > 0.0:
        return None
    return tuple(one.sign * value for one, value in zip(objectives, result.values, strict=True))


def _over(trial: Trial) -> datetime:
    """When the training of a trial was over: what waited at a rung was ended later, and not trained meanwhile."""
    seconds = trial.result.seconds if trial.result is not None else 0.0
    trained = trial.started + timedelta(seconds=seconds)
    if trial.finished is None:
        return trained
    return min(trained, trial.finished) if trial.state is TrialState.STOPPED else trial.finished


def _tested(trial: Trial, objective: str) -> float | None:
    """What the trial measured on the test part: the objective itself, else the score of its task."""
    numbers = trial.result.measurement if trial.result is not None else {}
    names = (f"test_{objective.removeprefix('val_')}", "test_accuracy", "test_r2")
    found = (numbers.get(name) for name in names)
    return next((number for number in found if isinstance(number, int | float) and isfinite(number)), None)
