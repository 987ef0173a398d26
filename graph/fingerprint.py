"""Fingerprints of networks: equal where the normal forms are, and found without writing those down.

The fingerprint of a value is a hash of its formula: of the operator, and of the fingerprints of the operands, added up
where their order means nothing; sums of sums are one sum, and operators that give back their input are not there. Two
layers that are alike but for their weights have one fingerprint. So networks of two fingerprints are two networks, and
those of one may be one: their normal forms tell.

They are hashes of Python's, which differ from process to process.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from archsmith.graph.book import RuleBook
from archsmith.graph.graph import INPUT, Graph, Node, Value
from archsmith.graph.simplify import ASSOCIATIVE, COMMUTATIVE, changes_dtype, is_identity, repeatable

Formula = tuple[int, str, int]
"""The fingerprint of a value; the operator of which it is a sum, if any, and what it adds to a larger sum of that."""


def entering(place: int) -> Formula:
    """The formula of a network's input."""
    mark = hash((INPUT, place))
    return mark, "", mark


@dataclass(frozen=True, slots=True)
class Call:
    """A node that does something: ``operands`` are places among the formulas that are known before it.

    If ``loose``, their order means nothing. Sums of ``regrouped`` among them are taken apart; ``within`` is the
    operator of the sums that this one may be taken apart in.
    """

    label: int
    operands: tuple[int, ...]
    loose: bool = False
    regrouped: str = ""
    within: str = ""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A graph reduced to what its outputs' fingerprints are made of: one formula for each input, then one a call."""

    calls: tuple[Call, ...]
    outputs: tuple[int, ...]

    def formulas(self, inputs: Sequence[Formula]) -> list[Formula]:
        """Those of the outputs, whatever the inputs are computed from."""
        known = list(inputs)
        for call in self.calls:
            known.append(_loose(call, known) if call.loose else _strict(call, known))
        return [known[place] for place in self.outputs]


def _strict(call: Call, known: Sequence[Formula]) -> Formula:
    mark = hash((call.label, *[known[place][0] for place in call.operands]))
    return mark, "", mark


def _loose(call: Call, known: Sequence[Formula]) -> Formula:
    total = 0
    for place in call.operands:
        mark, operator, terms = known[place]
        total += terms if operator == call.regrouped else mark
    mark = hash((call.label, total))
    return mark, call.within, total if call.within else mark


def sketch(graph: Graph, book: RuleBook) -> Sketch:
    """The graph, ready for fingerprints of its outputs on any inputs."""
    calls: list[Call] = []
    places: dict[Value, int] = {}

    def add(value: Value, call: Call) -> None:
        places[value] = len(graph.inputs) + len(calls)
        calls.append(call)

    for position, node in enumerate(graph.nodes):
        if node.operator == INPUT:
            places[Value(position)] = len(places)
        elif is_identity(node, graph.nodes):
            places[Value(position)] = places[node.inputs[0]]
        else:
            add(Value(position), _call(node, graph.nodes, tuple(places[value] for value in node.inputs), book))
            for output in range(1, len(node.types)):
                add(Value(position, output), Call(hash(("output", output)), (places[Value(position)],)))
    return Sketch(tuple(calls), tuple(places[value] for value in graph.outputs))


def _call(node: Node, nodes: Sequence[Node], operands: tuple[int, ...], book: RuleBook) -> Call:
    label = hash((node.operator, node.attributes, node.types))
    loose = node.operator in COMMUTATIVE
    if node.operator not in ASSOCIATIVE or node.operator not in repeatable(book):
        return Call(label, operands, loose)
    return Call(label, operands, loose, node.operator, "" if changes_dtype(node, nodes) else node.operator)


def fingerprint(graph: Graph, book: RuleBook) -> int:
    """The same for all graphs of one normal form in this process, and nearly always another for another."""
    outputs = sketch(graph, book).formulas([entering(place) for place in range(len(graph.inputs))])
    return hash((graph.input_types, *(mark for mark, _, _ in outputs)))
