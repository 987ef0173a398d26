"""Calls that constraints accept, and calls just beyond one of them: many, small and different from each other."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from random import Random

import numpy as np

from archsmith.fuzz.infer.columns import Mask, Vector
from archsmith.fuzz.infer.search import Demand, Search, Values
from archsmith.fuzz.infer.solver import At, Domain, valued
from archsmith.graph.expr import Apply, Expr, symbols


def models(
    requires: Sequence[Expr],
    domain: Domain,
    rng: Random,
    number: int,
    *,
    avoiding: Collection[Values] = (),
) -> Iterator[Mapping[str, int]]:
    """At most so many different assignments in the domain that meet all constraints.

    ``avoiding`` are assignments, in the order of the domain's symbols, that are not wanted. Fewer come if the search
    or the solver finds no more.
    """
    demands = [Demand(constraint) for constraint in requires]
    for row in Search.over(demands, domain, rng).found(number, avoiding):
        yield dict(zip(domain.bounds, row, strict=True))


def just_inside(
    requires: Sequence[Expr],
    which: int,
    domain: Domain,
    rng: Random,
    number: int,
    *,
    avoiding: Collection[Values] = (),
) -> Iterator[Mapping[str, int]]:
    """Assignments that meet all constraints, the one at place ``which`` as narrowly as possible, nearest first."""
    demands = [Demand(constraint) for constraint in requires]
    yield from _near(Search.over(demands, domain, rng), demands, which, number, avoiding)


def outside(
    requires: Sequence[Expr],
    which: int,
    domain: Domain,
    rng: Random,
    number: int,
    *,
    avoiding: Collection[Values] = (),
) -> Iterator[Mapping[str, int]]:
    """Assignments that break the constraint at place ``which``, as narrowly as possible, and meet all others.

    Those that differ in one symbol from one that meets all come first. There are none if the others imply it.
    """
    accepted = [Demand(constraint) for constraint in requires]
    broken = [Demand(constraint, wanted=place != which) for place, constraint in enumerate(requires)]
    taken = {*avoiding}
    search = Search.over(accepted, domain, rng)
    for row in _near(search, broken, which, number, taken):
        taken.add(tuple(row[name] for name in domain.bounds))
        number -= 1
        yield row
    yield from _near(Search.over(broken, domain, rng), broken, which, number, taken)


def _near(
    search: Search, demands: Sequence[Demand], which: int, number: int, avoiding: Collection[Values]
) -> Iterator[Mapping[str, int]]:
    """Rows that the search finds, with one symbol moved so that the demands are met with the least margin."""
    if number <= 0:
        return
    rows = np.array(list(search.found(2 * number + 16, ())), np.int64).reshape(-1, len(search.names))
    if not len(rows):
        return
    moved, margins = [rows], [_margin(demands[which].constraint, search.at(rows))]
    wanted = [np.all([np.broadcast_to(demand.met(search.at(rows)), len(rows)) for demand in demands], axis=0)]
    for name in sorted(symbols(demands[which].constraint)):
        after, margin, proper = _moved(search, demands, which, name, rows)
        moved, margins, wanted = [*moved, after], [*margins, margin], [*wanted, proper]
    every, margin, proper = np.concatenate(moved), np.concatenate(margins), np.concatenate(wanted)
    taken = {*avoiding}
    for place in np.lexsort((search.generator.random(len(every)), margin)):
        row = tuple(every[place].tolist())
        if proper[place] and row not in taken:
            taken.add(row)
            yield dict(zip(search.names, row, strict=True))
            number -= 1
        if number == 0:
            return


def _moved(
    search: Search, demands: Sequence[Demand], which: int, name: str, rows: Vector
) -> tuple[Vector, Vector, Mask]:
    """The rows with the value of one symbol that brings them nearest to a constraint's edge; margins; where proper."""
    candidates = search.candidates(name)
    at = search.at(rows, name, candidates)
    shape = (len(rows), len(candidates))
    proper = np.ones(shape, bool)
    for demand in (*demands, *map(Demand, search.domain.always)):
        if name in symbols(demand.constraint) or demand in demands:
            proper &= demand.met(at)
    margin = np.broadcast_to(_margin(demands[which].constraint, at), shape)
    place = search.place[name]
    distance = np.abs(candidates[None, :] - rows[:, place, None])
    score = np.where(proper, margin * 1000 + np.minimum(distance, 999), np.iinfo(np.int64).max)
    best = score.argmin(axis=1)
    each = np.arange(len(rows))
    after = rows.copy()
    after[:, place] = candidates[best]
    return after, score[each, best], proper[each, best]


def _margin(constraint: Expr, at: At) -> Vector:
    """How far from its edge a constraint is, met or broken: the difference of the sides that are compared."""
    match constraint:
        case Apply("or" | "and", (left, right)):
            return np.minimum(_margin(left, at), _margin(right, at))
        case Apply("==" | "!=" | "<" | "<=" | ">" | ">=", (left, right)):
            return np.asarray(np.abs(valued(left, at)[0] - valued(right, at)[0]))
        case _:
            return np.asarray(0, np.int64) + sum(0 * at[name] for name in symbols(constraint))
