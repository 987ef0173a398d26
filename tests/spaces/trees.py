"""Walking trees in tests: what is asked, what comes out, and why not."""

from collections.abc import Mapping
from dataclasses import replace

from archsmith.graph.graph import Graph, Scalar
from archsmith.spaces.decisions import Derivation, Label, Trace, derive, following
from archsmith.spaces.node import Node
from archsmith.spaces.space import search_space
from tests.spaces.leaves import leaves

IMAGE = (4, 6, 6)


def walked(root: Node, /, answers: Mapping[str, Label], *, input: tuple[int, ...] = IMAGE) -> Derivation:
    """The walk where the decisions named have these answers and the others their first option, dead ends included."""
    space = replace(search_space(root, input=input), ahead=False)
    return derive(space, following(Trace.of(answers), lambda decision, _: decision.options[0]))


def built(root: Node, /, answers: Mapping[str, Label] | None = None, *, input: tuple[int, ...] = IMAGE) -> Graph:
    found = walked(root, answers or {}, input=input)
    assert found.graph is not None, found.dead_end
    return found.graph


def dead_end(root: Node, /, answers: Mapping[str, Label] | None = None, *, input: tuple[int, ...] = IMAGE) -> str:
    """Why the walk ends without a graph."""
    found = walked(root, answers or {}, input=input)
    assert found.dead_end is not None
    return found.dead_end


def asked(root: Node, /, answers: Mapping[str, Label] | None = None, *, input: tuple[int, ...] = IMAGE) -> list[str]:
    return [decision.name for decision in walked(root, answers or {}, input=input).asked]


def operators(graph: Graph) -> list[str]:
    return [node.operator for _, node in graph.operators()]


def attribute(graph: Graph, name: str) -> list[Scalar]:
    """The attribute of every operator that has it, in the graph's order."""
    return [node.attribute[name] for _, node in graph.operators() if name in node.attribute]


def shape(graph: Graph) -> tuple[int, ...]:
    """The shape of the one value that leaves the graph, without the batch."""
    (type,) = graph.output_types
    return type.shape[1:]


def architectures(root: Node, *, input: tuple[int, ...] = IMAGE) -> list[Graph]:
    """The graph of every trace, in no certain order."""
    return [leaf.graph for leaf in leaves(search_space(root, input=input)) if leaf.graph is not None]


def text(root: Node) -> str:
    return "\n".join(root.lines())
