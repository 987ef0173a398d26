"""Integer linear forms over monomials, divided and rounded down: most of what operators return.

For ``t = L//d`` with an unknown ``L`` that is linear in given monomials, ``t + (d - 1)/(2*d)`` is ``L/d`` up to less
than half of one: least squares gives coefficients that are nearly whole, and rounding makes them so. The constant is
not rounded but solved for: each record says between which numbers it lies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archsmith.fuzz.infer.columns import Mask, Vector
from archsmith.fuzz.infer.wording import Monomial, Polynomial, worded
from archsmith.graph.expr import Apply, Expr, Lit

Reals = npt.NDArray[np.float64]

INDEPENDENT = 1e-6
"""A monomial counts as a combination of earlier ones if so little of its length is left beside them."""

NEAR = 0.5
"""The rounding of a quotient leaves less than this, root mean square."""

LITTLE = 0.2
"""A coefficient nearer to 0 is taken for noise."""

MOST_MONOMIALS = 8
"""Fits with fewer monomials have at most so many."""

LARGEST_COEFFICIENT = 64
"""A larger one is an accident of the numbers."""

SHIFTS = (0, 1, -1, 2, -2)
"""What may be added to a quotient, beside the nearest to the fitted number."""


MOST_DIVISOR = 40
"""Numbers by which is divided are less."""


@dataclass(frozen=True, slots=True, eq=False)
class Monomials:
    """Monomials that are linearly independent on the records, and their values: a column each, the constant first."""

    keys: tuple[Monomial, ...]
    matrix: Vector


def monomials(candidates: Sequence[tuple[Monomial, Vector]], count: int) -> Monomials:
    """Those candidates that the ones before them do not determine, on ``count`` records."""
    keys: list[Monomial] = [()]
    columns = [np.ones(count, np.int64)]
    basis = np.full((1, count), 1 / np.sqrt(max(count, 1)))
    for key, vector in candidates:
        length = np.linalg.norm(vector)
        if not length or len(keys) == count:
            continue
        rest = vector / length
        rest = rest - basis.T @ (basis @ rest)
        rest = rest - basis.T @ (basis @ rest)
        left = np.linalg.norm(rest)
        if left > INDEPENDENT:
            keys.append(key)
            columns.append(vector)
            basis = np.concatenate([basis, (rest / left)[None]])
    matrix = np.stack(columns, axis=1)
    return Monomials(tuple(keys), matrix)


def linear_form(target: Vector, over: Monomials) -> Expr | None:
    """The one integer linear form of the monomials that equals the target on all records, if there is one."""
    fitted = least_squares(over.matrix.astype(np.float64), target.astype(np.float64))
    whole = np.rint(fitted).astype(np.int64)
    if np.abs(whole).max(initial=0) > 2**20 or not np.array_equal(over.matrix @ whole, target):
        return None
    return worded(_polynomial(over.keys, whole))


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """What is fitted for a divisor: ``features``, monomials divided by it, to ``aim``, the middle of what they may be.

    ``outside`` is the column that is 1 everywhere: its coefficient stands beside the quotient. None if the divisor is a
    number, where the constant's column is as good.
    """

    features: Reals
    aim: Reals
    outside: int | None


def scaled(target: Vector, over: Monomials, divides: Vector) -> Scaled:
    features = over.matrix / divides[:, None]
    aim = target + (divides - 1) / (2 * divides)
    if (divides == divides[0]).all():
        return Scaled(features, aim, None)
    same = np.flatnonzero((features == 1).all(axis=0))
    if len(same):
        return Scaled(features, aim, int(same[0]))
    return Scaled(np.concatenate([features, np.ones((len(target), 1))], axis=1), aim, features.shape[1])


def rounded(coefficients: Reals, width: int, outside: int | None) -> tuple[Vector, int | None] | None:
    """The whole coefficients of the monomials but for the constant, and the number beside the quotient."""
    if np.abs(coefficients[1:]).max(initial=0) > LARGEST_COEFFICIENT:
        return None
    whole = np.rint(coefficients[:width]).astype(np.int64)
    whole[0] = 0
    if outside is None:
        return whole, None
    near = int(np.rint(coefficients[outside]))
    if outside < width:
        whole[outside] = 0
    return whole, near


def likely_divisors(target: Vector, over: Monomials) -> list[int]:
    """Numbers by which a symbol may be divided: of how many of each symbol the target grows by one."""
    slopes = np.abs(least_squares(over.matrix.astype(np.float64), target.astype(np.float64)))[1:]
    return sorted({int(np.rint(1 / slope)) for slope in slopes if 1 / MOST_DIVISOR < slope < 0.6})


def quotients(target: Vector, over: Monomials, divisor: Expr, divides: Vector) -> Iterator[Expr]:
    """``L//divisor + c`` with an integer linear form of the monomials; the divisor must be positive."""
    problem = scaled(target, over, divides)
    fitted = least_squares(problem.features, problem.aim)
    if np.sqrt(np.mean((problem.features @ fitted - problem.aim) ** 2)) > NEAR:
        return
    tried: set[bytes] = set()
    for again in fits(problem, fitted):
        found = rounded(again, len(over.keys), problem.outside)
        if found is not None and found[0].tobytes() not in tried:
            tried.add(found[0].tobytes())
            yield from _settled(target, over, found[0], divisor, divides, found[1])


def fits(problem: Scaled, fitted: Reals, rows: Mask | slice = slice(None)) -> Iterator[Reals]:
    """Fits to these rows with fewer monomials: without little coefficients, then with those that account for most."""
    support = np.abs(fitted) > LITTLE
    yield _fit_with(problem, support, rows)
    share = np.abs(fitted) * problem.features[rows].std(axis=0)
    order = np.argsort(-share, kind="stable")
    for count in range(min(int(support.sum()) - 1, MOST_MONOMIALS), 0, -1):
        fewer = np.zeros_like(support)
        fewer[order[:count]] = True
        yield _fit_with(problem, fewer, rows)


def _fit_with(problem: Scaled, support: Mask, rows: Mask | slice) -> Reals:
    support[[0, problem.outside or 0]] = True
    fitted = np.zeros(len(support))
    fitted[support] = least_squares(problem.features[rows][:, support], problem.aim[rows])
    return fitted


def _settled(
    target: Vector, over: Monomials, whole: Vector, divisor: Expr, divides: Vector, near: int | None
) -> Iterator[Expr]:
    """The quotients with the constants that fit."""
    partial = over.matrix @ whole
    shifts = [0] if near is None else sorted({near, near - 1, near + 1, *SHIFTS}, key=lambda c: (c != near, abs(c), c))
    for outside in shifts:
        least = divides * (target - outside) - partial
        low, high = int(least.max()), int((least + divides).min()) - 1
        if low > high:
            continue
        constant = min(max(low, 0), high)
        coefficients = whole.copy()
        coefficients[0] = constant
        yield form_of(over.keys, coefficients, divisor, outside)


def form_of(keys: Sequence[Monomial], coefficients: Vector, divisor: Expr, outside: int) -> Expr:
    """``L//divisor + outside`` with the linear form of these coefficients."""
    form = Apply("//", (worded(_polynomial(keys, coefficients)), divisor))
    return Apply("+", (form, Lit(outside))) if outside else form


def _polynomial(keys: Sequence[Monomial], coefficients: Vector) -> Polynomial:
    return {key: int(c) for key, c in zip(keys, coefficients, strict=True) if c}


def least_squares(columns: Reals, aim: Reals) -> Reals:
    """Least squares by normal equations of columns of length one, with one step of refinement."""
    lengths = np.sqrt(np.einsum("ij,ij->j", columns, columns))
    unit = columns / np.where(lengths > 0, lengths, 1)
    square = unit.T @ unit
    square.flat[:: len(square) + 1] += 1e-13  # it can be inverted even if columns are combinations of others
    inverse = np.linalg.inv(square)
    first = inverse @ (aim @ unit)
    first = first + inverse @ ((aim - unit @ first) @ unit)
    solved: Reals = first / np.where(lengths > 0, lengths, 1)
    return solved
