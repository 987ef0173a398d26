"""The tree of Monte Carlo tree search: what came of the trials that begin alike.

A node stands for a prefix of answers, by decision name and label. Every trial grows one node, so the tree has as many
nodes as trials, and is deep where there were many.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import log, sqrt

from archsmith.search.bisection import Branch, Group, branch_of, branches_to, groups_of
from archsmith.spaces.decisions import Decision, Prefix, Trace, Walked
from archsmith.spaces.sampling import DeadEnds

Flying = Counter[tuple["Node", Branch]]
"""How many pending trials leave a node by a branch."""


@dataclass(eq=False, slots=True)
class Node:
    """Statistics of the trials of a prefix.

    ``decision`` is what is asked here, ``within`` the options left of it; None at the end of a trace.
    """

    decision: Decision | None = None
    within: Group = ()
    visits: int = 0
    total: float = 0.0
    best: float = 0.0
    children: dict[Branch, "Node"] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        return self.total / self.visits if self.visits else 0.0


Station = tuple[Decision, Group, Branch]
"""What a trial was asked at a node, the options left, and by what it goes on."""


@dataclass(slots=True)
class Tree:
    """Grown by told trials, one node each; ``paths`` are the nodes of each trial, the root first.

    The first ``credited`` of them have been given their reward. ``told`` knows the prefixes behind which all was told.
    """

    bisect: bool = False
    root: Node = field(default_factory=Node)
    paths: list[list[Node]] = field(default_factory=list)
    credited: int = 0
    told: DeadEnds = field(default_factory=DeadEnds)

    def grow(self, walked: Walked) -> None:
        """Add a trial, as yet without a reward: one node below the known ones of its path."""
        stations = self._stations(walked)
        path = [self.root]
        if stations and self.root.decision is None:
            self.root.decision, self.root.within, _ = stations[0]
        for place, (_, _, branch) in enumerate(stations):
            known = path[-1].children.get(branch)
            if known is None:
                following = stations[place + 1][:2] if place + 1 < len(stations) else (None, ())
                path[-1].children[branch] = grown = Node(*following)
                path.append(grown)
                break
            path.append(known)
        self.paths.append(path)
        self.told.bury(walked)

    def credit(self, reward: float) -> None:
        """Give the first trial that has no reward its own, all along its path."""
        for node in self.paths[self.credited]:
            node.visits += 1
            node.total += reward
            node.best = max(node.best, reward)
        self.credited += 1

    def refresh(self, rewards: Iterable[float]) -> None:
        """Give the first trials other rewards than they had; those after them have none any more."""
        for path in self.paths[: self.credited]:
            for node in path:
                node.visits, node.total, node.best = 0, 0.0, 0.0
        self.credited = 0
        for reward in rewards:
            self.credit(reward)

    def below(self, node: Node | None, answers: Prefix) -> Node | None:
        """The node that the answers lead to from another; None where the tree ends before."""
        for name, label in answers:
            if node is None or node.decision is None or node.decision.name != name:
                return None
            for branch in branches_to(node.decision, label, bisect=self.bisect):
                node = node.children.get(branch) if node is not None else None
        return node

    def flying(self, pending: Iterable[Trace]) -> Flying:
        """The branches that pending trials take, one below the tree included."""
        count: Flying = Counter()
        for trace in pending:
            given, node = trace.as_dict(), self.root
            while node.decision is not None:
                label = given.get(node.decision.name)
                group = next((g for g in self.groups(node) if label in g), None)
                if group is None:
                    break
                branch = branch_of(node.decision, group)
                count[node, branch] += 1
                child = node.children.get(branch)
                if child is None:
                    break
                node = child
        return count

    def groups(self, node: Node) -> list[Group]:
        """What the node chooses from."""
        assert node.decision is not None
        return groups_of(node.decision, node.within, bisect=self.bisect)

    def _stations(self, walked: Walked) -> list[Station]:
        stations: list[Station] = []
        for decision, (_, label) in zip(walked.asked, walked.trace.answers, strict=True):
            within = decision.everywhere
            for branch in branches_to(decision, label, bisect=self.bisect):
                stations.append((decision, within, branch))
                within = next(g for g in groups_of(decision, within, bisect=self.bisect) if label in g)
        return stations


def upper_bound(node: Node, branch: Branch, flying: Flying, away: int, exploration: float, best: float) -> float:
    """UCB1 of a child, with those in flight in both of its terms (WU-UCT, Liu et al. 2020).

    ``away`` of them go through the node, ``flying`` through each branch. The value is the mean of the child's rewards,
    blended with ``best`` parts of its best one; for a child without any, the mean of its parent's stands in.
    """
    child = node.children.get(branch)
    if child is None:
        value, visits = node.mean, 0
    else:
        value, visits = (1 - best) * child.mean + best * child.best, child.visits
    if away:
        visits += flying[node, branch]
    return value + exploration * sqrt(2 * log(node.visits + away + 1) / max(1, visits))


def drawn(tree: Tree, *, depth: int | None = None) -> str:
    """The tree as text, down to that depth: visits, mean and best reward of each prefix, and what is closed.

    Behind a closed prefix all was told.
    """
    rows = list(_rows(tree, tree.root, (), "(all)", 0, depth))
    width = max(len(name) for name, _, _ in rows)
    head = f"{'answers':{width}}  visits   mean   best"
    body = [
        f"{name:{width}}  {node.visits:6}  {node.mean:5.3f}  {node.best:5.3f}{'  closed' * closed}"
        for name, node, closed in rows
    ]
    return "\n".join((head, *body))


Row = tuple[str, Node, bool]


def _rows(tree: Tree, node: Node, prefix: Prefix, name: str, level: int, depth: int | None) -> Iterator[Row]:
    """The node's row, and those below it."""
    decision = node.decision
    left = tree.told.live(decision, prefix) if decision is not None else ()
    yield "  " * level + name, node, node.visits > 0 and not set(left).intersection(node.within)
    if decision is None or level == depth:
        return
    for group in tree.groups(node):
        child = node.children.get(branch_of(decision, group))
        if child is not None:
            text = f"{decision.name} = {group[0]}" + (f"..{group[-1]}" if len(group) > 1 else "")
            below = (*prefix, (decision.name, group[0])) if len(group) == 1 else prefix
            yield from _rows(tree, child, below, text, level + 1, depth)
