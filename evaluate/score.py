"""Measuring an architecture by a user's own function: a formula, a table of published results, a proxy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from archsmith.evaluate.evaluator import Measurement, NotFinite, Report
from archsmith.evaluate.settings import Budget
from archsmith.graph.graph import Graph

VALUE = "value"
"""The key of the objective where a score is several numbers."""


@dataclass(frozen=True, slots=True)
class ScoreEvaluator:
    """Gives what ``score(graph)`` gives, whatever budget and seed."""

    score: Callable[[Graph], Any]

    def measure(self, graph: Graph, budget: Budget, seed: int, report: Report) -> Measurement:
        """The score as a measurement; of several numbers, those beside "value" are its metrics.

        Raises:
            NotFinite: the value is NaN or infinite.
            TypeError: the score is neither a number nor numbers by name with "value" among them.
        """
        return measurement_of(self.score(graph))


def measurement_of(given: object) -> Measurement:
    """What a user's code returned, as plain floats (``TypeError`` and ``NotFinite`` as above)."""
    if isinstance(given, Measurement):
        given = {**given.metrics, VALUE: given.value}
    numbers = given if isinstance(given, Mapping) else {VALUE: given}
    if VALUE not in numbers:
        raise TypeError(f"scores by name must have {VALUE!r} among them; got {', '.join(map(repr, numbers))}")
    metrics = plain(numbers)
    value = metrics.pop(VALUE)
    if not isfinite(value):
        raise NotFinite(f"the score is {value}")
    return Measurement(value, metrics)


def plain(numbers: Mapping[Any, Any]) -> dict[str, float]:
    """Numbers by name as plain floats (``TypeError`` if one is none)."""
    return {str(name): _number(name, number) for name, number in numbers.items()}


def _number(name: object, given: Any) -> float:
    if not hasattr(given, "__float__") or isinstance(given, bool):
        raise TypeError(f"a score must be a number, or numbers by name; {name!r} is {given!r:.100}")
    return float(given)
