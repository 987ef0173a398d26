"""What a study wants: objectives with their directions, constraints, and which trials none other beats."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import TypeVar

from archsmith.graph.errors import UserError

NAME = r"[^\s<>=:,][^<>=:,]*?"
"""What a number may be called that a goal is set for: a user's own measure may use spaces."""


class Direction(StrEnum):
    """Whether more or less of a number is better."""

    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True)
class Objective:
    """A measured number that a study maximises or minimises."""

    name: str
    direction: Direction = Direction.MAX

    @property
    def sign(self) -> int:
        """What its values are multiplied with to be maximised."""
        return 1 if self.direction is Direction.MAX else -1

    def __str__(self) -> str:
        return f"{self.direction.value}:{self.name}"

    @staticmethod
    def parse(text: str) -> "Objective":
        """``max:NAME``, ``min:NAME``, or ``NAME``, which is maximised (``UserError`` for anything else)."""
        found = re.fullmatch(rf"(?:(max|min):)?({NAME})\s*", text)
        if found is None:
            raise UserError(f"an objective is max:NAME, min:NAME or NAME; got {text!r}")
        return Objective(found[2], Direction(found[1] or "max"))


@dataclass(frozen=True, slots=True)
class Constraint:
    """A bound that a measured number must keep to; ``relation`` is one of <=, >=, < and >."""

    name: str
    relation: str
    limit: float

    def __str__(self) -> str:
        return f"{self.name} {self.relation} {self.limit:.12g}"

    @staticmethod
    def parse(text: str) -> "Constraint":
        """``NAME <= NUMBER``, or with ``>=``, ``<`` or ``>`` (``UserError`` for anything else)."""
        found = re.fullmatch(rf"\s*({NAME})\s*(<=|>=|<|>)\s*(\S+)\s*", text)
        limit = _number(found[3]) if found is not None else None
        if found is None or limit is None:
            raise UserError(f"a constraint is NAME <= NUMBER, or with >=, < or >; got {text!r}")
        return Constraint(found[1], found[2], limit)

    def violation(self, value: float) -> float:
        """By how much the value is beyond the limit, as a share of it; 0 if it keeps to it."""
        excess = value - self.limit if self.relation.startswith("<") else self.limit - value
        if excess < 0 or (excess == 0 and self.relation.endswith("=")):
            return 0.0
        return max(excess, TINY) / max(abs(self.limit), TINY)


TINY = 1e-12
"""What stands for a limit of zero where it divides, and for the excess of a value at a limit it must stay below."""

T = TypeVar("T")


def front(points: Iterable[tuple[T, Sequence[float]]]) -> list[T]:
    """Those of the points, with values to be maximised, that no other point beats; of equal points the first.

    A point beats another if it is nowhere worse and somewhere better.
    """
    kept: list[tuple[T, Sequence[float]]] = []
    for key, values in points:
        if any(covers(other, values) for _, other in kept):
            continue
        kept = [(one, other) for one, other in kept if not covers(values, other)]
        kept.append((key, values))
    return [key for key, _ in kept]


def covers(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Whether ours, values to be maximised, are nowhere worse than theirs."""
    return all(one >= other for one, other in zip(ours, theirs, strict=True))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
