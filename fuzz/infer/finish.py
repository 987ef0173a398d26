"""The last step of enumeration: two known expressions that together give the target, looked up, not built."""

from collections.abc import Iterator

import numpy as np

from archsmith.fuzz.infer.columns import Mask, Vector
from archsmith.fuzz.infer.enumerate import Bank, weights
from archsmith.fuzz.infer.prune import cost
from archsmith.graph.expr import Apply, Expr, Lit

ANSWERS = 24
"""So many ways of one operation are looked at, the simplest first."""

COVERS = 400
"""So many parts of a minimum, maximum or broadcast are paired."""

SHIFTS = (0, 1, -1)
"""What may stand beside a quotient."""


def completions(bank: Bank, target: Vector) -> list[Expr]:
    """Expressions of one operation on two of the bank that equal the target on the bank's records, simplest first."""
    tail = np.int64(target @ weights(len(target)))
    found = [bank.expr(int(place)) for place in np.flatnonzero(bank.hashes == tail)]
    found += _sums(bank, tail)
    found += _products(bank, target)
    for shift in SHIFTS:
        found += (_shifted(expr, shift) for expr in _quotients(bank, target - shift))
    found += _remainders(bank, target)
    found += _choices(bank, target)
    return sorted(set(found), key=cost)


def _shifted(expr: Expr, shift: int) -> Expr:
    return Apply("+" if shift > 0 else "-", (expr, Lit(abs(shift)))) if shift else expr


def _places(bank: Bank, wanted: Vector) -> Vector:
    """Where each hash stands in the bank; -1 where it does not."""
    order = np.argsort(bank.hashes)
    spots = np.minimum(np.searchsorted(bank.hashes[order], wanted), len(order) - 1)
    places = order[spots]
    return np.where(bank.hashes[places] == wanted, places, -1)


def _pairs(bank: Bank, operation: str, left: Vector, right: Vector) -> list[Expr]:
    """The simplest of these."""
    best = np.argsort(bank.level[left] + bank.level[right], kind="stable")[:ANSWERS]
    return [Apply(operation, (bank.expr(int(left[p])), bank.expr(int(right[p])))) for p in best]


def _sums(bank: Bank, tail: np.int64) -> Iterator[Expr]:
    rest = _places(bank, tail - bank.hashes)
    left = np.flatnonzero(rest >= np.arange(len(rest)))
    yield from _pairs(bank, "+", left, rest[left])
    more = _places(bank, bank.hashes - tail)
    left = np.flatnonzero(more >= 0)
    yield from _pairs(bank, "-", left, more[left])


def _products(bank: Bank, target: Vector) -> Iterator[Expr]:
    places = np.arange(len(bank))
    for some in _stages(target):
        vectors, wanted = bank.vectors[places, some], target[some]
        divides = wanted % np.where(vectors == 0, 1, vectors) == 0
        places = places[_all(np.where(vectors == 0, wanted == 0, divides))]
    clean = _all(bank.vectors[places] != 0)
    left = places[clean]
    rest = _places(bank, (target // bank.vectors[left]) @ weights(len(target)))
    known = rest >= 0
    yield from _pairs(bank, "*", left[known], rest[known])
    for place in places[~clean][:ANSWERS]:
        vector = bank.vectors[place]
        right = np.flatnonzero(_all((bank.vectors * vector == target) | (vector == 0)))[:1]
        yield from _pairs(bank, "*", np.full(len(right), place), right)


def _stages(target: Vector) -> tuple[slice, slice]:
    """Some records, then all: most candidates fail on the first."""
    return slice(0, None, max(len(target) // 6, 1)), slice(None)


def _quotients(bank: Bank, target: Vector) -> Iterator[Expr]:
    """Of ``v//w`` those with a simple ``w``, in which nothing is divided."""
    divisors = np.flatnonzero(bank.positive & (bank.level <= 1) & bank.plain)
    first = int(np.abs(target).argmax())
    order = np.argsort(bank.vectors[:, first], kind="stable")
    ahead = bank.vectors[order, first]
    low = bank.vectors[divisors, first] * target[first]
    starts = np.searchsorted(ahead, low, side="left")
    counts = np.searchsorted(ahead, low + bank.vectors[divisors, first] - 1, side="right") - starts
    right = np.repeat(divisors, counts)
    left = order[np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())]
    for some in (slice(0, 1), *_stages(target)):
        lower = bank.vectors[right, some]
        rest = bank.vectors[left, some] - lower * target[some]
        fits = _all((rest >= 0) & (rest < lower))
        left, right = left[fits], right[fits]
    yield from _pairs(bank, "//", left, right)


def _remainders(bank: Bank, target: Vector) -> Iterator[Expr]:
    """Of any expression by a number, which must divide all differences, or of a simple one by a simple one."""
    if target.min() < 0:
        return
    least = int(target.max())
    place = np.arange(len(bank))
    for some in _stages(target):
        divides = np.gcd.reduce(bank.vectors[place, some] - target[some], axis=1)
        place, divides = place[divides > least], divides[divides > least]
    yield from (Apply("%", (bank.expr(int(p)), Lit(int(d)))) for p, d in zip(place[:ANSWERS], divides, strict=False))
    upper = np.flatnonzero(bank.level <= 1)
    lower = upper[bank.positive[upper] & _all(bank.vectors[upper] > target)]
    left, right = np.repeat(upper, len(lower)), np.tile(lower, len(upper))
    for part in (slice(0, 1), *_stages(target)):
        fits = _all((bank.vectors[left, part] - target[part]) % bank.vectors[right, part] == 0)
        left, right = left[fits], right[fits]
    yield from _pairs(bank, "%", left, right)


def _choices(bank: Bank, target: Vector) -> Iterator[Expr]:
    equal = bank.vectors == target
    one = bank.vectors == 1
    if target.min() == 0:
        cut = np.flatnonzero(_all(equal | ((target == 0) & (bank.vectors < 0))))[:ANSWERS]
        yield from (Apply("max", (Lit(0), bank.expr(int(place)))) for place in cut)
    yield from _covered(bank, "min", _all(bank.vectors >= target), equal, equal)
    yield from _covered(bank, "max", _all(bank.vectors <= target), equal, equal)
    yield from _covered(bank, "broadcast", _all(equal | one), ~one, equal)


def _all(matrix: Mask) -> Mask:
    return np.asarray(matrix.all(axis=1))


def _covered(bank: Bank, operation: str, fits: Mask, left: Mask, right: Mask) -> Iterator[Expr]:
    """Pairs of which the first fits, such that on each record one of the two is right."""
    first = np.flatnonzero(fits & left.any(axis=1))[:COVERS]
    second = np.flatnonzero((fits if operation != "broadcast" else True) & right.any(axis=1))[:COVERS]
    lacks = (~left[first]).astype(np.float32)
    misses = (~right[second]).astype(np.float32)
    one, other = np.nonzero(lacks @ misses.T == 0)
    yield from _pairs(bank, operation, first[one], second[other])
