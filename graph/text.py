"""A graph as JSON text and back, as a listing for people, and as its digest.

The JSON is canonical (keys sorted, no spaces), so equal graphs have equal text, and the digest of the text is the
identity under which the store keeps an architecture.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

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

    Types are taken from the text; whether a rule book agrees with them is asked by ``archsmith.graph.builder.recheck``.

    Raises:
        ValueError: the text is not JSON, not of this format, or not a graph.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"a graph's text must be JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"a graph's text must be an object with format {FORMAT}; got {text[:60]!r}")
    try:
        nodes = [_node(entry) for entry in document["nodes"]]
        outputs = [_value(entry) for entry in document["outputs"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a graph: {type(error).__name__} {error}") from None
    Graph(tuple(nodes), tuple(outputs))  # checks the edges before they are followed
    return canonical(nodes, outputs)


def _node(entry: Mapping[str, Any]) -> Node:
    attributes: Mapping[str, Scalar] = entry["attr"]
    for name, value in attributes.items():
        if not isinstance(value, int | float | bool | str):
            raise TypeError(f"attribute {name} must be a number, a boolean or a string; got {value!r}")
    types = tuple(
        TensorType(tuple(_integer(size) for size in shape), dtype) for dtype, *shape in entry["out"]
    )
    return Node(str(entry["op"]), tuple(map(_value, entry["in"])), tuple(sorted(attributes.items())), types)


def _value(entry: Sequence[int]) -> Value:
    node, output = entry
    return Value(_integer(node), _integer(output))


def _integer(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool):
        raise TypeError(f"must be an integer; got {given!r}")
    return given


def digest(graph: Graph) -> str:
    """32 hexadecimal digits that name the architecture, whatever the order in which it was built (BLAKE2b, 128 bits)."""
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
