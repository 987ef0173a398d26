"""How the units of a value move through operators without weights: who descends from whom, see ``Units``."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from types import MappingProxyType

import torch

from archsmith.evaluate.widening import Units
from archsmith.graph.graph import Graph, Node
from archsmith.graph.ops.normalisation import NORMALISATION
from archsmith.graph.ops.pointwise import POINTWISE
from archsmith.graph.ops.pooling import POOLING

KEEP = frozenset(
    {entry.name for entry in (*POINTWISE, *POOLING, *NORMALISATION)}
    | {"softmax", "log_softmax", "zero_pad2d", "class_token", "position_embedding"}
) - {"pixel_shuffle"}
"""Operators that leave every unit where it is."""

REDUCE = frozenset({"sum", "mean", "amax", "amin", "prod", "logsumexp", "squeeze"})
"""Operators after which a dimension is missing."""

Given = Sequence[Units | None]


def passed(graph: Graph, node: Node, given: Given) -> Units | None:
    """The units of the node's first output, by those of its inputs; None where nothing is known of them.

    Where several inputs meet, as in a sum, they are the first's of which something is known: if the others' differ,
    what was widened no longer computes the same.
    """
    rule = _RULES.get(node.operator, _first if node.operator in KEEP else _reduced if node.operator in REDUCE else None)
    found = rule(graph, node, given) if rule is not None else None
    shape = node.types[0].shape
    return found if found is not None and found.dim < len(shape) and shape[found.dim] == len(found) else None


def _first(graph: Graph, node: Node, given: Given) -> Units | None:
    return next((units for units in given if units is not None), None)


def _flattened(graph: Graph, node: Node, given: Given) -> Units | None:
    units, shape = given[0], graph.type_of(node.inputs[0]).shape
    if units is None or units.dim == 0:
        return None
    sizes = list(shape[1:])
    sizes[units.dim - 1] = units.width
    places = torch.arange(prod(sizes)).reshape(sizes)
    return Units(1, places.index_select(units.dim - 1, units.index).flatten(), prod(sizes))


def _joined(graph: Graph, node: Node, given: Given) -> Units | None:
    parts, start, dim = [], 0, _number(node, "dim")
    for units in given:
        if units is None or units.dim != dim:
            return None
        parts.append(units.index + start)
        start += units.width
    return Units(dim, torch.cat(parts), start)


def _swapped(graph: Graph, node: Node, given: Given) -> Units | None:
    first, second = _number(node, "first"), _number(node, "second")
    return given[0] and given[0].at({first: second, second: first}.get(given[0].dim, given[0].dim))


def _added(graph: Graph, node: Node, given: Given) -> Units | None:
    return given[0] and given[0].at(given[0].dim + (_number(node, "dim") <= given[0].dim))


def _reduced(graph: Graph, node: Node, given: Given) -> Units | None:
    units, dim = given[0], _number(node, "dim")
    return None if units is None or dim == units.dim else units.at(units.dim - (dim < units.dim))


def _number(node: Node, attribute: str) -> int:
    return int(node.attribute[attribute])


def _values(graph: Graph, node: Node, given: Given) -> Units | None:
    return given[2]


_RULES: Mapping[str, Callable[[Graph, Node, Given], Units | None]] = MappingProxyType(
    {
        "flatten": _flattened,
        "cat": _joined,
        "transpose": _swapped,
        "unsqueeze": _added,
        "scaled_dot_product_attention": _values,
    }
)
