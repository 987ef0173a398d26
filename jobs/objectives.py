"""What a study wants of its trials: which numbers it asks for, and how it judges them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from archsmith.evaluate.evaluator import Evaluator
from archsmith.evaluate.proxies import METRICS
from archsmith.evaluate.score import VALUE
from archsmith.evaluate.task import Task
from archsmith.evaluate.tasks import Score
from archsmith.graph.errors import UserError
from archsmith.search.searcher import Values
from archsmith.search.searchers import MULTI_OBJECTIVE
from archsmith.storage.facts import StudySpec, TrialResult
from archsmith.storage.goals import Constraint, Objective

LEARNT = ("train_loss", "seconds")
"""What a training reports beside its score on the validation part."""

COUNTED = ("parameters", "macs")
"""What a training reports of every network, without being asked."""


class NotReported(Exception):
    """A measurement lacks a number that the study is about."""


class NotANumber(Exception):
    """A number that the study is about is NaN or infinite."""


@dataclass(frozen=True, slots=True)
class Goals:
    """The objectives and constraints of a study; ``own`` where a user's measure gives the numbers, not a training."""

    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    own: bool

    @staticmethod
    def of(spec: StudySpec, task: Task | Evaluator | Score) -> "Goals":
        """Those that a study has."""
        return Goals(spec.objectives, spec.constraints, not isinstance(task, Task))

    @property
    def first(self) -> Objective:
        """The objective by which trials are ranked where one number must do."""
        return self.objectives[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The numbers that the goals are about, each once."""
        return tuple(dict.fromkeys([*(one.name for one in self.objectives), *(one.name for one in self.constraints)]))

    @property
    def trains(self) -> bool:
        """Whether a network has to be trained, or shown to the user's own measure, to be judged."""
        return any(name not in METRICS for name in self.names)

    @property
    def extras(self) -> list[str]:
        """What has to be measured beside what a training reports anyhow."""
        given = COUNTED if self.trains and not self.own else ()
        return [name for name in self.names if name in METRICS and name not in given]

    def judge(self, numbers: Mapping[str, float]) -> tuple[tuple[float, ...], float]:
        """The value of each objective, as measured, and by how much the constraints are broken.

        Raises:
            NotReported: one of the numbers is missing.
            NotANumber: one of them is NaN or infinite.
        """
        missing = [name for name in self.names if name not in numbers]
        if missing:
            raise NotReported(f"no {' and no '.join(missing)} was measured, only {', '.join(sorted(numbers))}")
        for name in self.names:
            if not isfinite(numbers[name]):
                raise NotANumber(f"{name} is {numbers[name]}")
        values = tuple(float(numbers[objective.name]) for objective in self.objectives)
        return values, sum(constraint.violation(numbers[constraint.name]) for constraint in self.constraints)

    def judge_known(self, numbers: Mapping[str, float]) -> tuple[tuple[float, ...], float]:
        """The same as far as the numbers go: without all objectives the first alone, without unknown constraints.

        Raises:
            NotReported: the first objective is missing.
            NotANumber: one of the numbers is NaN or infinite.
        """
        known = all(objective.name in numbers for objective in self.objectives)
        objectives = self.objectives if known else self.objectives[:1]
        constraints = tuple(one for one in self.constraints if one.name in numbers)
        return Goals(objectives, constraints, self.own).judge(numbers)

    def merits(self, result: TrialResult) -> tuple[float, ...] | None:
        """The values of all objectives, turned so that more is better; None if the trial does not have them all."""
        if len(result.values) != len(self.objectives):
            return None
        return tuple(one.sign * value for one, value in zip(self.objectives, result.values, strict=True))

    def told(self, result: TrialResult) -> Values:
        """What a searcher is told of a trial: a number, or one for each objective."""
        merits = self.merits(result)
        return merits[0] if merits is not None and len(merits) == 1 else merits


def read_goals(
    objectives: str | Sequence[str], constraints: str | Sequence[str], task: Task | Evaluator | Score
) -> Goals:
    """The goals that a person asked for, each a string; the task's own objective, if they name none.

    Raises:
        UserError: one makes no sense, is there twice, or is about what the task cannot measure.
    """
    default = task.objective if isinstance(task, Task) else VALUE
    wanted = tuple(map(Objective.parse, _each(objectives) or (default,)))
    goals = Goals(wanted, tuple(map(Constraint.parse, _each(constraints))), not isinstance(task, Task))
    twice = {one.name for i, one in enumerate(wanted) if one.name in [other.name for other in wanted[:i]]}
    if twice:
        raise UserError(f"each objective is named once; got {', '.join(sorted(twice))} twice")
    for name in goals.names:
        _check_known(name, task)
    return goals


def _each(given: str | Sequence[str]) -> Sequence[str]:
    """A string is one goal, not as many as it has letters."""
    return (given,) if isinstance(given, str) else given


def check_searcher(searcher: str, goals: Goals) -> None:
    """``UserError`` if the searcher is for one objective and the study has several."""
    if len(goals.objectives) > 1 and searcher not in MULTI_OBJECTIVE:
        named = ", ".join(one.name for one in goals.objectives)
        raise UserError(
            f"searcher {searcher} is for one objective, and the study has {len(goals.objectives)} ({named}); "
            f"use {', '.join(sorted(MULTI_OBJECTIVE))}, or make all but one of them constraints"
        )


def _check_known(name: str, task: Task | Evaluator | Score) -> None:
    if name.startswith("test_") and isinstance(task, Task):
        raise UserError(f"a study is never led by the test part of its data; got {name}: use {task.objective}")
    if isinstance(task, Task) and name not in (task.objective, *LEARNT, *COUNTED, *METRICS):
        known = dict.fromkeys((task.objective, *LEARNT, *COUNTED, *METRICS))
        raise UserError(f"a goal of task {task.name} must be one of {', '.join(known)}; got {name}")
