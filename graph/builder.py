"""The builder that decides with numbers at hand: every call is checked by the rule book as it is added."""

from collections.abc import Mapping, Sequence

from archsmith.graph.book import RuleBook
from archsmith.graph.errors import UserError
from archsmith.graph.graph import INPUT, Graph, Node, Scalar, Value, canonical
from archsmith.graph.types import TensorType


class Builder:
    """Grows one graph, node by node; a call that no rule accepts raises ``Infeasible`` and adds nothing."""

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self._nodes: list[Node] = []

    def input(self, type: TensorType) -> Value:
        """Add an input of the graph.

        Raises:
            UserError: the type has no elements; the rules speak of sizes of at least 1.
        """
        if not type.elements:
            raise UserError(f"an input's sizes must be at least 1; got {type}")
        return self._append(Node(INPUT, (), (), (type,)))

    def add(self, operator: str, /, *inputs: Value, **attributes: Scalar) -> Value:
        """Apply an operator and give its first output: the common case, spelled for people."""
        return self.apply(operator, inputs, attributes)[0]

    def apply(self, operator: str, inputs: Sequence[Value], attributes: Mapping[str, Scalar]) -> tuple[Value, ...]:
        """Apply an operator; one value per output.

        Raises:
            Infeasible: no rule accepts the call.
            UserError: the operator or an attribute does not exist.
        """
        call = self.book.apply(operator, [self.type_of(value) for value in inputs], attributes)
        first = self._append(Node(operator, tuple(inputs), call.attributes, call.types))
        return tuple(Value(first.node, output) for output in range(len(call.types)))

    def type_of(self, value: Value) -> TensorType:
        return self._nodes[value.node].types[value.output]

    @property
    def values(self) -> tuple[Value, ...]:
        """Everything that a further node may use, oldest first."""
        return tuple(Value(i, k) for i, node in enumerate(self._nodes) for k in range(len(node.types)))

    def __len__(self) -> int:
        return len(self._nodes)

    def unused(self) -> tuple[Value, ...]:
        """All outputs of the nodes that no other node uses: what a graph without chosen outputs returns."""
        used = {value.node for node in self._nodes for value in node.inputs}
        idle = [i for i, node in enumerate(self._nodes) if i not in used and node.operator != INPUT]
        return tuple(Value(i, k) for i in idle for k in range(len(self._nodes[i].types)))

    def finish(self, *outputs: Value) -> Graph:
        """The graph that leaves by ``outputs``, pruned and in canonical order."""
        return canonical(self._nodes, outputs)

    def _append(self, node: Node) -> Value:
        self._nodes.append(node)
        return Value(len(self._nodes) - 1)


def recheck(graph: Graph, book: RuleBook) -> Graph:
    """The same graph, every type inferred anew: for graphs that come from text.

    Raises:
        Infeasible: the book's rules do not accept a call of the graph.
        UserError: an operator or an attribute is not in the book.
        ValueError: a type in the text is not the one that the rules give.
    """
    builder = Builder(book)
    for position, node in enumerate(graph.nodes):
        if node.operator == INPUT:
            builder.input(node.types[0])
            continue
        values = builder.apply(node.operator, node.inputs, dict(node.attributes))
        inferred = tuple(builder.type_of(value) for value in values)
        if inferred != node.types:
            said, given = (", ".join(map(str, types)) for types in (node.types, inferred))
            raise ValueError(f"node {position} ({node.operator}) is said to return {said}; rules give {given}")
    return builder.finish(*graph.outputs)
