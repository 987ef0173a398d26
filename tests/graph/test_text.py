"""Graphs as text: both ways without loss, and no text that is not a graph gets through."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.builder import Builder, recheck
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.text import digest, from_json, listing, to_json
from archsmith.graph.types import TensorType
from tests.strategies import graphs

GOLDEN = Path(__file__).parent.parent / "golden"

Document = dict[str, Any]


def sample() -> Graph:
    """A small network with a shared value, several outputs and attributes of every kind."""
    builder = Builder(DECLARED)
    x = builder.input(TensorType((1, 2, 4, 4)))
    y = builder.add("conv2d", x, out=2, kernel=3, padding="same", bias=False)
    z = builder.add("add", builder.add("leaky_relu", y, slope=0.2), x)
    values, places = builder.apply("topk", [z], {"k": 2, "dim": 3})
    return builder.finish(builder.add("cast", values, dtype="float64"), places)


@given(graph=graphs())
def test_a_graph_comes_back_from_its_text(graph: Graph) -> None:
    again = from_json(to_json(graph))

    assert again == graph
    assert to_json(again) == to_json(graph)
    assert recheck(again, DECLARED) == graph


@given(graph=graphs(), other=graphs())
def test_graphs_are_equal_if_and_only_if_their_digests_are(graph: Graph, other: Graph) -> None:
    assert (graph == other) == (digest(graph) == digest(other))


def test_dead_nodes_in_a_text_are_pruned() -> None:
    document = json.loads(to_json(sample()))
    document["nodes"].append({"op": "exp", "in": [[0, 0]], "attr": {}, "out": [["float32", 1, 2, 4, 4]]})

    assert from_json(json.dumps(document)) == sample()


def test_the_text_is_the_one_that_stores_already_hold() -> None:
    assert to_json(sample()) + "\n" == (GOLDEN / "graph.json").read_text(encoding="utf-8")
    assert digest(sample()) == "8212345bbb8c60a03f880bb2fbc5fdaf"


def test_a_listing_has_a_line_for_every_node() -> None:
    assert listing(sample()) + "\n" == (GOLDEN / "graph.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be JSON: Expecting value"),
        ("{", "must be JSON: Expecting property name"),
        ("[" * 100_000, "must be JSON: maximum recursion depth exceeded"),
        ('{"format": NaN}', "must be JSON: NaN is no number in JSON"),
        ('{"format": 1' + "0" * 5_000 + "}", "must be JSON: Exceeds the limit"),
        ("[]", r"a graph's text has format 1, nodes and outputs; got '\[\]'"),
        ("null", "has format 1, nodes and outputs; got 'null'"),
        ('{"format": 2, "nodes": [], "outputs": []}', "has format 1, nodes and outputs"),
        ('{"format": 1, "outputs": []}', "has format 1, nodes and outputs"),
        ('{"format": 1, "nodes": {}, "outputs": []}', "has format 1, nodes and outputs"),
        ('{"format": 1, "nodes": [], "outputs": []}', "needs at least one output"),
        ('{"format": 1, "nodes": [], "outputs": [[0, 0]]}', "a value must come from a node before 0; got node 0"),
    ],
)
def test_text_that_is_no_graph_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(text)


def _put(node: int, key: str, value: object) -> Callable[[Document], None]:
    def forge(document: Document) -> None:
        document["nodes"][node][key] = value

    return forge


def _drop(document: Document) -> None:
    del document["nodes"][1]["attr"]


FORGERIES: list[tuple[Callable[[Document], None], str]] = [
    (_drop, "a graph's node has op, in, attr and out; got {'in'"),
    (lambda document: document["nodes"].append(7), "a graph's node has op, in, attr and out; got 7"),
    (_put(1, "op", 7), "a graph's node has op, in, attr and out"),
    (_put(1, "attr", [["k", 1]]), "a graph's node has op, in, attr and out"),
    (_put(1, "in", "00"), "a graph's node has op, in, attr and out"),
    (_put(1, "in", [[0]]), r"a graph's value reads \[node, output\]; got \[0\]"),
    (_put(1, "in", [["0", 0]]), r"a graph's value reads \[node, output\]; got \['0', 0\]"),
    (_put(1, "in", [[False, 0]]), r"a graph's value reads \[node, output\]; got \[False, 0\]"),
    (_put(1, "in", [[0.0, 0]]), r"a graph's value reads \[node, output\]; got \[0.0, 0\]"),
    (_put(1, "in", [[1, 0]]), "a value must come from a node before 1; got node 1"),
    (_put(1, "in", [[2, 0]]), "a value must come from a node before 1; got node 2"),
    (_put(1, "in", [[0, 1]]), "node 0 has 1 outputs; got 1"),
    (_put(1, "out", [["float31", 1]]), "dtype must be one of float32"),
    (_put(1, "out", [["float32", -1]]), "sizes must be at least 0"),
    (_put(1, "out", [["float32", True]]), r"reads \[dtype, size, ...\]; got \['float32', True\]"),
    (_put(1, "out", [["float32", 2.0]]), r"reads \[dtype, size, ...\]; got \['float32', 2.0\]"),
    (_put(1, "out", [[]]), r"reads \[dtype, size, ...\]; got \[\]"),
    (_put(1, "out", ["float32"]), r"reads \[dtype, size, ...\]; got 'float32'"),
    (_put(1, "attr", {"k": None}), "attribute k is a finite number, boolean or string; got None"),
    (_put(1, "attr", {"k": [1]}), r"attribute k is a finite number, boolean or string; got \[1\]"),
    (_put(0, "attr", {"k": 1}), "node 0 must be a plain input"),
    (_put(0, "out", []), "node 0 must be a plain input"),
]


@pytest.mark.parametrize(("forge", "message"), FORGERIES)
def test_a_forged_text_is_refused(forge: Callable[[Document], None], message: str) -> None:
    document = json.loads(to_json(sample()))
    forge(document)

    with pytest.raises(ValueError, match=message):
        from_json(json.dumps(document))


def test_a_number_too_large_for_a_float_is_refused() -> None:
    text = to_json(sample()).replace("0.2", "1e999")

    with pytest.raises(ValueError, match="attribute slope is a finite number, boolean or string; got inf"):
        from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["float32", "exp", "input"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["op", "in", "attr", "out", "nodes", "outputs", "format"]), inner)
    ),
    max_leaves=12,
)


@given(data=st.data())
def test_a_text_with_any_part_replaced_is_a_graph_or_refused(data: st.DataObject) -> None:
    document: Any = json.loads(to_json(sample()))
    holder, key = document, data.draw(st.sampled_from(sorted(document)))
    while isinstance(holder[key], list | dict) and holder[key] and data.draw(st.booleans()):
        holder = holder[key]
        key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
    holder[key] = data.draw(JSON)
    text = json.dumps(document)

    try:
        graph = from_json(text)
    except ValueError:
        return  # and nothing else is ever raised

    assert from_json(to_json(graph)) == graph


def forged(node: int, key: str, value: object) -> Graph:
    document = json.loads(to_json(sample()))
    document["nodes"][node][key] = value
    return from_json(json.dumps(document))


def test_a_forged_type_does_not_pass_a_check_by_the_rules() -> None:
    graph = forged(1, "out", [["float32", 1, 2, 4, 5]])

    with pytest.raises(
        ValueError,
        match=r"node 1 \(conv2d\) is said to return float32\[1, 2, 4, 5\]; rules give float32\[1, 2, 4, 4\]",
    ):
        recheck(graph, DECLARED)


def test_a_forged_call_does_not_pass_a_check_by_the_rules() -> None:
    with pytest.raises(UserError, match="no operator 'system'"):
        recheck(forged(1, "op", "system"), DECLARED)
    with pytest.raises(UserError, match="leaky_relu takes slope; got foreign"):
        recheck(forged(2, "attr", {"slope": 0.2, "foreign": 1}), DECLARED)
    with pytest.raises(Infeasible, match="add.* has no rule"):
        recheck(forged(3, "in", [[0, 0]]), DECLARED)
    with pytest.raises(UserError, match="sizes must be at least 1"):
        recheck(forged(0, "out", [["float32", 1, 2, 0, 4]]), DECLARED)
