"""Sequential model-based optimisation: a surrogate ranks many candidates, and the best of them is proposed.

DeepArchitect's SMBO (Negrinho & Gordon 2017), with what has been learnt since: candidates are mutations of the best
as well as random ones, and are ranked by a belief with its uncertainty instead of a mean.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import islice
from random import Random
from types import MappingProxyType

import numpy as np

from archsmith.search.acquisition import ACQUISITIONS
from archsmith.search.history import History, Told
from archsmith.search.options import check_share, check_whole, check_word
from archsmith.search.searcher import Values
from archsmith.search.surrogates.encodings import Answers, Networks, ngrams, paths, subtrees
from archsmith.search.surrogates.ensemble import Ensemble
from archsmith.search.surrogates.forest import Forest
from archsmith.search.surrogates.gaussian import Gaussian
from archsmith.search.surrogates.surrogate import Encoding, Features, Learnt, Model
from archsmith.search.surrogates.targets import targets_of
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.proposals import draw_trace, mutate_trace


@dataclass(frozen=True, slots=True)
class Surrogate:
    """An encoding and a model, how many candidates are worth their time, and what they are ranked by.

    ``growth`` is how many times as many trials must have been told before the model is learnt anew.
    """

    encode: Encoding
    model: Model
    candidates: int
    acquisition: str
    growth: float


SURROGATES: Mapping[str, Callable[[], Surrogate]] = MappingProxyType(
    {
        "pairs": lambda: Surrogate(Answers(), Gaussian(), 200, "ei", 1.3),
        "ridge": lambda: Surrogate(Networks(ngrams), Gaussian(pairs=False), 24, "ei", 1.3),
        "forest": lambda: Surrogate(Answers(), Forest(), 200, "ei", 1.15),
        "wl": lambda: Surrogate(Networks(subtrees), Gaussian(pairs=False), 24, "ei", 1.3),
        "bananas": lambda: Surrogate(Networks(paths), Ensemble(), 24, "thompson", 1.2),
    }
)
"""What each surrogate is made of. Those that look at the network itself build every candidate, so they rank fewer."""

RANDOM = 0.35
"""The part of the candidates that are random; the others are mutations of the best."""

PARENTS = 10
"""The best trials, which candidates are mutations of."""

AGAIN = 0.3
"""How likely a mutation is mutated once more."""

MOST = 400
"""Trials that a model is fitted to: of more, the best half of these and the latest."""


REMEMBERED = 20_000
"""Architectures whose features are kept."""


class SMBO:
    """Fits a surrogate to all that was told, and proposes the most promising of many candidates.

    ``surrogate`` is a name of ``SURROGATES`` or a ``Surrogate``; ``acquisition`` a name of ``ACQUISITIONS``, by default
    the surrogate's own, and ``candidates`` how many are ranked. The first ``initial`` proposals are random, and so is
    any later one with the probability ``epsilon``. Pending proposals count as told, with the value that is expected of
    them.
    """

    def __init__(
        self,
        *,
        surrogate: str | Surrogate = "pairs",
        acquisition: str | None = None,
        candidates: int | None = None,
        initial: int = 10,
        epsilon: float = 0.0,
    ) -> None:
        self._surrogate = _surrogate(surrogate)
        name = acquisition or self._surrogate.acquisition
        check_word("smbo's acquisition", name, tuple(ACQUISITIONS))
        self._candidates = self._surrogate.candidates if candidates is None else candidates
        check_whole("smbo's candidates", self._candidates, 2)
        check_whole("smbo's initial", initial, 2)
        check_share("smbo's epsilon", epsilon)
        self._acquisition = ACQUISITIONS[name]
        self._initial, self._epsilon = initial, epsilon
        self._history = History()
        self._features: dict[Trace, Features] = {}
        self._met = 0
        self._learnt: tuple[tuple[int, int], Learnt] | None = None

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """The candidate of the highest acquisition that is not known yet; a random one until enough was told."""
        starting = len(self._history.trials) + len(pending) < self._initial
        if starting or len(self._history.top(2)) < 2 or rng.random() < self._epsilon:
            return self._history.unseen(space, lambda: draw_trace(space, rng), pending, rng)
        ranked = iter(self._ranked(space, rng, pending))
        return self._history.unseen(space, lambda: next(ranked, None) or draw_trace(space, rng), pending, rng)

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        """Adds a trial to what the surrogate is fitted to; one that could not be measured counts as bad."""
        self._history.add(trace, values, violation)

    def _ranked(self, space: Space, rng: Random, pending: Sequence[Trace]) -> list[Trace]:
        """Candidates, the most promising first."""
        numbers = np.random.default_rng(rng.getrandbits(64))
        self._meet(space)
        trials = fitted(self._history.trials)
        rows = [self._encoded(space, trial.trace) for trial in trials]
        targets = targets_of([trial.score for trial in trials])
        learnt = self._learn(space)
        belief = learnt.believe(rows, targets)
        if pending:
            waiting = [self._encoded(space, trace) for trace in pending]
            expected = belief.predict(waiting)[0]
            rows, targets = [*rows, *waiting], np.concatenate([targets, expected])
            belief = learnt.believe(rows, targets)
        candidates = self._pool(space, rng)
        best = float(belief.predict([rows[place] for place in np.argsort(-targets)[:PARENTS]])[0].max())
        worth = self._acquisition(belief, [self._encoded(space, trace) for trace in candidates], best, numbers)
        return [candidates[place] for place in np.argsort(-worth, kind="stable")]

    def _meet(self, space: Space) -> None:
        """Show the encoding what was told since; what it would now encode otherwise is forgotten."""
        for trial in self._history.trials[self._met :]:
            if self._surrogate.encode.meet(space, trial.trace):
                self._features.clear()
        self._met = len(self._history.trials)

    def _learn(self, space: Space) -> Learnt:
        """The model learnt from the first trials: the same whether a study was interrupted since or not."""
        told = min(self._initial, len(self._history.trials))
        while told * self._surrogate.growth + 1 <= len(self._history.trials):
            told = int(told * self._surrogate.growth) + 1
        known = told, self._history.retold
        if self._learnt is None or self._learnt[0] != known:
            first = fitted(self._history.trials[:told])
            rows = [self._encoded(space, trial.trace) for trial in first]
            targets = targets_of([trial.score for trial in first])
            learnt = self._surrogate.model.learn(rows, targets, np.random.default_rng(told))
            self._learnt = known, learnt
        return self._learnt[1]

    def _pool(self, space: Space, rng: Random) -> list[Trace]:
        """Random traces and mutations of the best, each once."""
        best = self._history.top(PARENTS)
        pool: dict[Trace, None] = {}
        for _ in range(self._candidates):
            if rng.random() < RANDOM:
                pool[draw_trace(space, rng)] = None
                continue
            trace = mutate_trace(space, rng.choice(best).trace, rng)
            while rng.random() < AGAIN:
                trace = mutate_trace(space, trace, rng)
            pool[trace] = None
        return list(pool)

    def _encoded(self, space: Space, trace: Trace) -> Features:
        """Once for each trace, as far as they fit into memory."""
        found = self._features.get(trace)
        if found is None:
            if len(self._features) >= REMEMBERED:
                self._features.clear()
            found = self._features[trace] = self._surrogate.encode(space, trace)
        return found


def fitted(trials: Sequence[Told]) -> list[Told]:
    """Those that a model is fitted to, in the order told: all, or of more than ``MOST`` the best and the latest."""
    if len(trials) <= MOST:
        return list(trials)
    scores = [(trial.score.rank, -place) for place, trial in enumerate(trials) if trial.score is not None]
    chosen = {-place for _, place in nlargest(MOST // 2, scores)}
    latest = (place for place in reversed(range(len(trials))) if place not in chosen)
    return [trials[place] for place in sorted(chosen | set(islice(latest, MOST - len(chosen))))]


def _surrogate(given: str | Surrogate) -> Surrogate:
    if isinstance(given, Surrogate):
        return given
    check_word("smbo's surrogate", given, tuple(SURROGATES))
    return SURROGATES[given]()
