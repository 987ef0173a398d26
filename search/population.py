"""(mu+lambda) evolution: the best ``mu`` of all live on, however old (Rechenberg 1973; Schwefel 1981)."""

from collections.abc import Sequence
from random import Random

from archsmith.search.generations import Generations
from archsmith.search.history import History, Told
from archsmith.search.options import check_share, check_whole
from archsmith.search.searcher import Values
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.proposals import cross_traces, draw_trace, mutate_trace


class MuPlusLambda:
    """Each generation has ``lam`` children of the best ``mu`` trials so far, each of which is as likely a parent.

    A child is a crossover of two parents with probability ``crossover``, and otherwise one parent mutated.
    """

    def __init__(self, *, mu: int = 10, lam: int = 1, crossover: float = 0.5) -> None:
        check_whole("mu-plus-lambda's mu", mu, 1)
        check_whole("mu-plus-lambda's lam", lam, 1)
        check_share("mu-plus-lambda's crossover", crossover)
        self._mu = mu
        self._crossover = crossover
        self._history = History()
        self._generations = Generations(mu, lam, self._select)

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """A random trace until ``mu`` of them were told or are pending; a child from then on."""
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
        if len(parents) > 1 and rng.random() < self._crossover:
            mother, father = rng.sample(parents, 2)
            return cross_traces(space, mother.trace, father.trace, rng)
        return mutate_trace(space, rng.choice(parents).trace, rng)

    def _select(self, trials: Sequence[Told]) -> list[int]:
        ranks = {place: trial.score.rank for place, trial in enumerate(trials) if trial.score is not None}
        return sorted(ranks, key=lambda place: ranks[place], reverse=True)[: self._mu]
