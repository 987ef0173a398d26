"""What a searcher was told, and which architectures are thereby known.

An architecture that was measured or is pending is not worth a second trial. Answers say quickly whether a trace is
known; whether another trace is the same architecture says its identity, which may need the network built, so it is
asked once for every trace.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from random import Random

from archsmith.search.searcher import Values
from archsmith.spaces.decisions import Decision, Label, Prefix, Space, Trace
from archsmith.spaces.proposals import answer_trace, identity_of
from archsmith.spaces.sampling import DeadEnds

TRIES = 32
"""Known proposals in a row after which the space is asked what it has left."""

WALKS = 20_000
"""Known architectures met while looking for one that is not, before a known one is given again."""

Answers = frozenset[tuple[str, Label]]
"""What a trace answers, whatever the order: a trace that comes back from a store may have lost it."""


@dataclass(frozen=True, slots=True)
class Score:
    """What came of a trial: a number for each objective, to be maximised, and by how much constraints are broken."""

    values: tuple[float, ...]
    violation: float = 0.0

    @property
    def value(self) -> float:
        """That of the only objective, or of the first."""
        return self.values[0]

    @property
    def rank(self) -> tuple[float, float]:
        """Orders trials of one objective: what meets the constraints before what does not, less broken before more."""
        return -self.violation, self.value


@dataclass(frozen=True, slots=True)
class Told:
    """A trace that was told; without a score if it could not be measured."""

    trace: Trace
    score: Score | None


@dataclass(slots=True)
class History:
    """All that was told, in that order. Beside it stands only what can be found out again from it and a space.

    ``retold`` counts how often another score took the place of one that was told before.
    """

    trials: list[Told] = field(default_factory=list)
    retold: int = 0
    _order: list[tuple[tuple[float, float], int]] = field(default_factory=list)
    _places: dict[Answers, int] = field(default_factory=dict)
    _memo: "_Memo | None" = None

    def add(self, trace: Trace, values: Values, violation: float = 0.0) -> Told:
        """Note what came of a trial; what is told of the same trace later, after more epochs, takes its place.

        This keeps the place that the trace had.
        """
        trial = Told(trace, scored(values, violation))
        place = self._places.setdefault(frozenset(trace.answers), len(self.trials))
        if place == len(self.trials):
            self.trials.append(trial)
        else:
            old, self.trials[place] = self.trials[place].score, trial
            self.retold += old != trial.score
            if old is not None:
                del self._order[bisect_left(self._order, (old.rank, -place))]
        if trial.score is not None:
            insort(self._order, (trial.score.rank, -place))
        return trial

    @property
    def best(self) -> Told | None:
        """The best trial; among equally good ones the first."""
        return self.trials[-self._order[-1][1]] if self._order else None

    def top(self, count: int) -> list[Told]:
        """The best ``count`` trials that have a score, the best first; among equally good ones the first."""
        return [self.trials[-place] for _, place in self._order[: -count - 1 : -1]]

    def measured(self) -> list[Told]:
        """The trials that have a score."""
        return [trial for trial in self.trials if trial.score is not None]

    def place(self, trace: Trace) -> int | None:
        """Where among ``trials`` the trace stands, in whatever order its answers are; None if it was not told."""
        return self._places.get(frozenset(trace.answers))

    def identity(self, space: Space, trace: Trace) -> Hashable:
        """``identity_of``, asked once for every trace."""
        return self._known(space).identity(trace)

    def knows(self, space: Space, trace: Trace) -> bool:
        """Whether this architecture was told, by this trace or another."""
        return not self._known(space).is_new(trace, set())

    def unseen(
        self, space: Space, propose: Callable[[], Trace], pending: Sequence[Trace], rng: Random, *, tries: int = TRIES
    ) -> Trace:
        """The first proposal that is a new architecture; if ``tries`` of them are none, any other of the space.

        Only where the space has no other, or none was found, a known one comes a second time.
        """
        memo = self._known(space)
        waiting = {frozenset(trace.answers) for trace in pending}
        same = {memo.identity(trace) for trace in pending}
        trace: Trace | None = None
        for _ in range(tries):
            trace = propose()
            answers = frozenset(trace.answers)
            if answers not in self._places and answers not in waiting and memo.is_new(trace, same):
                return trace
        other = memo.other(self.trials, same, rng)
        return other or trace or propose()

    def _known(self, space: Space) -> "_Memo":
        if self._memo is None or self._memo.space is not space:
            self._memo = _Memo(space)
        self._memo.learn(trial.trace for trial in self.trials[self._memo.learnt :])
        return self._memo


@dataclass(slots=True)
class _Memo:
    """The architectures of a history in one space; ``closed`` are the first ``buried`` traces that were told.

    It holds nothing that depends on what was asked: an ask would then not be the same a second time.
    """

    space: Space
    learnt: int = 0
    buried: int = 0
    architectures: set[Hashable] = field(default_factory=set)
    identities: dict[Answers, Hashable] = field(default_factory=dict)
    closed: DeadEnds = field(default_factory=DeadEnds)
    exhausted: bool = False

    def learn(self, told: Iterable[Trace]) -> None:
        for trace in told:
            self.architectures.add(self.identity(trace))
            self.learnt += 1

    def identity(self, trace: Trace) -> Hashable:
        answers = frozenset(trace.answers)
        found = self.identities.get(answers)
        if found is None:
            found = self.identities[answers] = identity_of(self.space, trace)
        return found

    def is_new(self, trace: Trace, waiting: set[Hashable]) -> bool:
        identity = self.identity(trace)
        return identity not in self.architectures and identity not in waiting

    def other(self, told: Sequence[Told], waiting: set[Hashable], rng: Random) -> Trace | None:
        """A random trace of what is not known yet; None where nothing is left, or after ``WALKS`` known ones.

        Other traces of known architectures are closed for this once.
        """
        for trial in told[self.buried :]:
            self.closed.bury(answer_trace(self.space, _as_told(trial.trace)))
        self.buried = len(told)
        closed = DeadEnds(under=self.closed)
        for _ in range(WALKS):
            if self.exhausted or closed.everything:
                self.exhausted |= not waiting
                return None
            walked = answer_trace(self.space, _around(closed, rng))
            if self.is_new(walked.trace, waiting):
                return walked.trace
            closed.bury(walked)
        return None


def _as_told(trace: Trace) -> Callable[[Decision, Prefix], Label]:
    given = trace.as_dict()
    return lambda decision, prefix: given[decision.name]


def _around(closed: DeadEnds, rng: Random) -> Callable[[Decision, Prefix], Label]:
    def answer(decision: Decision, prefix: Prefix) -> Label:
        live = closed.live(decision, prefix)
        if not live:
            return decision.options[0]  # other options are open only where the space would not lead
        options = decision.narrowed(live)
        return live[0] if options.weights is None and len(live) == 1 else _drawn(options, rng)

    return answer


def _drawn(decision: Decision, rng: Random) -> Label:
    if decision.weights is None:
        return rng.choice(decision.options)
    return rng.choices(decision.options, decision.weights)[0]


def scored(values: Values, violation: float = 0.0) -> Score | None:
    """The score of what was told; None if a value is not finite, or is missing."""
    if values is None:
        return None
    given = tuple(values) if isinstance(values, Sequence) else (values,)
    if not given or not all(map(_finite, (*given, violation))):
        return None
    return Score(tuple(map(float, given)), max(0.0, float(violation)))


def _finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # a whole number beyond what a float can hold
        return False
