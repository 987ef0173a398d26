"""Regularized evolution (Real et al. 2019): mutation, tournaments and death of old age."""

from collections import deque
from collections.abc import Sequence
from random import Random

from archsmith.search.history import History, Told
from archsmith.search.options import check_whole
from archsmith.search.pareto import pareto_front
from archsmith.search.searcher import Values
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.proposals import draw_trace, mutate_trace

DRAWN = 5


class RegularizedEvolution:
    """Mutates the best of a few members of a population in which the oldest dies, however good it was.

    A child is one mutation of the best of ``tournament`` members, drawn with replacement as in the paper. Of several
    objectives, or of several that are equally good, it is any of those drawn that no other of them dominates. The
    paper's sizes (100 and 25) are for thousands of trials; the defaults suit studies of fifty and more. A trial that is
    told anew does not become younger.
    """

    def __init__(self, *, population: int = 16, tournament: int | None = None) -> None:
        """Five are drawn if ``tournament`` is not given, or all of a smaller population."""
        check_whole("evolution's population", population, 2)
        self._size = population
        self._tournament = min(DRAWN, population) if tournament is None else tournament
        check_whole("evolution's tournament", self._tournament, 1, population)
        self._population: deque[Told] = deque()
        self._history = History()

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """A random trace until ``population`` of them were told or are pending; a child from then on."""
        starting = len(self._population) + len(pending) < self._size
        if starting or not self._population:
            return self._history.unseen(space, lambda: draw_trace(space, rng), pending, rng)
        return self._history.unseen(space, lambda: self._child(space, rng), pending, rng)

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        """Adds a member, whereupon the oldest dies; a trace that could not be measured never is a member."""
        known = self._history.place(trace) is not None
        trial = self._history.add(trace, values, violation)
        if known:
            self._population = deque(self._history.measured()[-self._size :])
        elif trial.score is not None:
            self._population.append(trial)
        if len(self._population) > self._size:
            self._population.popleft()

    def _child(self, space: Space, rng: Random) -> Trace:
        drawn = rng.choices(self._population, k=self._tournament)
        front = pareto_front([trial.score for trial in drawn if trial.score is not None])
        return mutate_trace(space, drawn[rng.choice(front)].trace, rng)
