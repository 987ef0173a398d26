"""Records as columns of whole numbers, and expressions evaluated on all of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archsmith.graph.expr import Expr, fold

Vector = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

LARGEST = 2**62
"""Beyond this, a value counts as undefined: sums of two would leave 64 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The values of symbols, a row for each record; ``matrix`` is int64 of shape (records, symbols).

    Raises:
        ValueError: the matrix does not have a column for each name.
    """

    names: tuple[str, ...]
    matrix: Vector

    def __post_init__(self) -> None:
        if self.matrix.ndim != 2 or self.matrix.shape[1] != len(self.names):
            raise ValueError(f"{len(self.names)} symbols need so many columns; got shape {self.matrix.shape}")

    @property
    def count(self) -> int:
        return len(self.matrix)

    def column(self, name: str) -> Vector:
        return np.ascontiguousarray(self.matrix[:, self.names.index(name)])

    def only(self, names: Sequence[str]) -> "Columns":
        """These symbols, in this order."""
        return Columns(tuple(names), self.matrix[:, [self.names.index(name) for name in names]])

    def rows(self, which: Vector | Mask) -> "Columns":
        return Columns(self.names, self.matrix[which])


Evaluated = tuple[Vector, Mask]
"""Values, and where there are any; elsewhere stands 0."""


def values(expr: Expr, columns: Columns) -> Evaluated:
    """What ``graph.expr.evaluate`` says row by row; undefined also past ``LARGEST``."""

    def literal(value: int) -> Evaluated:
        known = abs(value) <= LARGEST
        return np.full(columns.count, value if known else 0, np.int64), np.full(columns.count, known)

    def symbol(name: str) -> Evaluated:
        if name not in columns.names:
            return np.zeros(columns.count, np.int64), np.zeros(columns.count, bool)
        return _bounded(columns.column(name), np.ones(columns.count, bool))

    def apply(operation: str, parts: Sequence[Evaluated]) -> Evaluated:
        if operation == "not":
            ((vector, mask),) = parts
            return np.where(mask, vector == 0, 0).astype(np.int64), mask
        (left, left_mask), (right, right_mask) = parts
        return _applied(operation, left, right, left_mask & right_mask)

    return fold(expr, literal=literal, symbol=symbol, apply=apply)


def _applied(operation: str, left: Vector, right: Vector, mask: Mask) -> Evaluated:
    match operation:
        case "//" | "%":
            mask = mask & (right > 0)
            divisor = np.where(right > 0, right, 1)
            return _bounded(left // divisor if operation == "//" else left % divisor, mask)
        case "*":
            fits = np.abs(left.astype(np.float64) * right) < LARGEST
            return _bounded(np.where(fits, left, 0) * np.where(fits, right, 0), mask & fits)
        case _:
            return _bounded(combined(operation, left, right), mask)


def _bounded(vector: Vector, mask: Mask) -> Evaluated:
    mask = mask & (vector <= LARGEST) & (vector >= -LARGEST)
    return np.where(mask, vector, 0), mask


def combined(operation: str, left: Vector, right: Vector) -> Vector:
    """The operation element by element, on arrays that broadcast; divisors must be positive, results fit 64 bits."""
    result: Vector
    match operation:
        case "+":
            result = left + right
        case "-":
            result = left - right
        case "*":
            result = left * right
        case "//":
            result = left // right
        case "%":
            result = left % right
        case "min":
            result = np.minimum(left, right)
        case "max":
            result = np.maximum(left, right)
        case "broadcast":
            result = np.where(left == 1, right, left)
        case _:
            result = _TESTS[operation](left, right).astype(np.int64)
    return result


_TESTS = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "and": np.logical_and,
    "or": np.logical_or,
}
