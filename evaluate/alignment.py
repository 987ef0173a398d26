"""Which layer of one architecture is which of another."""

from collections.abc import Hashable, Iterator, Sequence
from operator import eq

from archsmith.graph.graph import Graph

Features = tuple[int, ...]
"""What a node is and where it stands, in numbers that are equal where that is; the first is its operator's."""


def aligned(child: Graph, parent: Graph, among: Sequence[int], of: Sequence[int]) -> dict[int, int]:
    """The parent's layer for each of the child's that has one, by the positions of their nodes.

    ``among`` and ``of`` are the positions that may be paired, the child's and the parent's. Pairs have one operator
    and do not cross, in the graphs' canonical order (a longest common subsequence). Among all such pairings it is the
    one whose pairs have most in common: the operators on all ways from the inputs, those on all ways to the outputs,
    the attributes, the types that go in, and those that come out. So a chain in which a block was put in, taken out
    or changed is paired from both its ends.
    """
    labels: dict[Hashable, int] = {}
    ours, theirs = list(_features(child, labels)), list(_features(parent, labels))
    gains = [[likeness(ours[one], theirs[other]) for other in of] for one in among]
    best = [[0] * (len(of) + 1) for _ in range(len(among) + 1)]
    for i in reversed(range(len(among))):
        row, below = best[i], best[i + 1]
        for j in reversed(range(len(of))):
            gain = gains[i][j]
            row[j] = max(below[j], row[j + 1], gain and gain + below[j + 1])
    pairs, i, j = dict[int, int](), 0, 0
    while i < len(among) and j < len(of):
        if gains[i][j] and best[i][j] == gains[i][j] + best[i + 1][j + 1]:
            pairs[among[i]] = of[j]
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def likeness(one: Features, other: Features) -> int:
    """How much two nodes have in common, their operator included; 0 if that is not the same."""
    return sum(map(eq, one, other)) if one[0] == other[0] else 0


def _features(graph: Graph, labels: dict[Hashable, int]) -> Iterator[Features]:
    """Of every node; ``labels`` gives the numbers, to both graphs the same ones."""
    before = list[int]()
    for node in graph.nodes:
        below = tuple((before[value.node], value.output) for value in node.inputs)
        before.append(labels.setdefault(("before", node.operator, below), len(labels)))
    uses: list[list[Hashable]] = [[] for _ in graph.nodes]
    for place, value in enumerate(graph.outputs):
        uses[value.node].append(("output", place, value.output))
    behind = [0] * len(graph.nodes)
    for position, node in reversed(list(enumerate(graph.nodes))):
        key = ("behind", node.operator, tuple(sorted(map(repr, uses[position]))))
        behind[position] = labels.setdefault(key, len(labels))
        for place, value in enumerate(node.inputs):
            uses[value.node].append((behind[position], place, value.output))
    for position, node in enumerate(graph.nodes):
        taken = tuple(graph.type_of(value) for value in node.inputs)
        own = (node.operator, node.attributes, taken, node.types)
        numbers = [labels.setdefault((place, entry), len(labels)) for place, entry in enumerate(own)]
        yield (*numbers, before[position], behind[position])
