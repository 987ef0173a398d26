"""Monte Carlo tree search over the tree of decisions (Kocsis & Szepesvari 2006)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from random import Random
from types import MappingProxyType

from archsmith.graph.errors import UserError
from archsmith.search.descent import Bounds, Descent
from archsmith.search.history import Answers, History, Told
from archsmith.search.rewards import Rewards
from archsmith.search.rollouts import Experience, guide_by
from archsmith.search.searcher import Values
from archsmith.search.tree import Tree, drawn
from archsmith.spaces.decisions import Decision, Label, Prefix, Space, Trace, following
from archsmith.spaces.proposals import answer_trace, draw_trace

BACKUPS = MappingProxyType({"mean": 0.0, "blend": 0.5, "best": 1.0})
"""How much of a node's value is its best reward; the rest is the mean."""

GUIDES = 4
"""So many of the best trials guide."""

GROWTH = 1.15
"""Rewards of all trials are found out again each time that there are so many times as many."""


class MCTS:
    """Descends the tree of decisions by upper confidence bounds and answers the rest by rollouts.

    A trial grows the tree by one node. Rewards are ranks among all that was told, by the first objective where there
    are several. With ``rollouts="uniform"`` and ``backup="mean"`` it is plain UCT; with ``bisect=True`` beside them,
    DeepArchitect's with restructuring.

    Args:
        exploration: the factor of UCB1's second term.
        rollouts: "guided" by the best trials and the statistics of all, or "uniform".
        backup: a node's value is the "mean" of its rewards, its "best" one, or half of each ("blend").
        bisect: ordered decisions are a row of halvings.
        widening: (k, alpha), so that a node of n trials has ``k * n**alpha`` children to choose from.
        simulations: how many are compared for a trial, where they are guided.
        changes: how many answers of the trial that it follows a guided simulation changes on average, beside one.
        curiosity: how much an estimate gains where answers were never seen together.
        trust: by how much the bounds of two children differ for e times the chance of the better one, where guided.
        start: trials at random, before any are guided.

    Raises:
        UserError: an option does not take that value.
    """

    def __init__(
        self,
        *,
        exploration: float = 0.1,
        rollouts: str = "guided",
        backup: str = "blend",
        bisect: bool = False,
        widening: Sequence[float] | None = None,
        simulations: int = 8,
        changes: float = 1.5,
        curiosity: float = 0.4,
        trust: float = 0.5,
        start: int = 6,
    ) -> None:
        _demand("rollouts", rollouts, "guided or uniform", met=rollouts in ("guided", "uniform"))
        _demand("backup", backup, "mean, blend or best", met=backup in BACKUPS)
        _demand("bisect", bisect, "true or false", met=isinstance(bisect, bool))
        for name, number in (("exploration", exploration), ("changes", changes), ("curiosity", curiosity)):
            _demand(name, number, "a number of at least 0", met=_number(number) and number >= 0)
        _demand("trust", trust, "a number above 0", met=_number(trust) and trust > 0)
        for name, count in (("simulations", simulations), ("start", start)):
            met = _number(count) and isinstance(count, int) and count >= 1
            _demand(name, count, "an integer of at least 1", met=met)
        self._bounds = Bounds(exploration, BACKUPS[backup], trust, _widening(widening))
        self._guided = rollouts == "guided"
        self._bisect = bisect
        self._simulations = simulations
        self._changes = changes
        self._curiosity = curiosity
        self._start = start
        self._history = History()
        self._view: _View | None = None

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """The simulation of the greatest worth that is a new architecture."""
        view = self._learnt(space)
        descent = Descent(view.tree, view.experience, view.tree.flying(pending), self._bounds)
        guides = [trial.trace for trial in self._history.top(GUIDES)] if self._guided else []
        if self._guided and (not guides or len(self._history.trials) + len(pending) < self._start):
            return self._history.unseen(space, lambda: draw_trace(space, rng), pending, rng)

        def simulated() -> Trace:
            guide = guide_by(guides, self._changes, rng) if guides else None
            return answer_trace(space, descent.answers(guide, rng)).trace

        if not guides:
            return self._history.unseen(space, simulated, pending, rng)
        best = iter(self._best(view, [simulated() for _ in range(self._simulations)], pending))
        return self._history.unseen(space, lambda: next(best, None) or simulated(), pending, rng)

    def _best(self, view: "_View", traces: Sequence[Trace], pending: Sequence[Trace]) -> list[Trace]:
        """The traces that were not told, those of the greatest worth first."""
        flying = view.experience.seen_in(pending)
        fresh = [trace for trace in dict.fromkeys(traces) if frozenset(trace.answers) not in view.known]
        return sorted(fresh, key=lambda trace: -view.experience.worth(trace, self._curiosity, flying))

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        """Notes the trial; the tree grows by it when it is next asked."""
        self._history.add(trace, values, violation)

    def drawn(self, space: Space, *, depth: int | None = None) -> str:
        """The tree of what was told, as text; see ``archsmith.search.tree.drawn``."""
        return drawn(self._learnt(space).tree, depth=depth)

    def _learnt(self, space: Space) -> "_View":
        view = self._view
        if view is None or view.space is not space:
            view = self._view = _View(space, Tree(self._bisect), self._guided)
        view.learn(self._history)
        return view


@dataclass(slots=True)
class _View:
    """What was told, as seen in one space: a fold over the trials, so that it can be found out again.

    Only guided rollouts need the experience. All that was learned depends on rewards as they were at the last refresh,
    of the first ``fitted`` trials, and as they came after it. So where a trial is told again, that is done again
    from there on; where it stands in the tree stays.
    """

    space: Space
    tree: Tree
    guided: bool
    rewards: Rewards = field(default_factory=Rewards)
    experience: Experience = field(default_factory=Experience)
    trials: list[Told] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    known: set[Answers] = field(default_factory=set)
    folded: int = 0
    fitted: int = 0
    retold: int = 0
    due: float = 1.0

    def learn(self, history: History) -> None:
        stale = self.retold != history.retold
        if stale:
            self.retold = history.retold
            self.trials = [history.trials[place] for place in self.places]
        for trial in history.trials[self.folded :]:
            self._fold(trial)
            self.folded += 1
            if self.folded >= self.due:
                self.due = GROWTH * self.folded
                self.fitted, stale = len(self.trials), True
        if stale:
            self._refresh()
        for trial in self.trials[len(self.rewards.ranks) :]:
            reward = self.rewards.added(trial)
            self.tree.credit(reward)
            if self.guided:
                self.experience.learn(reward)

    def _fold(self, trial: Told) -> None:
        """Find the trial its place, which does not depend on its value."""
        answers = frozenset(trial.trace.answers)
        walked = answer_trace(self.space, following(trial.trace, _first))
        if frozenset(walked.trace.answers) != answers:
            return  # it is of another space
        self.known.add(answers)
        self.trials.append(trial)
        self.places.append(self.folded)
        self.tree.grow(walked)
        if self.guided:
            self.experience.meet(walked.trace)

    def _refresh(self) -> None:
        """Learn anew of the first ``fitted`` trials, by their rewards among themselves; the others have none then."""
        fitted = self.trials[: self.fitted]
        self.rewards = Rewards.among(fitted)
        rewards = [self.rewards.of(trial) for trial in fitted]
        self.tree.refresh(rewards)
        if self.guided:
            self.experience.refresh(rewards)


def _first(decision: Decision, prefix: Prefix) -> Label:
    return decision.options[0]


def _widening(given: Sequence[float] | None) -> tuple[float, float] | None:
    if given is None:
        return None
    pair = isinstance(given, Sequence) and len(given) == 2 and all(map(_number, given))
    right = pair and given[0] > 0 and 0 <= given[1] <= 1
    _demand(
        "widening",
        given,
        "two numbers, k above 0 and alpha from 0 to 1, as in 1,0.5",
        met=right,
    )
    return float(given[0]), float(given[1])


def _number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and isfinite(given)


def _demand(name: str, given: object, demand: str, *, met: bool) -> None:
    if not met:
        raise UserError(f"the option {name} of MCTS must be {demand}; got {given!r}")
