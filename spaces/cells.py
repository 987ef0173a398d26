"""Free-form cells: a directed acyclic graph of some nodes, an operation on each edge, what comes in at a node added up.

Node 0 is what goes into the cell, or nodes 0 and 1 in a cell of two inputs; the others follow. Of NAS-Bench-201 (Dong &
Yang 2020) is the cell in which every earlier node leads to every later one; of DARTS (Liu et al. 2019) the one in which
each node takes two of the earlier ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.graph import Value
from archsmith.graph.types import TensorType
from archsmith.spaces.branches import CAT_AT_ONCE, check_branches, joint, labelled
from archsmith.spaces.decisions import Decision, Steps
from archsmith.spaces.node import Enter, Labels, Make, Node, Plan, Through, answered, joined, titled
from archsmith.spaces.values import Meanings

ABSENT = "none"
"""The label of an edge that is not there."""

Operations = tuple[tuple[str, Node], ...]
Edges = Mapping[tuple[int, int], str]
"""The labels on edges, by the nodes that they come from and lead to."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A graph of ``nodes`` nodes behind the ``inputs``.

    ``degree`` is how many of the earlier nodes each takes: all without it. ``entering`` are the operations on edges
    that come from an input, by the same labels. With ``gaps``, an edge may be absent; a node that no path from an input
    leads to carries nothing, nor do the edges from it. What leaves is the last node, and a node that does not lead to
    it is left out; or all but the inputs leave, end to end (``output`` "cat").
    """

    operations: Operations
    nodes: int
    inputs: int = 1
    degree: int | None = None
    output: str = "last"
    gaps: bool = False
    entering: Operations = ()
    name: str = "cell"

    def plan(self, path: str) -> Steps[Plan]:
        if self.gaps:
            # All edges before anything is built: only then is it known which of them lead anywhere.
            labels = yield from answered(self, path)
            return self.wired(dict(zip(self._edges(), map(str, labels), strict=True)), path)
        if self.degree is not None and self.output == "last":
            return self._leading((yield from self._sources(path)), path)
        earlier = tuple(range(self.inputs + self.nodes))
        steps: list[Enter | Make] = [Enter(Junction(self, at), path, earlier[:at]) for at in earlier[self.inputs :]]
        return tuple(self._ended(steps))

    def _sources(self, path: str) -> Steps[dict[int, tuple[int, ...]]]:
        # Of all nodes before anything is built: one that no later node takes is not needed, nor what it would cost.
        taken: dict[int, tuple[int, ...]] = {}
        for at in range(self.inputs, self.inputs + self.nodes):
            taken[at] = yield from self.sources(at, path)
        return taken

    def sources(self, at: int, path: str) -> Steps[tuple[int, ...]]:
        """Ask which of the earlier nodes the node at that place takes, unless it takes all."""
        if self.degree is None or self.degree >= at:
            return tuple(range(at))
        return tuple((yield from _some(joined(joined(path, self.name), str(at)), at, self.degree)))

    def _leading(self, taken: Mapping[int, tuple[int, ...]], path: str) -> Plan:
        """The steps through the nodes that lead to the last one."""
        last = self.inputs + self.nodes - 1
        needed = {last}
        for at in reversed(range(self.inputs, last + 1)):
            needed |= set(taken[at]) if at in needed else set()
        steps: list[Enter] = []
        places = {node: node for node in range(self.inputs)}
        for at in range(self.inputs, last + 1):
            if at in needed:
                of = tuple(places[source] for source in taken[at])
                steps.append(Enter(Junction(self, at, taken[at]), path, of))
                places[at] = self.inputs + len(steps) - 1
        return tuple(steps)

    def _edges(self) -> list[tuple[int, int]]:
        return [(source, at) for at in range(self.inputs, self.inputs + self.nodes) for source in range(at)]

    def sealed(self, path: str, entering: tuple[TensorType, ...], through: Through) -> TensorType | None:
        """The type that comes in, of a cell with gaps whose operations ask nothing and all keep the type."""
        kept, *others = entering
        if not self.gaps or any(other != kept for other in others):
            return None
        steps = [
            self.enter(source, self.inputs, label, path, source)
            for source in (0, self.inputs)
            for label in dict(self.operations)
        ]
        joins = (
            through(Make(_nothing, (0,)), (kept,)),
            through(Make(joint, (0, 1), ("add", "a cell's node")), (kept, kept)),
        )
        return kept if all(made == kept for made in (*(through(step, (kept,)) for step in steps), *joins)) else None

    def after(self, path: str, labels: Labels) -> Decision | None:
        """The edge that is asked for behind so many, in a cell with gaps."""
        edges = self._edges()
        if len(labels) == len(edges):
            return None
        return Decision(self.edge(*edges[len(labels)], path), (ABSENT, *dict(self.operations)))

    def ways(self, path: str, labels: Labels) -> int:
        """How many ways there are to settle the edges that are left, in a cell with gaps."""
        return int((len(self.operations) + 1) ** (len(self._edges()) - len(labels)))

    def wired(self, edges: Edges, path: str) -> Plan:
        """The steps through the edges that are on a way from an input to the last node."""
        last = self.inputs + self.nodes - 1
        wanted = {edge: label for edge, label in edges.items() if label != ABSENT}
        reached, needed = set(range(self.inputs)), {last}
        for source, at in sorted(wanted, key=lambda edge: edge[1]):
            reached |= {at} if source in reached else set()
        for source, at in sorted(wanted, key=lambda edge: -edge[1]):
            needed |= {source} if at in needed else set()
        steps: list[Enter | Make] = []
        places = {node: node for node in range(self.inputs)}
        for at in range(self.inputs, last + 1):
            sources = [source for source in range(at) if (source, at) in wanted and source in reached]
            if at in needed and sources:
                entered = [self.enter(source, at, wanted[source, at], path, places[source]) for source in sources]
                places[at] = _summed(steps, entered, self.inputs)
        return tuple(steps) if last in places else (Make(_nothing, (0,)),)

    def enter(self, source: int, at: int, label: str, path: str, place: int) -> Enter:
        """Through the operation on one edge, whose value to take is at ``place``."""
        operations = self.entering if self.entering and source < self.inputs else self.operations
        return Enter(dict(operations)[label], f"{self.edge(source, at, path)}={label}", (place,))

    def edge(self, source: int, at: int, path: str) -> str:
        """The name of the decision about an edge."""
        return joined(joined(path, self.name), f"{source}-{at}")

    def _ended(self, steps: list[Enter | Make]) -> list[Enter | Make]:
        if self.output == "cat":
            _laid(steps, list(range(self.inputs, self.inputs + self.nodes)), self.inputs)
        return steps

    def look(self, path: str) -> tuple[frozenset[str], tuple[Enter, ...]]:
        """The names that it may ask, its nodes too, and all that it may enter."""
        junctions = [Junction(self, at).look(path) for at in range(self.inputs, self.inputs + self.nodes)]
        return frozenset().union(*(names for names, _ in junctions)), tuple(step for _, s in junctions for step in s)

    def lines(self) -> Iterator[str]:
        takes = "all earlier nodes" if self.degree is None else f"{self.degree} earlier nodes"
        several = f", {self.inputs} inputs" if self.inputs > 1 else ""
        gaps = f", {ABSENT!r} is no edge" if self.gaps else ""
        yield f"{titled('cell', self.name)} {self.nodes} nodes{several} of {takes}, {self.output} out{gaps}"
        yield from labelled(self.operations)
        if self.entering:
            yield "  from inputs"
            yield from (f"  {line}" for line in labelled(self.entering))

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        check_branches(self.operations + self.entering, book, meanings, joined(path, self.name))


@dataclass(frozen=True, slots=True)
class Junction:
    """A node of a cell, at place ``at``: all earlier nodes go in, and the sum of what it takes of them comes out.

    Only its ``sources`` go in where they are settled before.
    """

    cell: Cell
    at: int
    sources: tuple[int, ...] = ()

    def plan(self, path: str) -> Steps[Plan]:
        sources = self.sources or (yield from self.cell.sources(self.at, path))
        labels = tuple(label for label, _ in self.cell.operations)
        steps: list[Enter | Make] = []
        entered: list[Enter] = []
        for turn, source in enumerate(sources):
            label = yield Decision(self.cell.edge(source, self.at, path), labels)
            place = turn if self.sources else source
            entered.append(self.cell.enter(source, self.at, str(label), path, place))
        _summed(steps, entered, len(self.sources) or self.at)
        return tuple(steps)

    def look(self, path: str) -> tuple[frozenset[str], tuple[Enter, ...]]:
        """The names that it may ask, and all that it may enter, though a single walk enters only some of it."""
        here = joined(joined(path, self.cell.name), str(self.at))
        names = {self.cell.edge(source, self.at, path) for source in range(self.at)}
        names |= {f"{here}.{turn}" for turn in range(self.cell.degree or 0)}
        entered = (
            self.cell.enter(source, self.at, label, path, source)
            for source in range(self.at)
            for label, _ in self.cell.operations
        )
        return frozenset(names), tuple(entered)

    def lines(self) -> Iterator[str]:
        return self.cell.lines()

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        self.cell.check(book, meanings, path)

    def __eq__(self, other: object) -> bool:
        """At the same place of the same cell."""
        return isinstance(other, Junction) and self._state() == other._state()

    def __hash__(self) -> int:
        return hash(self._state())

    def _state(self) -> tuple[object, ...]:
        return id(self.cell), self.at, self.sources


def _some(here: str, earlier: int, degree: int) -> Steps[list[int]]:
    """Ask for ``degree`` different ones of the earlier nodes, in rising order."""
    sources: list[int] = []
    for turn in range(degree):
        least = sources[-1] + 1 if sources else 0
        most = earlier - (degree - turn - 1)
        sources.append(int((yield Decision(f"{here}.{turn}", tuple(range(least, most)), ordered=True))))
    return sources


def _summed(steps: list[Enter | Make], entered: Sequence[Enter], first: int) -> int:
    """Add the steps that enter the parts and sum up their results; the place of the sum.

    ``first`` is how many values there are before the steps.
    """
    place = -1
    for entry in entered:
        steps.append(entry)
        newest = first + len(steps) - 1
        if place >= 0:
            steps.append(Make(joint, (place, newest), ("add", "a cell's node")))
            newest += 1
        place = newest
    return place


def _laid(steps: list[Enter | Make], places: list[int], first: int) -> None:
    """Add the steps that lay the values at these places end to end."""
    whole, *others = places
    while others:
        taken, others = others[: CAT_AT_ONCE - 1], others[CAT_AT_ONCE - 1 :]
        steps.append(Make(joint, (whole, *taken), ("cat", "a cell")))
        whole = first + len(steps) - 1


def _nothing(builder: Builder, values: Sequence[Value]) -> Value:
    """Zeros of the type of what went in: no path leads through the cell."""
    (x,) = values
    return builder.add("sub", x, x)
