"""What a study's sandbox calls: one architecture in, one measurement out, both as JSON."""

from collections.abc import Callable, Mapping
from functools import cache
from operator import index
from pathlib import Path
from typing import SupportsIndex

from archsmith.evaluate.evaluator import NOT_WRITTEN, Evaluator, NotFinite, NotWritten
from archsmith.evaluate.score import ScoreEvaluator, measurement_of, plain
from archsmith.evaluate.settings import TrainingSettings
from archsmith.evaluate.task import Task
from archsmith.evaluate.tasks import Score, load_task
from archsmith.evaluate.training import TrainingEvaluator
from archsmith.graph.text import from_json
from archsmith.runtime.job import Json

LAST_EPOCH = (1 << 31) - 1
"""The largest number of an epoch that every database holds."""


def measure(payload: Json, report: Callable[[Json], None]) -> Json:
    """Measure one architecture.

    ``payload`` is ``{"graph": text, "task": str, "settings": {...}, "seed": int, "weights": path or None}``.
    Every epoch is reported as ``{"epoch": n, "metrics": {...}}``. What returns is ``{"state": "complete",
    "value": float, "metrics": {...}}``, or a ``"reason"`` under the state "not finite", or under ``NOT_WRITTEN``
    where the network was trained and its weights could not be kept; all other failures raise.
    """
    settings = TrainingSettings.from_json(payload["settings"])
    weights = Path(payload["weights"]) if payload.get("weights") else None
    evaluator = _evaluator(_task(payload["task"]), settings, weights)
    try:
        measured = measurement_of(
            evaluator.measure(
                from_json(payload["graph"]),
                settings.budget,
                payload["seed"],
                lambda epoch, metrics: report(_reported(epoch, metrics)),
            )
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


def _evaluator(task: Task | Evaluator | Score, settings: TrainingSettings, weights: Path | None) -> Evaluator:
    if isinstance(task, Task):
        return TrainingEvaluator(task, settings, weights=weights)
    return task if isinstance(task, Evaluator) else ScoreEvaluator(task)
