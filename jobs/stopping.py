"""When a study is over: whichever comes first of trials, minutes, a target, patience, and an exhausted space."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any

from archsmith.graph.errors import UserError
from archsmith.jobs.limits import check_bounds
from archsmith.jobs.objectives import Goals
from archsmith.storage.facts import TrialResult, TrialState
from archsmith.storage.goals import covers


@dataclass(frozen=True, slots=True)
class Stopping:
    """What ends a study before its trials are used up.

    ``minutes`` are those of one sitting; ``target`` is a value of the first objective that is good enough;
    ``patience`` is how many trials may end in a row without an improvement.
    """

    minutes: float | None = None
    target: float | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        check_bounds(minutes=self.minutes, patience=self.patience)
        if self.target is not None and not isfinite(self.target):
            raise UserError(f"target must be a finite number; got {self.target}")

    @staticmethod
    def of(settings: Mapping[str, Any]) -> "Stopping":
        """That of a study's settings."""
        return Stopping(**settings.get("stopping", {}))

    def to_json(self) -> dict[str, Any]:
        """The settings that say the same; nothing for what is not bounded."""
        given = {name: bound for name, bound in asdict(self).items() if bound is not None}
        return {"stopping": given} if given else {}

    def changed(self, **given: float | None) -> "Stopping":
        """The same with what is given in place of what was."""
        return Stopping(**(asdict(self) | {name: bound for name, bound in given.items() if bound is not None}))


@dataclass(slots=True)
class Ending:
    """Watches the trials of a study end; ``since`` is when this sitting began."""

    stopping: Stopping
    goals: Goals
    since: datetime
    best: tuple[int, float] | None = None
    _front: list[tuple[float, ...]] = field(default_factory=list)
    _vain: int = 0

    @property
    def front(self) -> int:
        """How many of the trials none other beats."""
        return len(self._front)

    def note(self, number: int, result: TrialResult) -> None:
        """Take notice of a trial that has ended."""
        merits = self.goals.merits(result) if result.state is TrialState.COMPLETE else None
        if merits is None or result.violation > 0.0 or any(covers(other, merits) for other in self._front):
            self._vain += 1
            return
        self._vain = 0
        self._front = [other for other in self._front if not covers(merits, other)] + [merits]
        if result.value is not None and (self.best is None or merits[0] > self.goals.first.sign * self.best[1]):
            self.best = (number, result.value)

    @property
    def reached(self) -> str | None:
        """Why the study is over, whatever there is left to do; None if it is not."""
        stopping, first = self.stopping, self.goals.first
        if stopping.target is not None and self.best is not None:
            number, value = self.best
            if first.sign * value >= first.sign * stopping.target:
                return f"target: trial {number} has reached {first.name} {stopping.target:.6g}"
        if stopping.patience is not None and self._vain >= stopping.patience:
            return f"patience: no improvement in {stopping.patience} trials"
        return None

    def late(self, now: datetime) -> str | None:
        """Why nothing more is to be started in this sitting; None if there is time."""
        minutes = self.stopping.minutes
        if minutes is None or (now - self.since).total_seconds() < 60 * minutes:
            return None
        return f"minutes: {minutes:g} are over"


EXHAUSTED = "exhausted: the space has nothing new left"


def used_up(trials: int) -> str:
    """The reason of a study that has run all its trials."""
    return f"trials: all {trials} were run"
