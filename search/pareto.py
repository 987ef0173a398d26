"""Trials of several objectives compared: dominance, fronts, crowding, hypervolume; all values are to be maximised."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import inf, prod

from archsmith.graph.errors import UserError
from archsmith.search.history import Score

Point = Sequence[float]
"""The values of one trial."""


def dominates(first: Score, second: Score) -> bool:
    """Whether the first trial is better, whatever the objectives are worth: constrained domination (Deb et al. 2002).

    What meets the constraints dominates what does not, and of two that do not, the one that breaks them less.
    Otherwise the first is no worse in any objective and better in one.
    """
    if first.violation or second.violation:
        return first.violation < second.violation
    return _covers(first.values, second.values) and first.values != second.values


def pareto_front(scores: Sequence[Score]) -> list[int]:
    """The places of those that no other dominates, in order; equally good ones are all on the front."""
    return sorted(fronts(scores)[0]) if scores else []


def fronts(scores: Sequence[Score]) -> list[list[int]]:
    """The places by front: those that nothing dominates, then those that nothing else does, and so on.

    Non-dominated sorting by insertion into an order in which nothing is dominated by what follows (Zhang et al. 2015):
    O(n log n) for up to two objectives, at worst O(m n^2) for m.

    Raises:
        UserError: the scores have different numbers of values.
    """
    counts = sorted({len(score.values) for score in scores})
    if len(counts) > 1:
        raise UserError(f"trials are compared by as many values each; got scores of {counts[0]} and of {counts[-1]}")
    met = [place for place, score in enumerate(scores) if not score.violation]
    met.sort(key=lambda place: scores[place].values, reverse=True)
    sort = _planar_fronts if counts and counts[0] <= 2 else _general_fronts
    broken: dict[float, list[int]] = {}
    for place, score in enumerate(scores):
        if score.violation:
            broken.setdefault(score.violation, []).append(place)
    return sort(met, [score.values for score in scores]) + [broken[violation] for violation in sorted(broken)]


def _planar_fronts(places: Sequence[int], values: Sequence[Point]) -> list[list[int]]:
    """Every front is known by its greatest last value so far, which falls from front to front."""
    found: list[list[int]] = []
    falling: list[float] = []  # negated, so that they rise
    before: Point | None = None
    at = 0
    for place in places:
        if values[place] != before:
            before = values[place]
            # The first front whose greatest is less: what is not covered in the last value is in none of the others.
            at = bisect_right(falling, -before[-1])
            if at == len(found):
                found.append([])
            falling[at : at + 1] = [-before[-1]]
        found[at].append(place)
    return found


def _general_fronts(places: Sequence[int], values: Sequence[Point]) -> list[list[int]]:
    found: list[list[int]] = []
    for place in places:
        point = values[place]
        for front in found:
            # The last ones are the nearest in the order, and so the likeliest to dominate.
            if not any(_covers(values[other], point) and values[other] != point for other in reversed(front)):
                front.append(place)
                break
        else:
            found.append([place])
    return found


def crowding(points: Sequence[Point]) -> list[float]:
    """How much room each point of a front has to itself: crowding distance (Deb et al. 2002).

    It is the sum, over the objectives, of how far apart its two neighbours are, as a part of the whole range. The best
    and the worst in any objective have infinitely much.
    """
    room = [0.0] * len(points)
    for objective in range(len(points[0]) if points else 0):
        order = sorted(range(len(points)), key=lambda place: points[place][objective])
        ranked = [points[place][objective] for place in order]
        room[order[0]] = room[order[-1]] = inf
        extent = ranked[-1] / 2 - ranked[0] / 2  # halved first: values may be as far apart as numbers go
        for at in range(1, len(order) - 1) if extent > 0 else ():
            room[order[at]] += (ranked[at + 1] / 2 - ranked[at - 1] / 2) / extent
    return room


def hypervolume(points: Iterable[Point], reference: Point) -> float:
    """The volume of all that some point dominates and that dominates the ``reference``, exactly, in any dimension.

    A point that is not better than the reference in every objective adds nothing. Two objectives take O(n log n); with
    more of them the cost grows exponentially in their number (the recursion of While et al. 2012, which takes the
    points in the order of the last objective and loses that one at every level).

    Raises:
        UserError: a point has not as many values as the reference, or the reference has none.
    """
    if not reference:
        raise UserError("a hypervolume needs a reference of at least one value; got none")
    above: list[tuple[float, ...]] = []
    for point in points:
        if len(point) != len(reference):
            raise UserError(f"a hypervolume's points have as many values as its reference; got {point!r}")
        if all(value > least for value, least in zip(point, reference, strict=True)):
            above.append(tuple(float(value - least) for value, least in zip(point, reference, strict=True)))
    return _volume(above)


def _volume(points: list[tuple[float, ...]]) -> float:
    """That of boxes with one corner at the origin."""
    if not points:
        return 0.0
    if len(points[0]) == 1:
        return max(points)[0]
    if len(points[0]) == 2:
        return _area(points)
    total = 0.0
    rising = sorted(_maximal(points), key=lambda point: point[-1])
    for at, (*rest, last) in enumerate(rising):
        # All that follow are at least as large in the last objective: what they leave of this box is a cylinder.
        common = [tuple(map(min, rest, other)) for other in rising[at + 1 :]]
        total += last * (prod(rest) - _volume(common))
    return total


def _area(points: Iterable[tuple[float, ...]]) -> float:
    area, height = 0.0, 0.0
    for width, top in sorted(points, reverse=True):
        if top > height:
            area += width * (top - height)
            height = top
    return area


def _maximal(points: Iterable[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Those that no other covers, each once."""
    found: list[tuple[float, ...]] = []
    for point in sorted(set(points), reverse=True):
        if not any(_covers(other, point) for other in found):
            found.append(point)
    return found


def _covers(first: Point, second: Point) -> bool:
    """Whether the first is no worse in any value."""
    return all(a >= b for a, b in zip(first, second, strict=True))
