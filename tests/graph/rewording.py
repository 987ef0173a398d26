"""Graphs whose nodes look much alike, and other words for the same network."""

from collections.abc import Sequence
from random import Random

import torch

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.graph import INPUT, Graph, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.simplify import COMMUTATIVE
from archsmith.graph.types import FLOATS, TensorType
from archsmith.runtime.lower import DTYPES, lower
from archsmith.spaces.growth import GrowthSpace

VECTOR = TensorType((4,))
IMAGE = TensorType((1, 4, 6, 6))


def book_of(*names: str) -> RuleBook:
    return RuleBook(DECLARED.operator(name) for name in names)


def grown(book: RuleBook, nodes: int) -> GrowthSpace:
    """Graphs on one type, so that many of their nodes look the same."""
    return GrowthSpace(book, nodes=nodes, ranks=(1,), sizes=(4,), dtypes=("float32",))


STATELESS = RuleBook(
    entry
    for entry in DECLARED.operators.values()
    if entry.name != "dropout" and not any(rule.parameters for rule in entry.rules)
)
ALIKE = grown(book_of("add", "mul", "maximum", "sub", "relu", "identity"), 10)
LAYERS = grown(book_of("linear", "add", "mul", "relu"), 12)


class Linears:
    """A builder of vectors whose linear layers are all alike but for their weights."""

    def __init__(self) -> None:
        self.build = Builder(DECLARED)
        self.x = self.build.input(VECTOR)

    def linear(self, x: Value) -> Value:
        return self.build.add("linear", x, out=4)

    def relu(self, x: Value) -> Value:
        return self.build.add("relu", x)

    def sum(self, *values: Value, operator: str = "add") -> Value:
        total, *rest = values
        for value in rest:
            total = self.build.add(operator, total, value)
        return total


def in_other_words(graph: Graph, rng: Random) -> Graph:
    """The graph in another order, operands swapped, with detours and with nodes computed twice."""
    build = Builder(DECLARED)
    placed: dict[Value, list[Value]] = {}
    waiting = list(range(len(graph.nodes)))

    def fetched(value: Value) -> Value:
        found = rng.choice(placed[value])
        return build.add("identity", found) if rng.random() < 0.2 else found

    while waiting:
        inputs = [node for node in waiting if graph.nodes[node].operator == INPUT]
        ready = [node for node in waiting if all(value in placed for value in graph.nodes[node].inputs)]
        chosen = rng.choice([node for node in ready if node not in inputs[1:]])
        waiting.remove(chosen)
        node = graph.nodes[chosen]
        if node.operator == INPUT:
            placed[Value(chosen)] = [build.input(node.types[0])]
            continue
        owns_nothing = node.operator in STATELESS.operators
        for _ in range(rng.choice((1, 1, 2)) if owns_nothing else 1):
            operands = [fetched(value) for value in node.inputs]
            if node.operator in COMMUTATIVE:
                rng.shuffle(operands)
            for k, value in enumerate(build.apply(node.operator, operands, node.attribute)):
                placed.setdefault(Value(chosen, k), []).append(value)
    return build.finish(*map(fetched, graph.outputs))


def drawn(kind: TensorType) -> torch.Tensor:
    """Values all over a dtype's usual range: no operator maps all of them to themselves by accident."""
    if kind.dtype == "bool":
        return torch.rand(kind.shape) < 0.5
    values = torch.randn(kind.shape) * 3 if kind.dtype in FLOATS else torch.randint(-1000, 1000, kind.shape)
    return values.to(DTYPES[kind.dtype])


def computed(graph: Graph, inputs: Sequence[torch.Tensor], *, training: bool = False) -> tuple[torch.Tensor, ...]:
    with torch.no_grad():
        found = lower(graph, DECLARED).train(training)(*inputs)
    return found if isinstance(found, tuple) else (found,)
