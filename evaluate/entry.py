"""What a study's sandbox calls: one architecture in, one measurement out, both as JSON."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from archsmith.evaluate.evaluator import Evaluator, NotFinite
from archsmith.evaluate.score import ScoreEvaluator, measurement_of
from archsmith.evaluate.settings import TrainingSettings
from archsmith.evaluate.task import Task
from archsmith.evaluate.tasks import Score, load_task
from archsmith.evaluate.training import TrainingEvaluator
from archsmith.graph.text import from_json
from archsmith.runtime.job import Json


def measure(payload: Json, report: Callable[[Json], None]) -> Json:
    """Measure one architecture.

    ``payload`` is ``{"graph": text, "task": str, "settings": {...}, "seed": int, "weights": path or None}``.
    Every epoch is reported as ``{"epoch": n, "metrics": {...}}``. What returns is ``{"state": "not finite",
    "reason": str}`` or ``{"state": "complete", "value": float, "metrics": {...}}``; all other failures raise.
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
                lambda epoch, metrics: report({"epoch": epoch, "metrics": dict(metrics)}),
            )
        )
    except NotFinite as reason:
        return {"state": "not finite", "reason": str(reason)}
    return {"state": "complete", "value": measured.value, "metrics": dict(measured.metrics)}


@cache
def _task(given: str) -> Task | Evaluator | Score:
    """Read once in a worker's life: the next trial of the study starts at once."""
    return load_task(given)


def _evaluator(task: Task | Evaluator | Score, settings: TrainingSettings, weights: Path | None) -> Evaluator:
    if isinstance(task, Task):
        return TrainingEvaluator(task, settings, weights=weights)
    return task if isinstance(task, Evaluator) else ScoreEvaluator(task)
