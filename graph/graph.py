"""The graph: what a search finds, what a fuzzer runs, and what the store keeps.

A graph is acyclic by construction (a node's inputs are earlier nodes), typed, pruned of what no output needs,
and in canonical order: the graph's inputs first, then every node as a depth-first walk from the outputs
leaves it. Since outputs and inputs are ordered, that walk is the same for every order in which the nodes may
have been built.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from archsmith.graph.types import TensorType

INPUT = "input"
"""The operator name of a graph's input: no inputs, no attributes, one type."""

Scalar = int | float | bool | str


class Value(NamedTuple):
    """One output of one node: what an edge carries."""

    node: int
    output: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """An operator on earlier values; ``attributes`` are sorted by name, ``types`` has one per output."""

    operator: str
    inputs: tuple[Value, ...]
    attributes: tuple[tuple[str, Scalar], ...]
    types: tuple[TensorType, ...]

    @property
    def attribute(self) -> Mapping[str, Scalar]:
        return dict(self.attributes)


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in an order in which every input precedes its user, and the values that leave the graph.

    Made by ``Builder.finish`` or read from text. Two graphs are equal when they are the same architecture,
    however they were built.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.outputs:
            raise ValueError("a graph needs at least one output; got none")
        for position, node in enumerate(self.nodes):
            if node.operator == INPUT and (node.inputs or node.attributes or len(node.types) != 1):
                raise ValueError(f"node {position} must be a plain input: a type and nothing else")
            for value in node.inputs:
                self._check(value, below=position)
        for value in self.outputs:
            self._check(value, below=len(self.nodes))

    def _check(self, value: Value, *, below: int) -> None:
        if not 0 <= value.node < below:
            raise ValueError(f"a value must come from a node before {below}; got node {value.node}")
        if not 0 <= value.output < len(self.nodes[value.node].types):
            raise ValueError(f"node {value.node} has {len(self.nodes[value.node].types)} outputs; got {value.output}")

    @property
    def inputs(self) -> tuple[int, ...]:
        """The positions of the input nodes."""
        return tuple(i for i, node in enumerate(self.nodes) if node.operator == INPUT)

    @property
    def input_types(self) -> tuple[TensorType, ...]:
        return tuple(self.nodes[i].types[0] for i in self.inputs)

    @property
    def output_types(self) -> tuple[TensorType, ...]:
        return tuple(self.type_of(value) for value in self.outputs)

    def type_of(self, value: Value) -> TensorType:
        return self.nodes[value.node].types[value.output]

    def operators(self) -> Iterator[tuple[int, Node]]:
        """The nodes that are not inputs, with their positions."""
        return ((i, node) for i, node in enumerate(self.nodes) if node.operator != INPUT)

    def _repr_svg_(self) -> str:
        """The picture that a notebook shows."""
        from archsmith.graph.pictures.drawing import draw

        return draw(self, standalone=True)


def canonical(nodes: Sequence[Node], outputs: Sequence[Value]) -> Graph:
    """The graph of ``nodes`` that leaves by ``outputs``: pruned, and in canonical order.

    All inputs are kept, in the order given: they are the graph's signature, used or not.
    """
    order = [i for i, node in enumerate(nodes) if node.operator == INPUT]
    seen = set(order)
    for output in outputs:
        stack = [(output.node, iter(nodes[output.node].inputs))] if output.node not in seen else []
        seen.add(output.node)
        while stack:
            node, pending = stack[-1]
            following = next((value.node for value in pending if value.node not in seen), None)
            if following is None:
                order.append(node)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(nodes[following].inputs)))
    place = {old: new for new, old in enumerate(order)}

    def moved(value: Value) -> Value:
        return Value(place[value.node], value.output)

    kept = [nodes[old] for old in order]
    return Graph(
        tuple(Node(n.operator, tuple(map(moved, n.inputs)), n.attributes, n.types) for n in kept),
        tuple(map(moved, outputs)),
    )
