"""What an expression can come to where its symbols are only known to lie within bounds (interval arithmetic)."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

from archsmith.graph.expr import OPERATIONS, Expr, Undefined, fold

Range = tuple[int, int]
"""The least and the largest value, both of which may be taken."""

NEITHER: Range = (0, 1)


def bounds(expr: Expr, ranges: Mapping[str, Range]) -> Range:
    """Bounds of the values of ``expr`` where every symbol is within its range; a symbol used twice may widen them.

    A constraint is met for certain at (1, 1), for certain not at (0, 0), and undecided at (0, 1).

    Raises:
        Undefined: a divisor cannot be positive, or a symbol has no range.
    """
    try:
        return fold(expr, literal=lambda value: (value, value), symbol=lambda name: ranges[name], apply=_applied)
    except KeyError as missing:
        raise Undefined(f"no bounds are given for {missing}") from None


def _applied(operation: str, sides: Sequence[Range]) -> Range:
    special = _SPECIAL.get(operation)
    if special is not None:
        return special(*sides)
    # The rest is monotone in each operand, so the corners bound it.
    corners = [OPERATIONS[operation].compute(*corner) for corner in product(*sides)]
    return min(corners), max(corners)


def _positive(divisor: Range) -> Range:
    if divisor[1] < 1:
        raise Undefined(f"a divisor from {divisor[0]} to {divisor[1]} is never positive")
    return max(divisor[0], 1), divisor[1]


def _quotient(left: Range, right: Range) -> Range:
    corners = [a // b for a, b in product(left, _positive(right))]
    return min(corners), max(corners)


def _rest(left: Range, right: Range) -> Range:
    most = _positive(right)[1] - 1
    small = right[0] == right[1] and left[0] // right[0] == left[1] // right[0]
    return (left[0] % right[0], left[1] % right[0]) if small else (0, most)


def _equal(left: Range, right: Range) -> Range:
    if left[1] < right[0] or right[1] < left[0]:
        return 0, 0
    return (1, 1) if left == right and left[0] == left[1] else NEITHER


def _unequal(left: Range, right: Range) -> Range:
    least, most = _equal(left, right)
    return 1 - most, 1 - least


def _both(left: Range, right: Range) -> Range:
    return min(_truth(left)[0], _truth(right)[0]), min(_truth(left)[1], _truth(right)[1])


def _one(left: Range, right: Range) -> Range:
    return max(_truth(left)[0], _truth(right)[0]), max(_truth(left)[1], _truth(right)[1])


def _not(given: Range) -> Range:
    least, most = _truth(given)
    return 1 - most, 1 - least


def _truth(given: Range) -> Range:
    """0 counts as false and everything else as true."""
    if given == (0, 0):
        return 0, 0
    return NEITHER if given[0] <= 0 <= given[1] else (1, 1)


def _broadcast(left: Range, right: Range) -> Range:
    """Either side may be the result where the left one may be 1."""
    if left == (1, 1):
        return right
    return (min(left[0], right[0]), max(left[1], right[1])) if left[0] <= 1 <= left[1] else left


_SPECIAL: Mapping[str, Callable[..., Range]] = {
    "//": _quotient,
    "%": _rest,
    "==": _equal,
    "!=": _unequal,
    "and": _both,
    "or": _one,
    "not": _not,
    "broadcast": _broadcast,
}
