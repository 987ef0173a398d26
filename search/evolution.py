"""Regularized evolution (Real et al. 2019): mutation, tournaments and death of old age."""

from collections import deque
from collections.abc import Sequence
from random import Random

from archsmith.graph.errors import UserError
from archsmith.search.history import History, Score
from archsmith.search.searcher import Values
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.proposals import draw_trace, mutate_trace


class RegularizedEvolution:
    """Mutates the best of a few members of a population in which the oldest dies, however good it was.

    A child is one mutation of the best of ``tournament`` members, drawn with replacement as in the paper. The
    paper's sizes (100 and 25) are for thousands of trials; the defaults suit studies of fifty and more.
    """

    def __init__(self, *, population: int = 16, tournament: int = 5) -> None:
        check_size("population", population, 2, None)
        check_size("tournament", tournament, 1, population)
        self._size = population
        self._tournament = tournament
        self._population: deque[tuple[Trace, Score]] = deque()
        self._history = History()

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """A random trace until ``population`` of them were told or are pending; a child from then on."""
        starting = len(self._population) + len(pending) < self._size
        if starting or not self._population:
            return self._history.unseen(space, lambda: draw_trace(space, rng), pending, rng)
        return self._history.unseen(space, lambda: self._child(space, rng), pending, rng)

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        """Adds a member, whereupon the oldest dies; a trace that could not be measured never is a member."""
        score = self._history.add(trace, values, violation).score
        if score is not None:
            self._population.append((trace, score))
        if len(self._population) > self._size:
            self._population.popleft()

    def _child(self, space: Space, rng: Random) -> Trace:
        drawn = rng.choices(self._population, k=self._tournament)
        return mutate_trace(space, max(drawn, key=lambda member: member[1].rank)[0], rng)


def check_size(name: str, given: object, least: int, most: int | None) -> None:
    whole = isinstance(given, int) and not isinstance(given, bool)
    if not whole or given < least or (most is not None and given > most):  # type: ignore[operator]
        demand = f"of at least {least}" if most is None else f"from {least} to the population's {most}"
        raise UserError(f"evolution's {name} must be an integer {demand}; got {given!r}")
