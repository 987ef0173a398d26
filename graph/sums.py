"""Sums, and whatever may be regrouped like a sum, written as nodes of two operands.

The terms of a sum are a set with multiplicities, in a given order. A sum of which another needed sum is a part
takes that one's value, the largest part first, so that ``x + f(x)`` of a residual network stays what it is.
"""

from collections.abc import Mapping, Sequence

from archsmith.graph.graph import Node, Value
from archsmith.graph.types import TensorType

Terms = Mapping[Value, int]
"""How often each value is a term."""

Sized = tuple[int, list[tuple[int, Terms]]]
"""Sums of one size, with their places."""


def write_sums(nodes: list[Node], sums: Mapping[int, Terms]) -> None:
    """Rewrite the nodes at these places to sums of the terms, in their order; what lies in between comes last."""
    made: dict[tuple[str, Value, Value], Value] = {}
    by_operator: dict[str, list[tuple[int, Terms]]] = {}
    for place, terms in sums.items():
        by_operator.setdefault(nodes[place].operator, []).append((place, terms))
    for operator, those in by_operator.items():
        sized = _sized(those)
        for place, terms in those:
            *earlier, last = _halved(_with_parts(terms, sized))
            inputs = _total(nodes, made, operator, earlier), _total(nodes, made, operator, [last])
            if nodes[place].inputs != inputs:
                nodes[place] = Node(operator, inputs, nodes[place].attributes, nodes[place].types)


def _sized(sums: list[tuple[int, Terms]]) -> list[Sized]:
    """The sums by the number of their terms, the largest first."""
    sizes: dict[int, list[tuple[int, Terms]]] = {}
    for place, terms in sums:
        sizes.setdefault(sum(terms.values()), []).append((place, terms))
    return sorted(sizes.items(), reverse=True)


def _with_parts(terms: Terms, sums: list[Sized]) -> list[tuple[Value, int]]:
    """The terms with other sums for as many of them as possible, those sums first."""
    whole = size = sum(terms.values())
    if whole == 2:
        return list(terms.items())
    rest = dict(terms)
    written: list[tuple[Value, int]] = []
    for part_size, those in sums:
        if part_size == whole or part_size > size:
            continue
        parts = [(place, part) for place, part in those if _times(part, rest)]
        if len(parts) > 1:
            rank = {value: k for k, value in enumerate(terms)}
            parts.sort(key=lambda found: sorted((rank[value], times) for value, times in found[1].items()))
        for place, part in parts:
            times = _times(part, rest)
            if times:
                written.append((Value(place), times))
                size -= part_size * times
                rest = {value: count - part.get(value, 0) * times for value, count in rest.items()}
    return written + [(value, times) for value, times in rest.items() if times]


def _times(part: Terms, terms: Terms) -> int:
    """How often the part is in the terms."""
    if not part.keys() <= terms.keys():
        return 0
    return min(terms[value] // count for value, count in part.items())


def _halved(written: list[tuple[Value, int]]) -> list[tuple[Value, int]]:
    """The same with at least two entries, as a node has two operands."""
    if len(written) > 1:
        return written
    ((value, times),) = written
    return [(value, times - times // 2), (value, times // 2)]


def _total(
    nodes: list[Node],
    made: dict[tuple[str, Value, Value], Value],
    operator: str,
    terms: Sequence[tuple[Value, int]],
) -> Value:
    """The sum of the terms, one after the other; a term that counts often is doubled, not counted out."""

    def pair(left: Value, right: Value) -> Value:
        found = made.get((operator, left, right))
        if found is None:
            types = [nodes[value.node].types[value.output] for value in (left, right)]
            nodes.append(Node(operator, (left, right), (), (_broadcast(*types),)))
            found = made[operator, left, right] = Value(len(nodes) - 1)
        return found

    def multiple(value: Value, times: int) -> Value:
        if times == 1:
            return value
        half = multiple(value, times // 2)
        twice = pair(half, half)
        return pair(twice, value) if times % 2 else twice

    (first, times), *others = terms
    total = multiple(first, times)
    for value, count in others:
        total = pair(total, multiple(value, count))
    return total


def _broadcast(left: TensorType, right: TensorType) -> TensorType:
    """The type of a sum of these two; terms of a valid sum broadcast in any order."""
    rank = max(left.rank, right.rank)
    padded = [(1,) * (rank - given.rank) + given.shape for given in (left, right)]
    return TensorType(tuple(map(max, *padded)), left.dtype)
