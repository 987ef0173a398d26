"""What a graph costs by its rules: trainable parameters and multiply-accumulates, without running it."""

from collections.abc import Iterator
from math import prod

from archsmith.graph.book import Application, RuleBook
from archsmith.graph.expr import evaluate
from archsmith.graph.graph import Graph


def applications(graph: Graph, book: RuleBook) -> Iterator[tuple[int, Application]]:
    """Every node that is not an input, with the rule that accepts it and the values of the rule's symbols."""
    for position, node in graph.operators():
        types = [graph.type_of(value) for value in node.inputs]
        yield position, book.apply(node.operator, types, dict(node.attributes))


def parameters(graph: Graph, book: RuleBook) -> int:
    """Trainable numbers in the whole graph."""
    return sum(
        prod(evaluate(size, call.bound) for size in sizes)
        for _, call in applications(graph, book)
        for _, sizes in call.rule.parameters
    )


def macs(graph: Graph, book: RuleBook) -> int:
    """Multiply-accumulates of one forward pass at the graph's own batch size.

    Convolutions and matrix products count; element-wise operators, normalisation and pooling do not, as is
    usual.
    """
    return sum(evaluate(call.rule.macs, call.bound) for _, call in applications(graph, book))
