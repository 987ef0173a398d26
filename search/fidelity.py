"""What decides how long trials are trained: which goes on after its rung, and when a new one begins.

A rung is a number of epochs at which a trial pauses, until it is among the best there and is promoted to the next. The
last rung is the full budget. Trials of one bracket compete with each other and with no others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class RunState(Enum):
    """Whether a trial is being trained, waits at its rung, or is complete, failed or stopped for good."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Run:
    """Where one trial stands.

    ``epochs`` are those of the last rung that it reached, 0 in its first; a trial that ended on its way to a rung may
    give all that it was trained. ``value`` is what it is ranked by at that epoch, to be maximised; None or -inf if it
    failed.
    """

    number: int
    bracket: int
    epochs: int
    value: float | None
    state: RunState


@dataclass(frozen=True, slots=True)
class Start:
    """Begin a new trial in this bracket and train it for so many epochs."""

    bracket: int
    epochs: int


@dataclass(frozen=True, slots=True)
class Promote:
    """Train the paused trial of this number on, until it has had so many epochs in all."""

    number: int
    epochs: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until a running trial ends; if none runs, the study is over."""


class Fidelity(Protocol):
    """Divides a study's epochs among its trials. It keeps nothing: all that it goes by are the runs."""

    def next(self, runs: Sequence[Run], *, may_start: bool) -> Start | Promote | Wait:
        """What a free worker should do; the same runs, in whatever order, give the same answer.

        ``may_start`` is False once the budget of trials is spent: from then on it only promotes.
        """
        ...
