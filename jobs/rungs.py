"""The rungs of a study with several fidelities: which trial is trained next, and how far."""

from collections.abc import Iterable
from dataclasses import dataclass

from archsmith.evaluate.evaluator import Evaluator
from archsmith.evaluate.task import Task
from archsmith.evaluate.tasks import Score
from archsmith.graph.errors import UserError
from archsmith.jobs.named import Named
from archsmith.jobs.objectives import Goals
from archsmith.search.fidelity import Fidelity, Promote, Run, RunState, Start, Wait
from archsmith.search.halving import make_fidelity
from archsmith.storage.facts import Json, StudySpec, Trial, TrialState

_STATES = {TrialState.RUNNING: RunState.RUNNING, TrialState.PAUSED: RunState.PAUSED}


@dataclass(frozen=True, slots=True)
class Rungs:
    """What divides the epochs of a study, of which a full training has ``epochs``."""

    fidelity: Fidelity
    epochs: int
    goals: Goals

    @staticmethod
    def of(spec: StudySpec, goals: Goals) -> "Rungs | None":
        """Those of a study, if it has any."""
        named = Named.of(spec.settings, "fidelity")
        if named is None:
            return None
        epochs = full_epochs(named.name, spec.settings["training"])
        return Rungs(make_fidelity(named.name, epochs=epochs, **named.options), epochs, goals)

    def next(self, trials: Iterable[Trial], *, may_start: bool) -> Start | Promote | Wait:
        """What a free worker should do."""
        return self.fidelity.next([self._run(trial) for trial in trials], may_start=may_start)

    def _run(self, trial: Trial) -> Run:
        result = trial.result
        merits = self.goals.merits(result) if result is not None else None
        value = merits[0] if merits is not None else None
        state = _STATES.get(trial.state, RunState.ENDED)
        epochs = self.epochs if trial.state is TrialState.COMPLETE else trial.reached
        return Run(trial.number, trial.bracket or 0, epochs, value, state)


def check_fidelity(
    named: Named, task: Task | Evaluator | Score, goals: Goals, training: Json, recipe: Iterable[str]
) -> None:
    """``UserError`` unless there is such a fidelity, and trials can be compared after the epochs of its rungs."""
    what = f"fidelity {named.name}"
    check_comparable(what, task, goals)
    make_fidelity(named.name, epochs=full_epochs(what, training, recipe), **named.options)


def full_epochs(what: str, training: Json, recipe: Iterable[str] = ()) -> int:
    """The epochs of every trial's full training (``UserError`` if they are not the same, or are not given so)."""
    varied = sorted({"epochs", "steps"} & set(recipe))
    if varied or training["epochs"] is None:
        said = f"the recipe varies {', '.join(varied)}" if varied else "steps are given"
        raise UserError(f"{what} needs a training of so many epochs, the same for every trial; {said}")
    epochs: int = training["epochs"]
    return epochs


def check_comparable(what: str, task: Task | Evaluator | Score, goals: Goals | None = None) -> None:
    """``UserError`` unless ``what`` is possible: networks are trained, towards goals that show after each epoch."""
    if not isinstance(task, Task):
        raise UserError(f"{what} is for tasks that networks are trained on; the study has a measure of its own")
    if goals is not None and goals.first.name not in (task.objective, "train_loss"):
        raise UserError(
            f"{what} compares trials by their first objective after an epoch: that must be {task.objective} or "
            f"train_loss; got {goals.first.name}"
        )
