"""How many architectures a tree holds, exactly, without walking each of them.

Whether a walk goes on depends on the types that it has reached, and on the answers that will be wanted again. So all
walks through a part that leave it with the same type and the same such answers are counted together, and a part is
counted once for each type that comes in: dynamic programming over the tree.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible
from archsmith.graph.graph import Value
from archsmith.graph.types import TensorType
from archsmith.spaces.bags import EMPTY_WALK, Bag, One, both, either, gathered
from archsmith.spaces.branches import CAT_AT_ONCE, Parallel, SomeOf
from archsmith.spaces.decisions import Decision, Label, Steps
from archsmith.spaces.outcomes import outcomes
from archsmith.spaces.parts import Call, Node, Op, Residual, joined
from archsmith.spaces.plans import KINDS, Site, asked_by, plan, sites_of
from archsmith.spaces.space import TreeSpace

T = TypeVar("T")

Names = frozenset[str]
NOTHING: Names = frozenset()


@dataclass(frozen=True, slots=True)
class State:
    """What decides how a walk can go on: the types that it holds, and the answers that will be wanted again."""

    types: tuple[TensorType, ...]
    answers: frozenset[tuple[str, tuple[Decision, Label]]] = frozenset()

    def keeping(self, names: Names) -> "State":
        """The same with the answers of these names only."""
        return State(self.types, frozenset(known for known in self.answers if known[0] in names))

    def with_types(self, *types: TensorType) -> "State":
        return State(types, self.answers)


Ways = dict[State, Bag]


def count(space: TreeSpace) -> int:
    """The number of traces that lead to a valid architecture: exact, however large.

    Parts of a user's own class are walked once for each type that comes in and each of their traces.

    Raises:
        UserError: a name stands for two different decisions, or a mistake of the tree that any walk would meet.
    """
    return walks(space).size


def walks(space: TreeSpace) -> Bag:
    """All walks through the space that end in a valid architecture; ``draw_labels`` takes one of them."""
    return tabled(space).total


def tabled(space: TreeSpace) -> "Table":
    """The counts of all parts of the space, as far as walks come to them."""
    found: dict[tuple[int, str], set[str]] = {}
    while True:
        known = sum(map(len, found.values()))
        table = Table(space, found)
        # What a part of a user's own class asks is learned by walking it: what was not known has to be counted anew.
        if known == sum(map(len, found.values())):
            return table


class Table:
    """The walks through each part of one space, by what comes in. ``found`` are names asked by parts of own classes."""

    def __init__(self, space: TreeSpace, found: dict[tuple[int, str], set[str]]) -> None:
        self._book: RuleBook = space.book
        self._found = found
        self._ways: dict[tuple[int, str, State, Names], Ways] = {}
        self._known_ties: dict[tuple[int, str], Counter[str]] = {}
        self._own_classes = False
        asked = Counter(self._asked(space.root, ""))
        self._twice = {name: times for name, times in asked.items() if times > 1}
        self.total = either(self.ways(space.root, "", State((space.input,)), NOTHING).values())

    def __len__(self) -> int:
        """Entries of the table."""
        return len(self._ways)

    def ways(self, node: Node, path: str, entering: State, later: Names) -> Ways:
        """The walks through a part, by the state that leaves it, with the answers that are wanted ``later``."""
        names = self._names(node, path)
        inside = entering.keeping(names)
        ties = self._ties(node, path)
        # Where nothing is asked that another place asks too, the place does not matter.
        alone = not self._own_classes and all(self._twice[name] == times for name, times in ties.items())
        place = "" if alone else path
        key = (id(node), place, inside, later & names)
        if key not in self._ways:
            leaving = self._through(node, path, inside, later & names)
            self._ways[key] = gathered((state.keeping(later & names), bag) for state, bag in leaving.items())
        outside = frozenset(known for known in entering.answers if known[0] in later - names)
        if not outside:
            return self._ways[key]
        return {State(state.types, state.answers | outside): bag for state, bag in self._ways[key].items()}

    def _through(self, node: Node, path: str, state: State, later: Names) -> Ways:
        match node:
            case _ if type(node) not in KINDS or isinstance(node, Op | Call):
                return self._walked(node, path, state)
            case SomeOf():
                return self._some_of(node, path, state, later)
            case Parallel():
                return self._parallel(node, path, state, later)
            case Residual():
                leaving = self._planned(node, path, state, later)
                return self._connected(leaving, lambda types: (*state.types, *types), partial(_add_back, node))
            case _:
                return self._planned(node, path, state, later)

    def _walked(self, node: Node, path: str, state: State) -> Ways:
        """All walks through the part, one by one."""

        def walk() -> Steps[TensorType]:
            builder = Builder(self._book)
            out = yield from node.walk(builder, builder.input(state.types[0]), path)
            return builder.type_of(out)

        names = self._found.setdefault((id(node), path), set()) if type(node) not in KINDS else None
        leaving = []
        for outcome in outcomes(walk, dict(state.answers)):
            if names is not None:
                names.update(outcome.answered)
            leaving.append((State((outcome.value,), frozenset(outcome.answered.items())), _one(outcome.labels)))
        return gathered(leaving)

    def _planned(self, node: Node, path: str, state: State, later: Names) -> Ways:
        """The node's own decisions, and after each way to answer them the parts that follow."""
        needed = later | self._names(node, path)
        return gathered(
            leaving
            for sites, decided, bag in self._decided(partial(plan, node, path), state, needed)
            for leaving in self._along(sites, {decided: bag}, later).items()
        )

    def _decided(self, make: Callable[[], Steps[T]], state: State, needed: Names) -> Iterator[tuple[T, State, Bag]]:
        for outcome in outcomes(make, dict(state.answers)):
            answers = frozenset(known for known in outcome.answered.items() if known[0] in needed)
            yield outcome.value, State(state.types, answers), _one(outcome.labels)

    def _along(self, sites: Sequence[Site], ways: Ways, later: Names) -> Ways:
        """On through the parts, one after another."""
        for (node, path), needed in zip(sites, self._needed(sites, later), strict=True):
            ways = gathered(
                (leaving, both(bag, more))
                for state, bag in ways.items()
                for leaving, more in self.ways(node, path, state, needed).items()
            )
        return ways

    def _needed(self, sites: Sequence[Site], later: Names) -> list[Names]:
        """For each of the parts, the names that are asked after it."""
        needed: list[Names] = []
        for node, path in reversed(sites):
            needed.append(later)
            later = later | self._names(node, path)
        return needed[::-1]

    def _some_of(self, node: SomeOf, path: str, state: State, later: Names) -> Ways:
        """Turn by turn: what is open later depends on the set of those taken, not on their order."""
        needed = later | self._names(node, path)
        branches = dict(node.branches)
        here = joined(path, node.name)
        own = later | (asked_by(node, path) & self._twice.keys())
        after = {label: self._names(branch, f"{here}={label}") for label, branch in branches.items()}
        ways: dict[tuple[tuple[str, ...], State], Bag] = {(tuple(branches), state): EMPTY_WALK}
        for turn in range(node.count):
            ways = gathered(
                ((rest, leaving), more)
                for (labels, entering), bag in ways.items()
                for (label, rest), decided, given in self._decided(
                    partial(node.pick, labels, turn, here), entering, needed
                )
                for leaving, more in self._along(
                    [(branches[label], f"{here}={label}")],
                    {decided: both(bag, given)},
                    own.union(*(after[other] for other in rest)),
                ).items()
            )
        return gathered((leaving, bag) for (_, leaving), bag in ways.items())

    def _parallel(self, node: Parallel, path: str, state: State, later: Names) -> Ways:
        """Branch by branch, with the results so far in the state after what went in."""
        sites = sites_of(node, path)
        ways: Ways = {state: EMPTY_WALK}
        for (branch, here), needed in zip(sites, self._needed(sites, later), strict=True):
            ways = gathered(
                (State((*held.types, *leaving.types), leaving.answers), both(bag, more))
                for held, bag in ways.items()
                for leaving, more in self.ways(branch, here, held.with_types(held.types[0]), needed).items()
            )
            ways = self._compact(node, ways)
        return self._connected(ways, lambda types: types[1:], partial(_join, node))

    def _compact(self, node: Parallel, ways: Ways) -> Ways:
        """Fewer states for the same: what cannot be added is left, and what ``cat`` takes at once is taken."""
        if node.join == "add":
            return {state: bag for state, bag in ways.items() if len(set(state.types[1:])) == 1}
        full = {state: bag for state, bag in ways.items() if len(state.types) > CAT_AT_ONCE}
        if not full:
            return ways
        compact = []
        for state, bag in full.items():
            joint = self._type(partial(_join, node), state.types[1:])
            if joint is not None:
                compact.append((state.with_types(state.types[0], joint), bag))
        return gathered([*compact, *((state, bag) for state, bag in ways.items() if state not in full)])

    def _connected(
        self,
        ways: Ways,
        operands: Callable[[tuple[TensorType, ...]], tuple[TensorType, ...]],
        connect: Callable[[Builder, list[Value]], Value],
    ) -> Ways:
        """The ways on through what connects the operands; dead ends are left."""
        through = []
        for state, bag in ways.items():
            joint = self._type(connect, operands(state.types))
            if joint is not None:
                through.append((state.with_types(joint), bag))
        return gathered(through)

    def _type(
        self, connect: Callable[[Builder, list[Value]], Value], types: tuple[TensorType, ...]
    ) -> TensorType | None:
        """The type of what connects values of these types; None where it cannot."""
        builder = Builder(self._book)
        try:
            return builder.type_of(connect(builder, [builder.input(given) for given in types]))
        except Infeasible:
            return None

    def _names(self, node: Node, path: str) -> Names:
        """What the part asks that is asked at another place too, or there more than once."""
        return frozenset(self._ties(node, path))

    def _ties(self, node: Node, path: str) -> Counter[str]:
        """The same, with how often each stands in the part."""
        key = (id(node), path)
        if key not in self._known_ties:
            ties = Counter(self._own_names(node, path) & self._twice.keys())
            if self._twice:
                for part, here in sites_of(node, path):
                    ties.update(self._ties(part, here))
            self._known_ties[key] = ties
        return self._known_ties[key]

    def _own_names(self, node: Node, path: str) -> Names:
        return asked_by(node, path) if type(node) in KINDS else frozenset(self._found.get((id(node), path), ()))

    def _asked(self, node: Node, path: str) -> Iterator[str]:
        """Every name that the part may ask, as often as it stands in the tree."""
        self._own_classes = self._own_classes or type(node) not in KINDS
        yield from self._own_names(node, path)
        for part, here in sites_of(node, path):
            yield from self._asked(part, here)


def _add_back(node: Residual, builder: Builder, values: list[Value]) -> Value:
    x, y = values
    return node.connect(builder, x, y)


def _join(node: Parallel, builder: Builder, values: list[Value]) -> Value:
    return node.connect(builder, values)


def _one(labels: tuple[Label, ...]) -> Bag:
    return One(labels) if labels else EMPTY_WALK
