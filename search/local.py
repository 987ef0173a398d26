"""Local search (White et al. 2021): from an architecture to a better neighbour, for as long as it has one."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from math import inf
from random import Random

from archsmith.search.history import TRIES, Answers, History, Told
from archsmith.search.options import check_whole
from archsmith.search.searcher import Values
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.proposals import draw_trace, neighbour_traces


class LocalSearch:
    """Asks the neighbours of a centre in a random order, and moves to the first better one.

    Neighbours differ in one answer. The first centre is the best of ``initial`` random traces. Where all neighbours are
    known and none is better, a random trace is the next centre. Of what other workers still had pending when the search
    moved on, a better one is moved to as well.
    """

    def __init__(self, *, initial: int = 10) -> None:
        check_whole("local search's initial", initial, 1)
        self._initial = initial
        self._history = History()
        self._climb: _Climb | None = None

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """A neighbour of the centre that is not known; a random trace where there is none."""
        near = self._climbed(space).near()
        left = iter(rng.sample(near, len(near)))
        return self._history.unseen(
            space, lambda: next(left, None) or draw_trace(space, rng), pending, rng, tries=len(near) + TRIES
        )

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        """Notes the trial; the next ``ask`` moves."""
        if self._climb is not None and self._history.place(trace) is not None:
            self._climb.begin_again()
        self._history.add(trace, values, violation)

    def _climbed(self, space: Space) -> "_Climb":
        """Where all that was told has led to; what it was the last time is gone on from."""
        if self._climb is None or self._climb.space is not space:
            self._climb = _Climb(space, self._history, self._initial)
        climb = self._climb
        for trial in self._history.trials[climb.passed :]:
            climb.step(trial)
        return climb


@dataclass(slots=True)
class _Climb:
    """Where a climb stands after the first ``passed`` trials of a history.

    ``spare`` is the best trial elsewhere of those told since the centre was reached. Neighbours are looked up once.
    """

    space: Space
    history: History
    initial: int
    passed: int = 0
    centre: Told | None = None
    spare: Told | None = None
    _left: list[Trace] | None = None
    _known: set[Hashable] = field(default_factory=set)
    _neighbours: dict[Answers, dict[Answers, Trace]] = field(default_factory=dict)

    def begin_again(self) -> None:
        self.passed, self.centre, self.spare, self._left = 0, None, None, None
        self._known.clear()

    def near(self) -> list[Trace]:
        """The centre's neighbours, without some that are known; none before the first centre is chosen."""
        if self.centre is None or self.passed < self.initial:
            return []
        if self._left is None:
            self._left = list(self._around(self.centre).values())
        return self._left

    def step(self, trial: Told) -> None:
        """Go on by what was told next."""
        self.passed += 1
        self._known.add(self.history.identity(self.space, trial.trace))
        if _rank(trial) > _rank(self.centre):
            self._move(trial)
        elif _rank(trial) > _rank(self.spare) and frozenset(trial.trace.answers) not in self._around(self.centre):
            self.spare = trial
        if self.spare is not None and self.passed >= self.initial and self._exhausted():
            self._move(self.spare)

    def _move(self, trial: Told) -> None:
        self.centre, self.spare, self._left = trial, None, None

    def _around(self, centre: Told | None) -> dict[Answers, Trace]:
        if centre is None:
            return {}
        here = frozenset(centre.trace.answers)
        if here not in self._neighbours:
            near = neighbour_traces(self.space, centre.trace)
            self._neighbours[here] = {frozenset(trace.answers): trace for trace in near}
        return self._neighbours[here]

    def _exhausted(self) -> bool:
        """Whether all neighbours are known; looks into each once, as that may need its network built."""
        left = self.near()
        while left and self.history.identity(self.space, left[-1]) in self._known:
            left.pop()
        return not left


def _rank(trial: Told | None) -> tuple[float, float]:
    """Orders trials; one without a score is behind all others."""
    return (-inf, -inf) if trial is None or trial.score is None else trial.score.rank
