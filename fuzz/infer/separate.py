"""What tells calls that run from calls that are refused: few, simple predicates that hold on all valid rows.

Greedy weighted set cover over candidates of rising cost, then what is no longer needed is dropped. A predicate is
taken only if what it alone rejects is worth its cost, so that a single odd row is left unexplained, and said to be,
rather than explained by an accident.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archsmith.fuzz.infer.columns import Columns, Mask, Vector
from archsmith.fuzz.infer.predicates import Candidate, Pool, offer_known
from archsmith.fuzz.infer.table import Table, Weights, table
from archsmith.fuzz.infer.tiers import TIERS
from archsmith.graph.expr import Expr


@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """Predicates that hold on all valid rows, and the places of the refused rows that none of them rejects."""

    requires: tuple[Expr, ...]
    unexplained: Vector


def separate(
    valid: Columns,
    refused: Columns,
    *,
    groups: Sequence[Sequence[str]] = (),
    known: Sequence[Expr] = (),
    effort: int = 1,
) -> Separation:
    """Predicates that hold on all valid rows and together reject as many refused rows as simple ones can.

    ``groups`` are the sizes of each tensor, ``known`` are predicates that are likely: of other operators, or that a
    learned size is not negative. ``effort`` 0 tries only those and comparisons of two symbols. Rows that are both
    valid and refused stay unexplained.
    """
    if not valid.count or not refused.count:
        return Separation((), np.arange(refused.count))
    data = table(valid, refused, groups)
    pool = Pool()
    offer_known(pool, data, known)
    best: list[Candidate] = []
    for number, tier in enumerate(TIERS[: 1 if effort == 0 else len(TIERS)]):
        doubtful = ~_explained(best, data, firmly=number < 2)
        if number and not doubtful.any():
            break
        tier(pool, data, doubtful)
        best = min(best, _cover(pool, data), key=lambda chosen: _length(chosen, data))
    return Separation(tuple(candidate.expr for candidate in best), np.flatnonzero(~_rejected(best, data)))


def _rejected(chosen: Sequence[Candidate], data: Table) -> Mask:
    none = np.zeros((1, len(data.weights)), bool)
    return np.asarray(np.concatenate([none, *(candidate.rejects[None] for candidate in chosen)]).any(axis=0))


FIRM = 0.7
"""A predicate that costs at most this part of its worth is not questioned by products and sums."""


def _explained(chosen: Sequence[Candidate], data: Table, *, firmly: bool) -> Mask:
    """Which refused rows are rejected by a predicate that is no accident; ``firmly``: that is well worth its cost."""
    good = [
        candidate
        for candidate, alone in zip(chosen, _alone(chosen, data), strict=True)
        if not candidate.accidental and (not firmly or candidate.cost <= FIRM * _worth(alone))
    ]
    return _rejected(good, data)


def _worth(weight: float) -> float:
    """The cost that rejecting rows of that weight justifies."""
    return float(2.2 + 1.3 * np.log2(1 + weight))


def _alone(chosen: Sequence[Candidate], data: Table) -> list[float]:
    """The weight of the rows that each predicate alone rejects."""
    if not chosen:
        return []
    rejects = np.array([candidate.rejects for candidate in chosen])
    only = rejects & (rejects.sum(axis=0) == 1)
    return [float(weight) for weight in only @ data.weights]


def _length(chosen: Sequence[Candidate], data: Table) -> float:
    """What an explanation costs: its predicates, and the rows that it leaves."""
    left = float(data.weights[~_rejected(chosen, data)].sum())
    return sum(candidate.cost for candidate in chosen) + left


def _cover(pool: Pool, data: Table) -> list[Candidate]:
    candidates = sorted(pool.best.values(), key=lambda candidate: (candidate.cost, candidate.text))
    if not candidates:
        return []
    rejects = np.array([candidate.rejects for candidate in candidates])
    costs = np.array([candidate.cost for candidate in candidates])
    covers = [_needed(_greedy(rejects, costs, data.weights, thrift), rejects, costs) for thrift in THRIFTS]
    return min(([candidates[place] for place in cover] for cover in covers), key=lambda chosen: _length(chosen, data))


THRIFTS = (1.0, 0.5, 2.0)
"""Powers of the cost by which what a candidate rejects is divided; the shortest of the covers counts."""


def _greedy(rejects: Mask, costs: Weights, weights: Weights, thrift: float) -> list[int]:
    """At each step the candidate that rejects most for its cost of what is left."""
    left = weights.copy()
    chosen: list[int] = []
    while True:
        gains = rejects @ left
        worth = 2.2 + 1.3 * np.log2(1 + gains)
        scores = np.where((gains > 0) & (costs <= worth), gains / costs**thrift, 0.0)
        place = int(scores.argmax())
        if scores[place] <= 0:
            return chosen
        chosen.append(place)
        left[rejects[place]] = 0.0


def _needed(chosen: list[int], rejects: Mask, costs: Weights) -> list[int]:
    """The chosen ones without those whose rows others reject too, the dearest going first."""
    kept = list(chosen)
    for place in sorted(chosen, key=lambda place: -costs[place]):
        others = [other for other in kept if other != place]
        if others and not (rejects[place] & ~rejects[others].any(axis=0)).any():
            kept = others
    return kept
