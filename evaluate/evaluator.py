"""What measures an architecture, and what comes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from archsmith.evaluate.settings import Budget
from archsmith.graph.graph import Graph


@dataclass(frozen=True, slots=True)
class Measurement:
    """``value`` is the objective, higher is better; ``metrics`` are all the numbers that belong to it."""

    value: float
    metrics: Mapping[str, float] = field(default_factory=dict)


class NotFinite(Exception):
    """The loss, an output or the score became NaN or infinite, so that the architecture has no value."""


class NotWritten(Exception):
    """The weights could not be kept: a fault of the disk or its permissions, which says nothing of the network."""


NOT_WRITTEN = "not written"
"""The state in which ``archsmith.evaluate.entry:measure`` returns ``NotWritten``."""


Report = Callable[[int, Mapping[str, float]], None]
"""Takes the number of an epoch (from 1) and the metrics at its end."""


@runtime_checkable
class Evaluator(Protocol):
    """Measures architectures, noisily or not; the same seed should give the same value.

    A ``measure`` with one more parameter, ``recipe``, is given the values of the trial's recipe by name.
    """

    def measure(self, graph: Graph, budget: Budget, seed: int, report: Report) -> Measurement:
        """Measure one architecture within the budget, reporting the end of every epoch if there are any.

        Raises:
            NotFinite: there is no value, because a number became NaN or infinite on the way.
        """
        ...
