"""Where in a graph a failure begins."""

from dataclasses import replace

from archsmith.fuzz.case import Case
from archsmith.fuzz.oracles.protocol import DISAGREEMENTS, Failure, Oracle
from archsmith.graph.graph import INPUT, Graph, Value, canonical


def located(failure: Failure, case: Case, oracle: Oracle) -> Failure:
    """The failure with ``where`` the first operator behind which the network can be cut off and fails alike.

    One check per operator that leads to the output, at most. A failure that takes what comes later, too, keeps its
    place, and so does one that is no disagreement about an output.
    """
    if failure.kind not in DISAGREEMENTS or failure.output is None:
        return failure
    for position in sorted(ancestry(case.graph, failure.output)):
        node = case.graph.nodes[position]
        if node.operator == INPUT:
            continue
        outputs = [Value(position, output) for output in range(len(node.types))]
        found = oracle.check(replace(case, graph=canonical(case.graph.nodes, outputs)))
        if found is not None and found.kind == failure.kind:
            return replace(failure, where=node.operator)
    return failure


def ancestry(graph: Graph, output: int) -> set[int]:
    """The positions of the nodes that output number ``output`` is computed by, inputs among them."""
    found = {graph.outputs[output].node}
    for position in reversed(range(len(graph.nodes))):
        if position in found:
            found |= {value.node for value in graph.nodes[position].inputs}
    return found


def leading_to(graph: Graph, output: int) -> str:
    """The operators that output number ``output`` is computed by, each once, sorted."""
    return " ".join(sorted({graph.nodes[position].operator for position in ancestry(graph, output)} - {INPUT}))
