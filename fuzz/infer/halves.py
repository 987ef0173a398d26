"""Products of one expression in two directions, as the number of windows in a plane is one.

``t = f(a)*f(b)`` with the symbols of one direction each: every record is an edge between its two directions' values.
Where a record has the same values in both, ``f`` is a square root there; from there it is known along every edge, and
is then a column like any other. Records that do not agree show at once that there is no such product.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from archsmith.fuzz.infer.columns import Columns, Vector

FEWEST = 8
"""Of fewer values of one direction nothing is concluded."""

SCALES = 6
"""Where no record has equal values in both directions, so many factors are tried for one of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Half:
    """What one direction accounts for: its symbols, its factor, and what these symbols are called in the other one."""

    columns: Columns
    factor: Vector
    renamed: dict[str, str]


def halves(target: Vector, columns: Columns) -> Iterator[Half]:
    """Factors of one direction that explain the target together with those of the other, where that may be."""
    one, other, shared = directions(columns.names)
    if not one:
        return
    some = target > 0
    names = (*one, *shared)
    both = [columns.only(part).matrix[some] for part in (names, (*other, *shared))]
    every, places = np.unique(np.concatenate(both), axis=0, return_inverse=True)
    left, right = places.reshape(2, -1)
    renamed = {**dict(zip(one, other, strict=True)), **{name: name for name in shared}}
    for start in _starts(target[some], left, right, len(every)):
        factor = _spread(target[some], left, right, start)
        if factor is not None and (factor > 0).sum() >= FEWEST:
            yield Half(Columns(names, every[factor > 0]), factor[factor > 0], renamed)


def directions(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The last two entries of each tensor or list, as ``kernel_0`` and ``kernel_1``, and what has only one."""
    stems: dict[str, list[str]] = {}
    for name in names:
        stem, _, place = name.rpartition("_")
        stems.setdefault(stem if stem and place.isdigit() else name, []).append(name)
    pairs = [sorted(entries, key=_number)[-2:] for entries in stems.values() if len(entries) > 1]
    shared = tuple(entries[0] for entries in stems.values() if len(entries) == 1)
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs), shared


def _number(name: str) -> int:
    return int(name.rpartition("_")[2])


def _starts(target: Vector, left: Vector, right: Vector, count: int) -> Iterator[Vector]:
    """Factors that are known for a beginning, 0 for the others."""
    same = left == right
    start = np.zeros(count, np.int64)
    if same.any():
        roots = np.rint(np.sqrt(target[same].astype(np.float64))).astype(np.int64)
        if np.array_equal(roots**2, target[same]):
            start[left[same]] = roots
            yield start
    elif len(left):
        busiest = int(np.bincount(np.concatenate([left, right])).argmax())
        common = gcd(*target[(left == busiest) | (right == busiest)].tolist())
        for scale in [number for number in range(1, common + 1) if common % number == 0][:SCALES]:
            start = np.zeros(count, np.int64)
            start[busiest] = scale
            yield start


def _spread(target: Vector, left: Vector, right: Vector, start: Vector) -> Vector | None:
    """The factors that follow from the known ones; None if records disagree."""
    factor = start.copy()
    while True:
        known = factor > 0
        for here, there in ((left, right), (right, left)):
            open_ = known[here] & ~known[there]
            rest, left_over = np.divmod(target[open_], factor[here[open_]])
            if left_over.any():
                return None
            factor[there[open_]] = rest
        if (known == (factor > 0)).all():
            break
    told = (factor[left] > 0) & (factor[right] > 0)
    return factor if np.array_equal((factor[left] * factor[right])[told], target[told]) else None
