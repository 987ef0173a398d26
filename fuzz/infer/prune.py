"""What is not worth trying: limits to enumeration, and which of several expressions is the simplest."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log2
from types import MappingProxyType

from archsmith.graph.expr import Apply, Expr, Lit, Sym, show

COMMUTATIVE = frozenset({"+", "*", "min", "max"})

OPERATIONS: Mapping[str, float] = MappingProxyType(
    {"+": 1.0, "*": 1.0, "-": 1.0, "//": 1.2, "min": 1.6, "max": 1.6, "broadcast": 1.5, "%": 1.7}
)
"""What enumeration builds from, in the order of trial, with how much each costs: rules seldom need a remainder."""


@dataclass(frozen=True, slots=True)
class Rarity:
    """How often something may occur in one enumerated expression.

    ``division`` counts quotients and remainders, ``choice`` minima, maxima and broadcasts.
    """

    symbol: int = 2
    literal: int = 2
    division: int = 1
    choice: int = 1


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried, counted in what is computed: the answer does not depend on the machine's speed.

    Enumeration keeps at most ``terms`` distinct expressions of at most ``operations`` operations, on ``rows`` rows at
    first, and computes at most ``candidates``; with no operations nothing is enumerated. At most ``factors`` known
    shapes are tried as a part of a product.
    """

    operations: int = 2
    terms: int = 20_000
    candidates: int = 60_000
    rows: int = 64
    factors: int = 12
    literals: tuple[int, ...] = (1, 2)
    rarity: Rarity = Rarity()


@lru_cache(maxsize=65536)
def cost(expr: Expr) -> tuple[float, int, str]:
    """Least for what a person would prefer: few operations, common ones, small literals, then the text."""
    return _weight(expr), _magnitude(expr), show(expr)


@lru_cache(maxsize=65536)
def _weight(expr: Expr) -> float:
    match expr:
        case Lit(value):
            return 0.3 + 0.4 * log2(max(abs(value), 1))
        case Sym():
            return 0.5
        case Apply(operation, arguments):
            return OPERATIONS.get(operation, 2.0) + sum(map(_weight, arguments))


def _magnitude(expr: Expr) -> int:
    match expr:
        case Lit(value):
            return abs(value)
        case Sym():
            return 0
        case Apply(_, arguments):
            return sum(map(_magnitude, arguments))
