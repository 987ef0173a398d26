"""Simulations: down the tree by upper confidence bounds, and on by rollouts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp
from random import Random

from archsmith.search.bisection import Group, branch_of, groups_of
from archsmith.search.rollouts import Experience, Guide
from archsmith.search.tree import Flying, Node, Tree, upper_bound
from archsmith.spaces.decisions import Answer, Decision, Label, Prefix, randomly

Chances = Mapping[Label, float]
Offered = tuple[list[Group], list[float]]

FAINT = 1e-9
"""Added to all chances, so that some option always has one."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How a node is left: UCB1 with that ``exploration``, ``best`` parts of a child's value being its best reward.

    With ``widening`` (k, alpha), a node of n trials has ``k * n**alpha`` children to choose from.
    """

    exploration: float
    best: float
    trust: float
    widening: tuple[float, float] | None = None

    def considered(self, node: Node, decision: Decision, groups: list[Group], likely: Chances | None) -> list[Group]:
        """The groups that progressive widening lets a node choose from, the visited ones always."""
        if self.widening is None:
            return groups
        count = max(1, int(self.widening[0] * max(1, node.visits) ** self.widening[1]))
        if likely is not None:
            order = sorted(groups, key=lambda group: -_sum(likely, group))
        else:
            order = _by_weight(decision, groups) if decision.weights else _spread(groups, ordered=decision.ordered)
        return [g for place, g in enumerate(order) if place < count or branch_of(decision, g) in node.children]


@dataclass(slots=True)
class Descent:
    """The simulations of one ask; what they need more than once is kept."""

    tree: Tree
    experience: Experience
    flying: Flying
    bounds: Bounds
    likely: dict[tuple[str, Group], dict[Label, float]] = field(default_factory=dict)
    offered: dict[tuple[Node, Group], Offered] = field(default_factory=dict)

    def answers(self, guide: Guide | None, rng: Random) -> Answer:
        """Answers of a simulation: without a guide those below the tree are drawn by weight."""
        before: Prefix = ()
        here: Node | None = self.tree.root

        def answer(decision: Decision, prefix: Prefix) -> Label:
            nonlocal before, here
            if prefix[: len(before)] != before:
                before, here = (), self.tree.root
            if here is not None:
                here = self.tree.below(here, prefix[len(before) :])
            before = prefix
            if guide is None:
                options = self.tree.told.live(decision, prefix) or decision.options
                if here is None:
                    return randomly(rng)(decision.narrowed(options), prefix)
                return self._bounded(here, decision, options, rng)
            if here is None:
                return self._guided(decision, guide, rng)
            options = self.tree.told.live(decision, prefix) or decision.options
            return self._pulled(here, decision, options, guide, rng)

        return answer

    def _guided(self, decision: Decision, guide: Guide, rng: Random) -> Label:
        options = decision.options
        if rng.random() < guide.keeps(decision, options):
            return guide.answers[decision.name]
        given = guide.answers.get(decision.name)
        likely = self._likely(decision, options)
        shares = [0.0 if option == given else likely[option] for option in options]
        return rng.choices(options, shares)[0]

    def _pulled(self, node: Node, decision: Decision, options: Group, guide: Guide, rng: Random) -> Label:
        """As the guide says, times how far the tree thinks better or worse of each child."""
        chances = guide.chances(decision, self._likely(decision, options))
        here: Node | None = node
        within = decision.everywhere
        while len(within) > 1:
            groups, pulls = self._offered(here, decision, within, options, chances)
            shares = [(_sum(chances, group) + FAINT) * pull for group, pull in zip(groups, pulls, strict=True)]
            within = rng.choices(groups, shares)[0]
            here = here.children.get(branch_of(decision, within)) if here is not None else None
        return within[0]

    def _bounded(self, node: Node, decision: Decision, options: Group, rng: Random) -> Label:
        """UCT: a child without trials, or that of the greatest bound; among equals any."""
        here: Node | None = node
        within = decision.everywhere
        while len(within) > 1:
            groups = self._groups(here, decision, within, options, None)
            if here is not None:
                groups = self._greatest(here, decision, groups)
            within = rng.choice(groups)
            here = here.children.get(branch_of(decision, within)) if here is not None else None
        return within[0]

    def _groups(
        self, here: Node | None, decision: Decision, within: Group, options: Group, chances: Chances | None
    ) -> list[Group]:
        groups = groups_of(decision, within, bisect=self.tree.bisect)
        if len(options) < len(decision.everywhere):
            left = frozenset(options)
            groups = [group for group in groups if not left.isdisjoint(group)]
        return groups if here is None else self.bounds.considered(here, decision, groups, chances)

    def _greatest(self, here: Node, decision: Decision, groups: list[Group]) -> list[Group]:
        branches = {group: branch_of(decision, group) for group in groups}
        fresh = [g for g, branch in branches.items() if branch not in here.children and not self.flying[here, branch]]
        if fresh:
            return fresh
        bounds = self._upper_bounds(here, decision, groups)
        greatest = max(bounds)
        return [group for group, bound in zip(groups, bounds, strict=True) if bound == greatest]

    def _offered(
        self, here: Node | None, decision: Decision, within: Group, options: Group, chances: Chances
    ) -> Offered:
        """What a node chooses from, and by what factor its tree makes each of them likelier than others."""
        if here is None:
            groups = self._groups(here, decision, within, options, chances)
            return groups, [1.0] * len(groups)
        found = self.offered.get((here, options))
        if found is None:
            groups = self._groups(here, decision, within, options, chances)
            bounds = self._upper_bounds(here, decision, groups)
            greatest = max(bounds)
            found = groups, [exp((bound - greatest) / self.bounds.trust) for bound in bounds]
            if self.bounds.widening is None:  # with it, the groups are another guide's others
                self.offered[here, options] = found
        return found

    def _upper_bounds(self, here: Node, decision: Decision, groups: Sequence[Group]) -> list[float]:
        away = sum(self.flying[here, branch_of(decision, group)] for group in groups) if self.flying else 0
        return [
            upper_bound(here, branch_of(decision, g), self.flying, away, self.bounds.exploration, self.bounds.best)
            for g in groups
        ]

    def _likely(self, decision: Decision, options: Group) -> dict[Label, float]:
        key = decision.name, options
        found = self.likely.get(key)
        if found is None:
            found = self.likely[key] = self.experience.likely(decision, options)
        return found


def _sum(chances: Chances, group: Group) -> float:
    return chances.get(group[0], 0.0) if len(group) == 1 else sum(chances.get(option, 0.0) for option in group)


def _by_weight(decision: Decision, groups: list[Group]) -> list[Group]:
    """The likeliest first."""
    weights = dict(zip(decision.options, decision.weights or (), strict=True))
    return sorted(groups, key=lambda group: -_sum(weights, group))


def _spread(groups: list[Group], *, ordered: bool) -> list[Group]:
    """Of an ordered decision the middle first, then the middles of both sides, and so on; others as they stand."""
    if not ordered or len(groups) < 3:
        return groups
    spread: list[Group] = []
    parts = [groups]
    for part in parts:
        if part:
            middle = len(part) // 2
            spread.append(part[middle])
            parts += [part[:middle], part[middle + 1 :]]
    return spread
