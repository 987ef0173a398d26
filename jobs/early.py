"""Early stopping: at every epoch that a trial reports, whether it is worth going on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from inspect import Parameter, signature
from math import isfinite

from archsmith.evaluate.evaluator import Evaluator
from archsmith.evaluate.task import Task
from archsmith.evaluate.tasks import Score
from archsmith.graph.errors import UserError
from archsmith.jobs.named import Named
from archsmith.jobs.objectives import Goals
from archsmith.jobs.rungs import check_comparable, full_epochs
from archsmith.search.early import RULES, StoppingRule, make_rule
from archsmith.search.optuna_pruner import PRUNERS, PrunerRule
from archsmith.storage.facts import Epoch, Json, StudySpec

OPTUNA = "optuna-"
"""What stands before the name of a pruner of Optuna's."""

MADE_HERE = ("wrapped_pruner",)
"""What a pruner needs and is given without being asked for."""

EXAMPLES = {"float": "25.0", "int": "3"}
"""A value of each type, for a message that says what an option may look like."""


@dataclass(slots=True)
class EarlyStops:
    """A rule for trainings of so many ``epochs``, and the curves of the first objective that it compares, by trial."""

    rule: StoppingRule
    epochs: int
    goals: Goals
    _curves: dict[int, list[float]] = field(default_factory=dict)

    @staticmethod
    def of(spec: StudySpec, goals: Goals) -> "EarlyStops | None":
        """That of a study, if it has one."""
        named = Named.of(spec.settings, "stop_early")
        if named is None:
            return None
        epochs = full_epochs(named.name, spec.settings["training"])
        return EarlyStops(_rule(named, epochs), epochs, goals)

    def note(self, number: int, epochs: Sequence[Epoch]) -> None:
        """Take notice of what a trial has reported so far."""
        if epochs:
            self._curves[number] = self._curve(epochs)

    def stops(self, number: int, epochs: Sequence[Epoch]) -> bool:
        """Whether the trial, which has reported these epochs, is to be stopped now; never after its last one."""
        self.note(number, epochs)
        curve = self._curves.get(number, [])
        if len(epochs) >= self.epochs:
            return False
        others = [self._curves[other] for other in sorted(self._curves) if other != number]
        return all(map(isfinite, curve)) and self.rule.stops(curve, others)

    def _curve(self, epochs: Sequence[Epoch]) -> list[float]:
        first = self.goals.first
        return [first.sign * float(epoch.metrics[first.name]) for epoch in epochs if first.name in epoch.metrics]


def check_rule(
    named: Named, task: Task | Evaluator | Score, goals: Goals, training: Json, recipe: Iterable[str]
) -> None:
    """``UserError`` unless there is such a rule, and trials report after each epoch what it goes by."""
    what = f"stopping early by {named.name}"
    check_comparable(what, task, goals)
    _rule(named, full_epochs(what, training, recipe))


def _rule(named: Named, epochs: int) -> StoppingRule:
    """One of archsmith's own, or ``optuna-NAME``, a pruner of Optuna's."""
    if named.name.startswith(OPTUNA):
        return _pruner(named, epochs)
    if named.name not in RULES:
        raise UserError(
            f"early stopping must be one of {', '.join(sorted(RULES))} and {OPTUNA}NAME "
            f"(NAME: {', '.join(sorted(PRUNERS))}); got {named.name!r}"
        )
    return make_rule(named.name, epochs=epochs, **named.options)


def _pruner(named: Named, epochs: int) -> StoppingRule:
    name = named.name.removeprefix(OPTUNA)
    if name not in PRUNERS:
        raise UserError(f"{OPTUNA}NAME takes one of {', '.join(sorted(PRUNERS))} as its NAME; got {named.name!r}")
    try:
        return PrunerRule(epochs=epochs, pruner=name, options=named.options)
    except UserError as error:
        wrong = _misfits(name, named) if isinstance(error.__cause__, TypeError) else None
        raise UserError(f"{named.name} {wrong}" if wrong is not None else str(error)) from error


def _misfits(name: str, named: Named) -> str | None:
    """Which options the pruner's class does not have, or has to be given; None if there are none of either."""
    takes = signature(getattr(import_module("optuna.pruners"), PRUNERS[name])).parameters
    own = [option for option in takes if option not in MADE_HERE]
    unknown = [option for option in named.options if option not in own]
    if unknown:
        return f"takes the options {', '.join(own)}; got {', '.join(unknown)}"
    missing = [option for option in own if takes[option].default is Parameter.empty and option not in named.options]
    if not missing:
        return None
    example = ",".join(f"{option}={EXAMPLES.get(str(takes[option].annotation), '...')}" for option in missing)
    return f"needs {', '.join(missing)}: give {named.name}:{example}"
