"""What a study's sandbox calls: one architecture in, one measurement out, both as JSON."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from operator import index
from pathlib import Path
from typing import Any, SupportsIndex

from archsmith.evaluate.checkpoint import Rung
from archsmith.evaluate.evaluator import (
    MEASURED,
    NOT_WRITTEN,
    PAUSED,
    Evaluator,
    NotFinite,
    NotWritten,
)
from archsmith.evaluate.inheritance import Parent
from archsmith.evaluate.proxies import measure_metrics
from archsmith.evaluate.recipe import takes_recipe
from archsmith.evaluate.score import ScoreEvaluator, measurement_of, plain
from archsmith.evaluate.settings import TrainingSettings, with_recipe
from archsmith.evaluate.task import Task
from archsmith.evaluate.tasks import Score, load_task
from archsmith.evaluate.training import TrainingEvaluator
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.text import from_json
from archsmith.runtime.job import Json

LAST_EPOCH = (1 << 31) - 1
"""The largest number of an epoch that every database holds."""


def measure(payload: Json, report: Callable[[Json], None]) -> Json:
    """Measure one architecture.

    ``payload`` is ``{"graph": text, "task": str, "settings": {...}, "seed": int}``. It may also have

    - ``"recipe"``, whose values take the place of a training's settings and which a user's own measure is given as it
      is, and ``"weights"``, the path to keep them at when a training is complete;
    - ``"until"``, ``"checkpoint"`` and ``"resume"``: a rung to stop at, the path to keep the training at and the one
      to go on from, see ``Rung``;
    - ``"parent"``: ``{"graph": text, "weights": path}`` of the network whose weights this one begins with;
    - ``"metrics"``: names of ``archsmith.evaluate.proxies.METRICS`` to be measured too, and ``"train": false``, which
      leaves it at them.

    Every epoch is reported as ``{"epoch": n, "metrics": {...}}``. What returns is ``{"state": "complete",
    "value": float, "metrics": {...}}``, of a training with the ``"epochs"`` that it had; the same under ``PAUSED`` if
    it stopped at a rung; and under ``MEASURED``, with null for the value, if nothing was trained. Or a ``"reason"``
    under the state "not finite", or under ``NOT_WRITTEN`` where the network was trained and its weights or checkpoint
    could not be kept. All other failures raise: a ``BadCheckpoint`` where beginning anew would help.
    """
    task, graph = _task(payload["task"]), from_json(payload["graph"])
    given = payload["settings"]
    if isinstance(task, Task):
        given = with_recipe(given, payload.get("recipe", {}))
    settings = TrainingSettings.from_json(given)
    try:
        if payload.get("train", True):
            answer = _measured(task, graph, settings, payload, report)
        else:
            _refuse_training(payload, "nothing is trained")
            answer = {"state": MEASURED, "value": None, "metrics": {}}
        answer["metrics"] |= _demanded(task, graph, settings, payload, answer["metrics"])
    except NotFinite as reason:
        return {"state": "not finite", "reason": str(reason)}
    except NotWritten as reason:
        return {"state": NOT_WRITTEN, "reason": str(reason)}
    return answer


Measuring = Task | Evaluator | Score


def _measured(
    task: Measuring, graph: Graph, settings: TrainingSettings, payload: Json, report: Callable[[Json], None]
) -> Json:
    """Train, or have a user's own measure do what it does."""

    def told(epoch: SupportsIndex, metrics: Mapping[str, float]) -> None:
        report(_reported(epoch, metrics))

    if not isinstance(task, Task):
        own = measurement_of(_own(task, payload)(graph, settings.budget, payload["seed"], told))
        return {"state": "complete", "value": own.value, "metrics": dict(own.metrics)}
    found = _training(task, settings, payload).measure(graph, settings.budget, payload["seed"], told)
    state = "complete" if found.complete else PAUSED
    return {"state": state, "epochs": found.epochs, "value": found.value, "metrics": dict(found.metrics)}


def _demanded(
    task: Measuring, graph: Graph, settings: TrainingSettings, payload: Json, known: Mapping[str, float]
) -> Mapping[str, float]:
    """The metrics that were asked for and are not known yet; of an untrained network its size too."""
    always = () if payload.get("train", True) else ("parameters", "macs")
    names = [name for name in dict.fromkeys((*always, *payload.get("metrics", ()))) if name not in known]
    if not names:
        return {}
    trained_on = task if isinstance(task, Task) else None
    return measure_metrics(names, graph, trained_on, payload["seed"], device=settings.device)


def _refuse_training(payload: Json, why: str) -> None:
    """Raise a ``UserError`` if the payload asks for what only a training of archsmith's can give."""
    asked = [name for name in ("until", "checkpoint", "resume", "parent") if payload.get(name) is not None]
    if asked:
        raise UserError(
            f"{', '.join(asked)} must not be given: {why}, so there are no rungs and no weights to begin with"
        )


def _reported(epoch: SupportsIndex, metrics: Mapping[str, float]) -> Json:
    """What an evaluator reports, which may be a user's, as JSON that a driver can rely on."""
    number = index(epoch)
    if not 1 <= number <= LAST_EPOCH:
        raise ValueError(f"epochs are numbered from 1 to {LAST_EPOCH}; got {number}")
    return {"epoch": number, "metrics": plain(metrics)}


@cache
def _task(given: str) -> Task | Evaluator | Score:
    """Read once in a worker's life: the next trial of the study starts at once."""
    return load_task(given)


def _training(task: Task, settings: TrainingSettings, payload: Json) -> TrainingEvaluator:
    weights, checkpoint, resume = (_path(payload.get(name)) for name in ("weights", "checkpoint", "resume"))
    given = payload.get("parent")
    parent = Parent(from_json(given["graph"]), Path(given["weights"])) if given is not None else None
    rung = Rung(payload.get("until"), checkpoint, resume)
    return TrainingEvaluator(task, settings, weights=weights, rung=rung, parent=parent)


def _path(given: str | None) -> Path | None:
    return Path(given) if given else None


def _own(task: Evaluator | Score, payload: Json) -> Callable[..., Any]:
    """A user's own measure as a function of graph, budget, seed and report."""
    _refuse_training(payload, "the task measures in its own way")
    own: Callable[..., Any] = task.measure if isinstance(task, Evaluator) else task
    told = partial(own, recipe=payload.get("recipe", {})) if takes_recipe(own) else own
    return told if isinstance(task, Evaluator) else ScoreEvaluator(told).measure
