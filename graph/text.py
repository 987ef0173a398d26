"""A graph as JSON text and back, as a listing for people, and as its digest.

The JSON is canonical (keys sorted, no spaces), so equal graphs have equal text, and the digest of the text is
the identity under which the store keeps an architecture.
"""

import json
from hashlib import blake2b
from math import inf
from reprlib import repr as shortened
from typing import Never

from archsmith.graph.graph import INPUT, Graph, Node, Scalar, Value, canonical
from archsmith.graph.types import TensorType

FORMAT = 1
"""Version of the JSON form; a reader refuses any other."""


def to_json(graph: Graph) -> str:
    """Canonical JSON text; ``from_json(to_json(g)) == g``."""
    document = {
        "format": FORMAT,
        "nodes": [
            {
                "op": node.operator,
                "in": [list(value) for value in node.inputs],
                "attr": dict(node.attributes),
                "out": [[t.dtype, *t.shape] for t in node.types],
            }
            for node in graph.nodes
        ],
        "outputs": [list(value) for value in graph.outputs],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> Graph:
    """The graph that ``text`` writes, pruned and in canonical order.

    Types are taken from the text; whether a rule book agrees with them is for
    ``archsmith.graph.builder.recheck``.

    Raises:
        ValueError: the text is not JSON, not of this format, or not a graph.
    """
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"a graph's text must be JSON: {error}") from None
    match document:
        case {"format": version, "nodes": list(nodes), "outputs": list(outputs)} if version == FORMAT:
            graph = Graph(tuple(map(_node, nodes)), tuple(map(_value, outputs)))
            return canonical(graph.nodes, graph.outputs)
    raise ValueError(f"a graph's text has format {FORMAT}, nodes and outputs; got {text[:60]!r}")


def _no_number(name: str) -> Never:
    raise ValueError(f"{name} is no number in JSON")


def _node(entry: object) -> Node:
    match entry:
        case {"op": str(operator), "in": list(inputs), "attr": dict(attributes), "out": list(types)}:
            values = (_attribute(name, value) for name, value in sorted(attributes.items()))
            return Node(operator, tuple(map(_value, inputs)), tuple(values), tuple(map(_type, types)))
    raise ValueError(f"a graph's node has op, in, attr and out; got {shortened(entry)}")


def _value(entry: object) -> Value:
    match entry:
        case [int(node), int(output)] if bool not in (type(node), type(output)):
            return Value(node, output)
    raise ValueError(f"a graph's value reads [node, output]; got {shortened(entry)}")


def _type(entry: object) -> TensorType:
    match entry:
        case [str(dtype), *sizes]:
            shape = tuple(size for size in sizes if type(size) is int)
            if len(shape) == len(sizes):
                return TensorType(shape, dtype)
    raise ValueError(f"a graph's tensor type reads [dtype, size, ...]; got {shortened(entry)}")


def _attribute(name: str, value: object) -> tuple[str, Scalar]:
    if isinstance(value, int | float | str) and value not in (inf, -inf):
        return name, value
    raise ValueError(f"attribute {name} is a finite number, boolean or string; got {shortened(value)}")


def digest(graph: Graph) -> str:
    """32 hexadecimal digits that name the architecture, however it was built (BLAKE2b, 128 bits)."""
    return blake2b(to_json(graph).encode(), digest_size=16).hexdigest()


def listing(graph: Graph) -> str:
    """One line a node: ``%3 = conv2d(%0, kernel=3, ...)  float32[1, 16, 8, 8]``."""
    lines = []
    for position, node in enumerate(graph.nodes):
        parts = [_name(value) for value in node.inputs] + [f"{k}={v}" for k, v in node.attributes]
        call = node.operator if node.operator == INPUT else f"{node.operator}({', '.join(parts)})"
        lines.append(f"%{position} = {call}  {', '.join(map(str, node.types))}")
    lines.append(f"return {', '.join(map(_name, graph.outputs))}")
    return "\n".join(lines)


def _name(value: Value) -> str:
    return f"%{value.node}" if value.output == 0 else f"%{value.node}.{value.output}"
