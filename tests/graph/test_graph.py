"""A graph's identity does not depend on how it was built, and a graph that is none cannot be made."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import INPUT, Graph, Node, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.text import digest, from_json, to_json
from archsmith.graph.types import TensorType
from tests.strategies import graphs

VECTOR = TensorType((4,))


def rebuilt(graph: Graph, rng: Random) -> Graph:
    """The graph built again in a random order that respects its edges, with nodes in between that nobody uses."""
    builder = Builder(DECLARED)
    placed: dict[Value, Value] = {}
    waiting = list(range(len(graph.nodes)))
    while waiting:
        inputs = [node for node in waiting if graph.nodes[node].operator == INPUT]
        ready = [node for node in waiting if all(value in placed for value in graph.nodes[node].inputs)]
        # The inputs are the graph's signature, so they keep their order among themselves.
        chosen = rng.choice([node for node in ready if node not in inputs[1:]])
        waiting.remove(chosen)
        node = graph.nodes[chosen]
        if node.operator == INPUT:
            placed[Value(chosen)] = builder.input(node.types[0])
        else:
            results = builder.apply(node.operator, [placed[v] for v in node.inputs], dict(node.attributes))
            placed |= {Value(chosen, output): value for output, value in enumerate(results)}
        if rng.random() < 0.5:
            builder.add("identity", rng.choice(builder.values))
    return builder.finish(*(placed[value] for value in graph.outputs))


@given(graph=graphs(), rng=st.randoms(use_true_random=False))
def test_a_graph_is_the_same_however_it_was_built(graph: Graph, rng: Random) -> None:
    again = rebuilt(graph, rng)

    assert again == graph
    assert digest(again) == digest(graph)


@given(graph=graphs())
def test_building_canonical_nodes_again_changes_nothing(graph: Graph) -> None:
    assert rebuilt(graph, Random(0)).nodes == graph.nodes
    assert [i for i, node in enumerate(graph.nodes) if node.operator == INPUT] == list(range(len(graph.inputs)))


@given(graph=graphs())
def test_every_node_but_an_input_is_needed_by_an_output(graph: Graph) -> None:
    needed = {value.node for value in graph.outputs}
    for position, node in reversed(list(graph.operators())):
        assert position in needed
        needed |= {value.node for value in node.inputs}


def test_one_value_used_twice_is_not_two_equal_values() -> None:
    shared, copied = Builder(DECLARED), Builder(DECLARED)
    x = shared.input(VECTOR)
    y = shared.add("exp", x)
    x = copied.input(VECTOR)
    graph, other = (
        shared.finish(shared.add("add", y, y)),
        copied.finish(copied.add("add", copied.add("exp", x), copied.add("exp", x))),
    )

    assert len(graph.nodes) == 3
    assert len(other.nodes) == 4
    assert digest(graph) != digest(other)


def test_the_order_of_inputs_and_outputs_is_part_of_the_architecture() -> None:
    def difference(*, swapped: bool) -> Graph:
        builder = Builder(DECLARED)
        x, y = builder.input(VECTOR), builder.input(VECTOR)
        return builder.finish(builder.add("sub", y, x) if swapped else builder.add("sub", x, y))

    def both(*, swapped: bool) -> Graph:
        builder = Builder(DECLARED)
        x = builder.input(VECTOR)
        values = [builder.add("exp", x), builder.add("sin", x)]
        return builder.finish(*values[::-1] if swapped else values)

    assert digest(difference(swapped=True)) != digest(difference(swapped=False))
    assert digest(both(swapped=True)) != digest(both(swapped=False))


def test_attributes_are_part_of_the_architecture() -> None:
    def scaled(slope: float) -> Graph:
        builder = Builder(DECLARED)
        return builder.finish(builder.add("leaky_relu", builder.input(VECTOR), slope=slope))

    assert len({digest(scaled(slope)) for slope in (0.1, 0.2, -1.0, 1.0)}) == 4
    assert digest(scaled(1)) == digest(scaled(1.0))
    assert digest(scaled(0.0)) == digest(scaled(-0.0))


def test_each_output_of_an_operator_is_a_value_of_its_own() -> None:
    builder = Builder(DECLARED)
    values, places = builder.apply("sort", [builder.input(TensorType((2, 5)))], {"dim": 1})
    graph = builder.finish(places)

    assert builder.type_of(values) == TensorType((2, 5))
    assert graph.outputs == (Value(1, 1),)
    assert graph.output_types == (TensorType((2, 5), "int64"),)
    assert from_json(to_json(graph)) == graph
    assert digest(graph) != digest(builder.finish(values))


def test_an_unused_input_stays_in_the_signature() -> None:
    builder = Builder(DECLARED)
    x, y = builder.input(VECTOR), builder.input(TensorType((2, 2)))
    graph = builder.finish(builder.add("exp", y), x)

    assert graph.input_types == (VECTOR, TensorType((2, 2)))
    assert graph.output_types == (TensorType((2, 2)), VECTOR)


def test_a_call_that_is_refused_adds_nothing() -> None:
    builder = Builder(DECLARED)
    x = builder.input(VECTOR)

    with pytest.raises(Infeasible):
        builder.add("squeeze", x, dim=0)
    with pytest.raises(UserError):
        builder.add("sqeeze", x, dim=0)
    assert len(builder) == 1


def test_what_nobody_uses_is_what_a_growing_graph_returns() -> None:
    builder = Builder(DECLARED)
    x = builder.input(VECTOR)
    y = builder.add("exp", x)
    parts = builder.apply("split_in_two", [y], {"dim": 0, "size": 1})
    z = builder.add("sin", x)

    assert builder.unused() == (*parts, z)
    assert builder.values == (x, y, *parts, z)


def test_an_input_has_elements() -> None:
    with pytest.raises(UserError, match=r"sizes must be at least 1; got float32\[0, 3\]"):
        Builder(DECLARED).input(TensorType((0, 3)))


def test_an_attribute_of_any_name_reaches_the_rule_book() -> None:
    builder = Builder(DECLARED)

    with pytest.raises(UserError, match="relu takes no attributes; got operator, self"):
        builder.add("relu", builder.input(VECTOR), operator=1, self=2)


PLAIN = Node(INPUT, (), (), (VECTOR,))


@pytest.mark.parametrize(
    ("nodes", "outputs", "message"),
    [
        ((PLAIN,), (), "a graph needs at least one output"),
        ((PLAIN,), (Value(1),), "a value must come from a node before 1; got node 1"),
        ((PLAIN,), (Value(-1),), "a value must come from a node before 1; got node -1"),
        ((PLAIN,), (Value(0, 1),), "node 0 has 1 outputs; got 1"),
        ((PLAIN, Node("exp", (Value(1),), (), (VECTOR,))), (Value(1),), "before 1; got node 1"),
        ((Node("exp", (Value(1),), (), (VECTOR,)), PLAIN), (Value(0),), "before 0; got node 1"),
        ((Node(INPUT, (), (), (VECTOR, VECTOR)),), (Value(0),), "node 0 must be a plain input"),
        ((Node(INPUT, (), (("k", 1),), (VECTOR,)),), (Value(0),), "node 0 must be a plain input"),
        ((PLAIN, Node(INPUT, (Value(0),), (), (VECTOR,))), (Value(1),), "node 1 must be a plain input"),
    ],
)
def test_a_graph_that_is_none_cannot_be_made(nodes: tuple[Node, ...], outputs: tuple[Value, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Graph(nodes, outputs)


def test_a_graph_may_be_thousands_of_nodes_deep() -> None:
    builder = Builder(DECLARED)
    x = builder.input(VECTOR)
    for _ in range(5_000):
        x = builder.add("neg", x)
    graph = builder.finish(x)

    assert len(graph.nodes) == 5_001
    assert from_json(to_json(graph)) == graph
