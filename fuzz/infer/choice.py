"""The lesser or the greater of two quotients of linear forms, as a pooling that may leave its last window out.

Records are split in two, each part is fitted by itself, and each record goes to the part that is less there, over and
over (Magnani & Boyd, "Convex piecewise-linear fitting", 2009). Then coefficients are rounded, and the constant is the
tightest with which no record lies on the wrong side.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product

import numpy as np

from archsmith.fuzz.infer.columns import Mask, Vector
from archsmith.fuzz.infer.linear import (
    Monomials,
    Reals,
    Scaled,
    fits,
    form_of,
    least_squares,
    rounded,
    scaled,
)
from archsmith.graph.expr import Apply, Expr, Lit

Divisor = tuple[Expr, Vector]

ROUNDS = 6
"""How often records change parts."""

CLOSE = 0.6
"""Two parts that explain the target leave less than this, root mean square."""

DIVISORS = 3
"""Of so many divisors, those with which one part alone comes nearest, two parts are tried."""


FIRSTS = 3
"""Of so many parts, those that are right most often, the other one is sought."""

MAINLY, FEWEST = 0.6, 3
"""Where one part is right on this share of the records, the other is sought if it is needed by so many."""

SMALL, MOST_COLUMNS = (0, 1, -1, 2), 5
"""Coefficients that are all tried for up to so many symbols."""

ENOUGH = 2
"""A part is fitted to that many records for each of its coefficients, or it would fit anything."""


@dataclass(frozen=True, slots=True, eq=False)
class _Split:
    """What is sought: ``sense`` (min or max) of quotients by one divisor."""

    sense: str
    target: Vector
    over: Monomials
    divisor: Expr
    divides: Vector
    problem: Scaled


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One of the two, with the share of records on which it is right; it is written down only if it is an answer."""

    split: _Split
    whole: Vector
    outside: int
    vector: Vector
    right: float

    @property
    def key(self) -> bytes:
        return self.whole.tobytes() + self.outside.to_bytes(8, "big", signed=True)

    @property
    def expr(self) -> Expr:
        return form_of(self.split.over.keys, self.whole, self.split.divisor, self.outside)


def choices(target: Vector, degrees: Sequence[Monomials], divisors: Iterable[Divisor]) -> Iterator[Expr]:
    """Minima and maxima of two quotients by the same divisor, or of a quotient and a linear form.

    One of the two is over each of the ``degrees`` in turn, the other over the first, which has the fewest monomials.
    """
    every = [(Lit(1), np.ones(len(target), np.int64)), *divisors]
    for sense in ("min", "max"):
        simple = [
            _Split(sense, target, degrees[0], *divisor, scaled(target, degrees[0], divisor[1])) for divisor in every
        ]
        for over in degrees:
            splits = [_Split(sense, target, over, *divisor, scaled(target, over, divisor[1])) for divisor in every]
            nearest = sorted(range(len(splits)), key=lambda place: _distance(splits[place]))[:DIVISORS]
            for place in nearest:
                yield from _joined(splits[place], list(dict.fromkeys([simple[place], simple[0], splits[place]])))


def _joined(split: _Split, seconds: Sequence[_Split]) -> Iterator[Expr]:
    best: dict[bytes, _Part] = {}
    tried: set[bytes] = set()
    for coefficients in _halves(split):
        for part in _parts(split, coefficients)[:1]:
            if part.key not in tried:
                tried.add(part.key)
                better = _improved(split, part)
                best[better.key] = better
    for first in sorted(best.values(), key=lambda part: -part.right)[:FIRSTS]:
        yield from _completed(first, seconds)


def _improved(split: _Split, part: _Part) -> _Part:
    """The part fitted again to the records on which it is right, as long as these become more."""
    for _ in range(ROUNDS):
        rows = part.vector == split.target
        if rows.sum() < ENOUGH * split.problem.features.shape[1]:
            break
        fitted = least_squares(split.problem.features[rows], split.problem.aim[rows])
        again = [each for fit in islice(fits(split.problem, fitted, rows), 2) for each in _parts(split, fit)[:1]]
        best = max(again, key=lambda each: each.right, default=part)
        if best.right <= part.right:
            break
        part = best
    return part


def _distance(split: _Split) -> float:
    features, aim = split.problem.features, split.problem.aim
    return float(np.mean((features @ least_squares(features, aim) - aim) ** 2))


def _halves(split: _Split) -> list[Reals]:
    """Coefficients of parts that together come near the target, the nearest first."""
    features, aim = split.problem.features, split.problem.aim
    alone = least_squares(features, aim)
    symbols = [place for place, key in enumerate(split.over.keys) if len(key) == 1]
    starts = [features @ alone < aim, *(column > np.median(column) for column in split.over.matrix.T[symbols])]
    found: list[tuple[float, Reals, Reals]] = []
    for start in starts:
        parts = _settled(split, np.asarray(start))
        if parts is not None:
            found.append(parts)
    found.sort(key=lambda entry: entry[0])
    return [
        alone,
        *fits(split.problem, alone),
        *(part for distance, *both in found[:2] if distance < CLOSE for part in both),
    ]


def _settled(split: _Split, mask: Mask) -> tuple[float, Reals, Reals] | None:
    """Two fits between which the records no longer change, without little coefficients, and how far off they are."""
    features, aim = split.problem.features, split.problem.aim
    enough = features.shape[1] + 2
    sign = 1 if split.sense == "min" else -1
    one = other = None
    for _ in range(ROUNDS):
        if not enough <= mask.sum() <= len(mask) - enough:
            break
        one, other = least_squares(features[mask], aim[mask]), least_squares(features[~mask], aim[~mask])
        again = np.asarray(sign * (features @ one - features @ other) < 0)
        if (again == mask).all():
            break
        mask = again
    if one is None or other is None or not enough <= mask.sum() <= len(mask) - enough:
        return None
    one, other = next(fits(split.problem, one, mask)), next(fits(split.problem, other, ~mask))
    both = sign * np.minimum(sign * (features @ one), sign * (features @ other))
    return float(np.sqrt(np.mean((both - aim) ** 2))), one, other


def _parts(split: _Split, coefficients: Reals) -> list[_Part]:
    """Quotients with these coefficients, rounded, that lie on one side of the target, the most often right first."""
    fit = rounded(coefficients, len(split.over.keys), split.problem.outside)
    if fit is None:
        return []
    whole, near = fit
    partial = split.over.matrix @ whole
    found: list[_Part] = []
    for outside in (0,) if near is None else (near, near - 1, near + 1):
        least = split.divides * (split.target - outside) - partial
        whole[0] = int(least.max()) if split.sense == "min" else int((least + split.divides).min()) - 1
        vector = (partial + whole[0]) // split.divides + outside
        right = float((vector == split.target).mean())
        found.append(_Part(split, whole.copy(), outside, vector, right))
    return sorted(found, key=lambda part: -part.right)


def _completed(first: _Part, splits: Sequence[_Split]) -> Iterator[Expr]:
    """The first part together with one that is right where it is not."""
    target = splits[0].target
    rest = first.vector != target
    if not rest.any():
        yield first.expr
        return
    for split in splits:
        seconds = _small(split, rest) if first.right >= MAINLY and rest.sum() >= FEWEST else []
        if rest.sum() >= ENOUGH * split.problem.features.shape[1]:
            coefficients = least_squares(split.problem.features[rest], split.problem.aim[rest])
            seconds += _parts(split, coefficients)
        for second in seconds:
            if (second.vector == target)[rest].all():
                yield Apply(split.sense, (first.expr, second.expr))


def _small(split: _Split, rest: Mask) -> list[_Part]:
    """Parts with the smallest coefficients that are right on the rest, of which there may be too few for a fit."""
    columns = [place for place in range(1, len(split.over.keys)) if place != split.problem.outside]
    if len(columns) > MOST_COLUMNS:
        return []
    grid = _grid(len(columns))
    partial = grid @ split.over.matrix[:, columns].T
    found: list[tuple[int, int, _Part]] = []
    for outside in (0,) if split.problem.outside is None else (1, 0):
        least = split.divides * (split.target - outside) - partial
        constants = least.max(axis=1) if split.sense == "min" else (least + split.divides).min(axis=1) - 1
        vectors = (partial + constants[:, None]) // split.divides + outside
        right = (vectors == split.target)[:, rest].all(axis=1)
        for place in np.flatnonzero(right):
            whole = np.zeros(len(split.over.keys), np.int64)
            whole[columns], whole[0] = grid[place], constants[place]
            share = float((vectors[place] == split.target).mean())
            found.append((int(np.abs(whole).sum()), -outside, _Part(split, whole, outside, vectors[place], share)))
    return [part for *_, part in sorted(found, key=lambda entry: entry[:2])[:FIRSTS]]


@lru_cache(maxsize=8)
def _grid(width: int) -> Vector:
    return np.array(list(product(SMALL, repeat=width)), np.int64).reshape(len(SMALL) ** width, width)
