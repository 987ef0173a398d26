"""What measures an architecture, and what comes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from archsmith.evaluate.settings import Budget
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph


@dataclass(frozen=True, slots=True)
class Measurement:
    """``value`` is the objective, higher is better; ``metrics`` are all the numbers that belong to it.

    A training says how many ``epochs`` it has had, and whether it is ``complete`` or stopped before its budget's end.
    """

    value: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    epochs: int | None = None
    complete: bool = True


class NotFinite(Exception):
    """The loss, an output or the score became NaN or infinite, so that the architecture has no value."""


class NotWritten(Exception):
    """The weights or the checkpoint could not be kept: a fault of the disk, which says nothing of the network."""


class BadCheckpoint(UserError):
    """A checkpoint is missing, damaged or of another training: without it the training can still begin anew."""


NOT_WRITTEN = "not written"
"""The state in which ``archsmith.evaluate.entry:measure`` returns ``NotWritten``."""

PAUSED = "paused"
"""The state of a training that stopped at a rung, and can go on from its checkpoint."""

MEASURED = "measured"
"""The state of an architecture whose metrics were measured and that was not trained."""


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
