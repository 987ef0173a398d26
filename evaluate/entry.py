"""What a study's sandbox calls: one architecture in, one measurement out, both as JSON."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from operator import index
from pathlib import Path
from typing import Any, SupportsIndex

from archsmith.evaluate.evaluator import NOT_WRITTEN, Evaluator, NotFinite, NotWritten
from archsmith.evaluate.recipe import takes_recipe
from archsmith.evaluate.score import ScoreEvaluator, measurement_of, plain
from archsmith.evaluate.settings import TrainingSettings, with_recipe
from archsmith.evaluate.task import Task
from archsmith.evaluate.tasks import Score, load_task
from archsmith.evaluate.training import TrainingEvaluator
from archsmith.graph.text import from_json
from archsmith.runtime.job import Json

LAST_EPOCH = (1 << 31) - 1
"""The largest number of an epoch that every database holds."""


def measure(payload: Json, report: Callable[[Json], None]) -> Json:
    """Measure one architecture.

    ``payload`` is ``{"graph": text, "task": str, "settings": {...}, "seed": int}``. It may have a ``"recipe"``, whose
    values take the place of a training's settings and which a user's own measure is given as it is, and
    ``"weights"``, the path to keep them at.

    Every epoch is reported as ``{"epoch": n, "metrics": {...}}``. What returns is ``{"state": "complete",
    "value": float, "metrics": {...}}``, or a ``"reason"`` under the state "not finite", or under ``NOT_WRITTEN``
    where the network was trained and its weights could not be kept; all other failures raise.
    """
    task, recipe = _task(payload["task"]), payload.get("recipe", {})
    given = with_recipe(payload["settings"], recipe) if isinstance(task, Task) else payload["settings"]
    settings = TrainingSettings.from_json(given)
    weights = Path(payload["weights"]) if payload.get("weights") else None
    run = _measure(task, settings, recipe, weights)
    graph = from_json(payload["graph"])
    try:
        measured = measurement_of(
            run(graph, settings.budget, payload["seed"], lambda epoch, metrics: report(_reported(epoch, metrics)))
        )
    except NotFinite as reason:
        return {"state": "not finite", "reason": str(reason)}
    except NotWritten as reason:
        return {"state": NOT_WRITTEN, "reason": str(reason)}
    return {"state": "complete", "value": measured.value, "metrics": dict(measured.metrics)}


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


def _measure(
    task: Task | Evaluator | Score, settings: TrainingSettings, recipe: Json, weights: Path | None
) -> Callable[..., Any]:
    """What measures: a function of graph, budget, seed and report."""
    if isinstance(task, Task):
        return TrainingEvaluator(task, settings, weights=weights).measure
    own: Callable[..., Any] = task.measure if isinstance(task, Evaluator) else task
    told = partial(own, recipe=recipe) if takes_recipe(own) else own
    return told if isinstance(task, Evaluator) else ScoreEvaluator(told).measure
