"""NSGA-II (Deb et al. 2002): evolution towards the whole Pareto front of several objectives, under constraints."""

from collections.abc import Sequence
from random import Random

from archsmith.search.generations import Generations
from archsmith.search.history import History, Told
from archsmith.search.options import check_share, check_whole
from archsmith.search.pareto import crowding, fronts
from archsmith.search.searcher import Values
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.proposals import cross_traces, draw_trace, mutate_trace


class NSGA2:
    """Parents are the trials of the first fronts, and of the last of these the ones with most room to themselves.

    A parent is the better of two drawn, by front and then by room. A child is a crossover of two parents with
    probability ``crossover``, which is then mutated with probability ``mutation``, and otherwise one parent mutated.
    What breaks constraints is dominated by what does not. With ``offspring`` 1 the parents are chosen anew after every
    trial (the steady state of Durillo et al. 2009), which suits asynchronous workers and few trials; the paper's
    generations are ``offspring`` as large as ``population``.
    """

    def __init__(
        self, *, population: int = 20, offspring: int = 1, crossover: float = 0.9, mutation: float = 0.5
    ) -> None:
        check_whole("nsga2's population", population, 2)
        check_whole("nsga2's offspring", offspring, 1)
        check_share("nsga2's crossover", crossover)
        check_share("nsga2's mutation", mutation)
        self._population = population
        self._crossover = crossover
        self._mutation = mutation
        self._history = History()
        self._generations = Generations(population, offspring, self._select)

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """A random trace until ``population`` of them were told or are pending; a child from then on."""
        parents = self._generations.parents(self._history, len(pending))
        if not parents:
            return self._history.unseen(space, lambda: draw_trace(space, rng), pending, rng)
        return self._history.unseen(space, lambda: self._child(space, parents, rng), pending, rng)

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        """Adds a trial to the generation; one that could not be measured never is a parent."""
        place = self._history.place(trace)
        self._history.add(trace, values, violation)
        if place is not None:
            self._generations.retell(place)

    def _child(self, space: Space, parents: Sequence[Told], rng: Random) -> Trace:
        mother = _winner(parents, rng)
        if rng.random() >= self._crossover:
            return mutate_trace(space, mother, rng)
        child = cross_traces(space, mother, _winner(parents, rng), rng)
        return mutate_trace(space, child, rng) if rng.random() < self._mutation else child

    def _select(self, trials: Sequence[Told]) -> list[int]:
        return ranked(trials)[: self._population]


def _winner(parents: Sequence[Told], rng: Random) -> Trace:
    """That of a binary tournament; the parents come the best first."""
    return parents[min(rng.randrange(len(parents)), rng.randrange(len(parents)))].trace


def ranked(trials: Sequence[Told]) -> list[int]:
    """The places of trials that have a score, by front, and within a front those with most room first."""
    scores = [trial.score for trial in trials if trial.score is not None]
    order = list[int]()
    for front in fronts(scores):
        room = crowding([scores[place].values for place in front])
        order += [place for _, place in sorted(zip(room, front, strict=True), key=lambda entry: -entry[0])]
    return order
