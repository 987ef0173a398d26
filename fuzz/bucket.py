"""Which failures are one: a key that other cases with the same cause share, without reducing them first."""

import re
from collections.abc import Iterable
from hashlib import blake2b

from archsmith.fuzz.oracles.protocol import DISAGREEMENTS, Failure
from archsmith.graph.graph import INPUT, Graph

_NORMAL = (
    (r"\x1b\[[0-9;]*m", ""),
    (r"0x[0-9a-fA-F]+", "#"),
    (r"(?:/[\w.+-]+)+/([\w.+-]+)", r"\1"),  # a path: its last part
    (r"\bc[a-z2-7]{51}\b", "#"),  # inductor names files after the digest of what is in them
    (r"[(\[][\d\s,x.-]*[)\]]", "#"),  # a shape, an index
    (r"\b([A-Za-z_]+?)_?\d+(?:_\d+)*\b(?!\()", r"\1#"),  # v12, buf3; but log2( is a function
    (r"(?<![A-Za-z\d_])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", "#"),
    (r"\s+", " "),
)


def normalised(text: str) -> str:
    """The text without what differs from case to case: numbers, shapes, addresses, folders."""
    for pattern, replacement in _NORMAL:
        text = re.sub(pattern, replacement, text)
    return text.strip()


def bucket(failure: Failure, graph: Graph) -> str:
    """The key of the failure: ``inductor/wrong value/3f2a90b1c47d``.

    Disagreements fall together when the same operators lead to the output that disagrees, all other failures
    when the same place raises the same message.
    """
    if failure.kind in DISAGREEMENTS and failure.output is not None:
        cause = " ".join(_operators(graph, ancestry(graph, failure.output)))
    else:
        cause = f"{failure.where}: {normalised(failure.message.partition(chr(10))[0])}"
    digest = blake2b(cause.encode(), digest_size=6).hexdigest()
    return f"{failure.oracle}/{failure.kind}/{digest}"


def ancestry(graph: Graph, output: int) -> set[int]:
    """The positions of the nodes that output number ``output`` is computed by, inputs among them."""
    found = {graph.outputs[output].node}
    for position in reversed(range(len(graph.nodes))):
        if position in found:
            found |= {value.node for value in graph.nodes[position].inputs}
    return found


def _operators(graph: Graph, positions: Iterable[int]) -> list[str]:
    return sorted({graph.nodes[position].operator for position in positions} - {INPUT})
