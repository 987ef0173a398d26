"""How studies and their trials read on a terminal."""

from collections.abc import Collection, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from archsmith.graph.errors import UserError

if TYPE_CHECKING:
    from archsmith.storage import facts
    from archsmith.storage.goals import Objective

SHOWN = ("parameters", "macs")
"""Measured numbers that get a column beside those that the study is about."""


def study_row(study: "facts.Study") -> tuple[object, ...]:
    """A study in the list of studies."""
    more = len(study.spec.objectives) - 1
    return (
        study.id,
        study.name,
        study.spec.task,
        study.spec.searcher,
        study.state.value,
        f"{study.ended}/{study.spec.trials}",
        study.spec.objective + (f" (and {more} more)" if more else ""),
        study.best_value,
        (study.reason or "").partition(":")[0],
    )


def study_lines(study: "facts.Study", front: int, volume: float | None) -> list[str]:
    """What stands above a study's trials."""
    spec = study.spec
    because = f" ({study.reason})" if study.reason else ""
    lines = [
        f"study {study.id} {study.name}: {study.state.value}, {study.ended} of {spec.trials} trials ended{because}",
        f"space {spec.space}, task {spec.task}, searcher {spec.searcher}, seed {spec.seed}",
    ]
    goals = [f"{one.direction.value} {one.name}" for one in spec.objectives] + [str(one) for one in spec.constraints]
    if len(goals) > 1 or spec.objectives[0].sign < 0:
        lines.append(f"goals {', '.join(goals)}")
    if len(spec.objectives) > 1:
        of = f", hypervolume {volume:.6g}" if volume is not None else ""
        lines.append(f"front {front} trials that no other one beats{of}")
    return lines


def trials_table(
    study: "facts.Study", trials: Sequence["facts.Trial"], front: Collection[int]
) -> tuple[list[str], list[list[object]]]:
    """Columns and rows: what the study is about, then what else was measured, then remarks."""
    goals = [one.name for one in study.spec.objectives]
    bounds = [one.name for one in study.spec.constraints if one.name not in goals]
    others = [name for name in SHOWN if name not in (*goals, *bounds)]
    several = len(goals) > 1
    columns = ["trial", "state", *(["front"] if several else []), *goals, *bounds, "test", *others, "why"]
    rows = []
    for trial in trials:
        result = trial.result
        numbers = result.measurement if result is not None else {}
        values = list(result.values) if result is not None else []
        row: list[object] = [f"{study.id}/{trial.number}", study.shown(trial)]
        row += [("*" if trial.number in front else "")] if several else []
        row += [_whole(value, name) for name, value in zip(goals, values, strict=False)]
        row += [None] * (len(goals) - len(values))
        row += [_whole(numbers.get(name), name) for name in bounds]
        row += [numbers.get("test_accuracy", numbers.get("test_r2"))]
        row += [_whole(numbers.get(name), name) for name in others]
        rows.append([*row, _remark(trial)])
    return columns, rows


def hypervolume(objectives: Sequence["Objective"], points: Sequence[Sequence[float]], reference: str) -> float:
    """What the points dominate beyond the reference, which names a value of each objective (``UserError``)."""
    from archsmith.search.pareto import hypervolume as volume

    try:
        given = [float(part) for part in reference.split(",")]
    except ValueError:
        given = []
    if len(given) != len(objectives) or not all(map(isfinite, given)):
        named = ", ".join(one.name for one in objectives)
        raise UserError(f"--reference takes a number for each objective ({named}), with commas; got {reference!r}")
    signs = [one.sign for one in objectives]
    turned = [[sign * value for sign, value in zip(signs, point, strict=True)] for point in (*points, given)]
    return volume(turned[:-1], turned[-1])


def _remark(trial: "facts.Trial") -> str:
    result = trial.result
    if result is None:
        return ""
    broken = f"breaks constraints by {result.violation:.2g}" if result.violation else ""
    return result.reason or broken


def without_decimals(number: float, name: str) -> str | None:
    """A count in all its digits; None for any other number."""
    whole = _whole(number, name)
    return str(whole) if isinstance(whole, int) else None


def _whole(number: float | None, name: str) -> float | None:
    """A count, which is measured as a float like every other number; a user's may be NaN."""
    is_count = name in SHOWN and number is not None and isfinite(number)
    return round(number) if is_count and number is not None else number
