"""A normal form of graphs: one graph, and so one digest, for every way of writing down the same network.

Two graphs have one normal form if their outputs are the same formulas of inputs and of layers with weights, up
to operators that do nothing and to the order and grouping of sums and the like. Nothing else here is algebra:
``x + x`` is not ``2 x``, nor ``relu(relu(x))`` ``relu(x)``. Normal forms are compared whole, so no two different
networks ever share one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import prod
from types import MappingProxyType

from archsmith.graph.book import RuleBook
from archsmith.graph.graph import INPUT, Graph, Node, Scalar, Value, canonical
from archsmith.graph.ops import DECLARED
from archsmith.graph.ordering import Operands, Vertex, arranged
from archsmith.graph.sums import Terms, write_sums
from archsmith.graph.text import to_json
from archsmith.graph.types import TensorType

ASSOCIATIVE = frozenset({"add", "mul", "maximum", "minimum", "logical_and", "logical_xor"})
"""Operators of two operands that may be regrouped."""

COMMUTATIVE = ASSOCIATIVE | {"eq"}
"""Operators whose two operands may change places."""

RANDOM = frozenset({"dropout"})
"""Operators that need not give the same twice. Those that own parameters are known from the rule book."""


def _always(attribute: Mapping[str, Scalar], type: TensorType) -> bool:
    return True


def _pools_single_elements(attribute: Mapping[str, Scalar], type: TensorType) -> bool:
    return attribute["kernel"] == 1


def _takes_the_greatest_of_one(attribute: Mapping[str, Scalar], type: TensorType) -> bool:
    return attribute["kernel"] == 1 or prod(type.shape[2:]) == 1


def _swaps_sizes_of_one(attribute: Mapping[str, Scalar], type: TensorType) -> bool:
    first, second = int(attribute["first"]), int(attribute["second"])
    return min(first, second) > 0 and type.shape[first] == type.shape[second] == 1


def _takes_a_whole_dimension(attribute: Mapping[str, Scalar], type: TensorType) -> bool:
    return int(attribute["dim"]) > 0


def _works_along_one(attribute: Mapping[str, Scalar], type: TensorType) -> bool:
    return int(attribute["dim"]) > 0 and type.shape[int(attribute["dim"])] == 1


def _turns_full_circle(attribute: Mapping[str, Scalar], type: TensorType) -> bool:
    dim, shift = int(attribute["dim"]), int(attribute["shift"])
    return shift == 0 or (dim > 0 and shift % type.shape[dim] == 0)


IDENTITIES: Mapping[str, Callable[[Mapping[str, Scalar], TensorType], bool]] = MappingProxyType(
    {
        "identity": _always,
        "leaky_relu": lambda attribute, type: attribute["slope"] == 1,
        "dropout": lambda attribute, type: attribute["rate"] == 0,
        "cast": _always,
        "max_pool1d": _takes_the_greatest_of_one,
        "max_pool2d": _takes_the_greatest_of_one,
        "avg_pool1d": _pools_single_elements,
        "avg_pool2d": _pools_single_elements,
        "upsample_nearest2d": _always,
        "pixel_shuffle": _always,
        "flatten": _always,
        "transpose": _swaps_sizes_of_one,
        "narrow": _takes_a_whole_dimension,
        "flip": _works_along_one,
        "cumsum": _works_along_one,
        "roll": _turns_full_circle,
        "repeat": _always,
        "zero_pad2d": _always,
    }
)
"""When an operator whose output has its input's type gives back that input, in training too.

Bit by bit, but for the sign of a zero that a mean or sum of one element does not keep. The size of dimension 0
is never looked at: a graph is typed with one sample, and its network takes any number.
"""


def simplified(graph: Graph, book: RuleBook = DECLARED) -> Graph:
    """The same network in normal form; ``simplified(simplified(g)) == simplified(g)``.

    Operators that return their input are gone; what is computed twice without weights of its own and without
    randomness is computed once; sums of sums are one sum, and operands whose order means nothing stand in one
    that only structure decides. Inputs and outputs keep their order: they are the signature.

    Values stay the same, but for floats that are regrouped: there ``add`` and ``mul`` round differently, and
    may overflow in one grouping only. Operators whose rules ``book`` does not have are taken to own weights.
    Past the bound of ``archsmith.graph.ordering`` on the search among parts that are much alike, two ways of
    writing one network may keep two normal forms.
    """
    seen: list[Graph] = []
    again, settled = _normalised(graph, repeatable(book))
    while not settled and again not in seen:
        seen.append(again)
        again, settled = _normalised(again, repeatable(book))
    # Where the order given decides, there may be no end but a circle: every graph of it leads to its least.
    return again if settled else min(seen[seen.index(again) :], key=to_json)


@lru_cache(maxsize=8)
def repeatable(book: RuleBook) -> frozenset[str]:
    """Operators that give the same for the same: their rules are known, and none has parameters or randomness."""
    return frozenset(
        name
        for name, entry in book.operators.items()
        if name not in RANDOM and entry.rules and not entry.learned and not any(rule.parameters for rule in entry.rules)
    )


def _normalised(graph: Graph, stateless: frozenset[str]) -> tuple[Graph, bool]:
    """The normal form, and whether nothing but structure has decided it."""
    nodes, outputs, sums = _merged(graph, stateless)
    if not any(node.operator in COMMUTATIVE for node in nodes):
        return canonical(nodes, outputs), True
    vertices = _needed(nodes, outputs, sums)
    operands, settled = arranged(vertices, outputs)
    ordered: dict[int, Terms] = {}
    for place, values in operands.items():
        if place in sums:
            terms = (vertices[value.node].operands[0] if value.node >= len(nodes) else value for value in values)
            ordered[place] = {term: sums[place][term] for term in terms}
        elif values != nodes[place].inputs:
            nodes[place] = replace(nodes[place], inputs=values)
    write_sums(nodes, ordered)
    return canonical(nodes, outputs), settled


def _merged(graph: Graph, stateless: frozenset[str]) -> tuple[list[Node], Operands, dict[int, Terms]]:
    """The graph's nodes at their places, with no edge from identities or from what is computed earlier.

    With them come the outputs and, by place, the terms of sums, those of sums in sums included.
    """
    nodes: list[Node] = []
    sums: dict[int, Terms] = {}
    instead: dict[Value, Value] = {}
    known: dict[tuple[object, ...], int] = {}
    for place, given in enumerate(graph.nodes):
        node = given
        if instead:
            inputs = tuple(instead.get(value, value) for value in node.inputs)
            node = Node(node.operator, inputs, node.attributes, node.types) if inputs != node.inputs else node
        nodes.append(node)
        if is_identity(node, nodes):
            instead[Value(place)] = node.inputs[0]
        elif node.operator in stateless:
            if node.operator in ASSOCIATIVE:
                sums[place] = _terms(node, nodes, sums)
            earlier = known.setdefault(_call(node, sums.get(place)), place)
            if earlier != place and nodes[earlier].types == node.types:
                instead |= {Value(place, k): Value(earlier, k) for k in range(len(node.types))}
    return nodes, tuple(instead.get(value, value) for value in graph.outputs), sums


def _terms(node: Node, nodes: Sequence[Node], sums: Mapping[int, Terms]) -> Terms:
    """How often each value is a term of the sum; a value that is such a sum itself gives its terms."""
    terms: dict[Value, int] = {}
    for value in node.inputs:
        if nodes[value.node].operator == node.operator and not changes_dtype(nodes[value.node], nodes):
            for term, times in sums[value.node].items():
                terms[term] = terms.get(term, 0) + times
        else:
            terms[value] = terms.get(value, 0) + 1
    return terms


def is_identity(node: Node, nodes: Sequence[Node]) -> bool:
    """Whether the node gives back its input, which is one of these nodes."""
    test = IDENTITIES.get(node.operator)
    if test is None:
        return False
    source = node.inputs[0]
    given = nodes[source.node].types[source.output]
    return node.types == (given,) and test(node.attribute, given)


def _call(node: Node, terms: Terms | None) -> tuple[object, ...]:
    """Equal for calls of one operator that compute the same."""
    if terms is not None:
        return node.operator, frozenset(terms.items())
    inputs = tuple(sorted(node.inputs)) if node.operator in COMMUTATIVE else node.inputs
    return node.operator, node.attributes, inputs


def _needed(nodes: Sequence[Node], outputs: Operands, sums: Mapping[int, Terms]) -> dict[int, Vertex]:
    """What the outputs need, by place, but for sums that are only terms of others.

    A term that counts several times is a vertex of its own, behind the places of nodes.
    """
    needed = _reached(nodes, outputs, sums)
    vertices: dict[int, Vertex] = {}
    inputs, multiples = 0, len(nodes)
    for place, node in enumerate(nodes):
        if node.operator == INPUT:
            vertices[place] = Vertex(b"input %d" % inputs, (), loose=False)
            inputs += 1
        elif place in needed:
            operands = node.inputs
            if place in sums:
                terms = sums[place]
                often = [value for value in terms if terms[value] > 1]
                multiple = {value: Value(multiples + k) for k, value in enumerate(often)}
                vertices |= {multiple[v].node: Vertex(b"%d times" % terms[v], (v,), loose=False) for v in often}
                multiples += len(often)
                operands = tuple(multiple.get(value, value) for value in terms) if often else tuple(terms)
            label = _label(node.operator, repr(node.attributes), node.types)
            vertices[place] = Vertex(label, operands, node.operator in COMMUTATIVE)
    return vertices


def _reached(nodes: Sequence[Node], outputs: Operands, sums: Mapping[int, Terms]) -> set[int]:
    """The places that the outputs are computed from, through the terms of sums."""
    needed: set[int] = set()
    pending = [value.node for value in outputs]
    while pending:
        place = pending.pop()
        if place not in needed:
            needed.add(place)
            pending += [value.node for value in sums.get(place, nodes[place].inputs)]
    return needed


def changes_dtype(node: Node, nodes: Sequence[Node]) -> bool:
    """Whether a sum is of another dtype than its terms, which are of these nodes: then it is no part of larger ones."""
    first = node.inputs[0]
    return nodes[first.node].types[first.output].dtype != node.types[0].dtype


@lru_cache(maxsize=1 << 14)
def _label(operator: str, attributes: str, types: tuple[TensorType, ...]) -> bytes:
    """The same text in every process: it decides the order, which the digest depends on.

    The attributes are text already: 1, 1.0 and True are equal, and would be remembered for each other.
    """
    return f"{operator} {attributes} {', '.join(map(str, types))}".encode()
