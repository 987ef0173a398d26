"""Bounds that a person sets, checked before anything is written."""

from dataclasses import dataclass

from archsmith.graph.errors import UserError

BEYOND = 1 << 63
"""The first integer that the store cannot hold, and more than any machine has of anything."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one trial may take: wall-clock ``seconds``, and ``memory`` in bytes beyond that of an idle worker."""

    seconds: float = 600.0
    memory: int = 4 << 30

    def __post_init__(self) -> None:
        check_limits(self.seconds, self.memory)


def check_limits(seconds: float, memory: float) -> None:
    """``UserError`` unless both are numbers above 0."""
    for word, unit, bound in (("time", "seconds", seconds), ("memory", "bytes", memory)):
        if not 0 < bound < float("inf"):
            raise UserError(f"a limit of {word} must be a number of {unit} above 0; got {_shown(bound)}")


def check_bounds(**bounds: float | None) -> None:
    """``UserError`` unless each that is given is a number above 0 that the store can hold."""
    for word, bound in bounds.items():
        if bound is not None and not 0 < bound < BEYOND:
            least = "at least 1" if isinstance(bound, int) else "above 0"
            demanded = "below 2^63" if bound >= BEYOND else least
            raise UserError(f"{word} must be {demanded}; got {_shown(bound)}")


def _shown(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"
