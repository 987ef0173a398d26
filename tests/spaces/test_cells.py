"""Cells: as many as the formulas say, wired as by hand, and nothing of what leads nowhere."""

from collections.abc import Callable, Mapping
from math import comb
from random import Random
from typing import Any

import pytest

from archsmith.graph.builder import Builder
from archsmith.graph.cost import parameters
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.simplify import simplified
from archsmith.graph.types import TensorType
from archsmith.spaces.counting import count
from archsmith.spaces.decisions import Label, Steps
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.node import Enter, Node, Plan
from archsmith.spaces.nodes import any_of, cell, chain, choose, op, repeat, shared
from archsmith.spaces.space import search_space
from archsmith.spaces.uniform import uniformly
from tests.spaces.leaves import leaves
from tests.spaces.trees import asked, built, dead_end, operators, shape, text

ACTS: dict[str, Any] = {"a": op("relu"), "b": op("tanh")}
"""Operations that keep the type."""

FEATURES = (4,)


def by_hand(grow: Callable[[Builder, Value], Value]) -> Graph:
    """The graph that a function of a builder and its input grows, in its simplest form."""
    builder = Builder(DECLARED)
    out = grow(builder, builder.input(TensorType((1, *FEATURES))))
    return simplified(builder.finish(out), DECLARED)


def wired(part: Node, edges: Mapping[str, Any]) -> Graph:
    return built(part, {f"cell/{edge}": label for edge, label in edges.items()}, input=FEATURES)


def size(part: Node) -> int:
    return count(search_space(part, input=FEATURES))


@pytest.mark.parametrize("nodes", [1, 2, 3, 4, 7])
def test_without_a_degree_every_pair_of_nodes_has_an_operation(nodes: int) -> None:
    assert size(cell(**ACTS, nodes=nodes)) == 2 ** comb(nodes + 1, 2)


@pytest.mark.parametrize(("nodes", "degree"), [(2, 1), (3, 2), (4, 2), (4, 3), (10, 2)])
def test_with_a_degree_each_node_chooses_among_the_earlier_ones(nodes: int, degree: int) -> None:
    whole = 1
    for earlier in range(1, nodes + 1):
        taken = min(degree, earlier)
        whole *= comb(earlier, taken) * 2**taken

    assert size(cell(**ACTS, nodes=nodes, degree=degree, output="cat")) == whole


@pytest.mark.parametrize("nodes", [1, 2, 3, 6])
def test_with_gaps_every_pair_of_nodes_has_an_operation_or_none(nodes: int) -> None:
    assert size(cell(**ACTS, nodes=nodes, gaps=True)) == 3 ** comb(nodes + 1, 2)


def test_a_benchmarks_space_has_the_size_that_it_is_known_by() -> None:
    """Five operations with "none" on six edges (Dong & Yang 2020); a stack of tied cells has no more."""
    four = {**ACTS, "c": op("gelu"), "d": op("silu")}
    cells = cell(**four, nodes=3, gaps=True)

    assert size(cells) == 5**6
    assert size(repeat(cells, 5, tied=True)) == 5**6
    assert size(chain(shared("cell", cells), op("linear", out=4), shared("cell", cells))) == 5**6
    assert size(repeat(cells, 2)) == 5**12


@pytest.mark.parametrize(
    "part",
    [
        cell(a=op("linear", out=choose(2, 4)), b=op("relu"), nodes=2),
        cell(a=op("linear", out=choose(2, 4)), b=op("relu"), nodes=2, degree=1),
        cell(a=op("linear", out=choose(2, 4)), b=op("relu"), nodes=2, gaps=True),
        cell(a=op("linear", out=choose(2, 3)), b=op("relu"), nodes=2, degree=1, output="cat"),
        repeat(cell(**ACTS, nodes=2, gaps=True), 2, tied=True),
        any_of(cell(**ACTS, nodes=2), cell(a=op("relu"), nodes=2, gaps=True, name="other")),
    ],
    ids=["all", "degree", "gaps", "end to end", "tied", "two cells"],
)
def test_cells_of_any_kind_are_counted_listed_and_drawn_by_brute_force(part: Node) -> None:
    space = search_space(part, input=FEATURES)
    valid = {leaf.trace: leaf.graph for leaf in leaves(space) if leaf.graph is not None}
    rng = Random(0)

    assert count(space) == len(valid)
    assert {found.trace: found.graph for found in architectures(space)} == valid
    assert {uniformly(space, rng).trace for _ in range(30)} <= valid.keys()
    assert {space.mutated(space.draw(rng), rng) for _ in range(30)} <= valid.keys()


@pytest.mark.parametrize("inside", [False, True])
def test_what_no_later_node_takes_is_not_asked_and_costs_nothing(inside: bool) -> None:
    """Two of three nodes may be left out: what they would be is neither built nor paid for."""
    part: Node = cell(lin=op("linear", out=4), act=op("relu"), nodes=3, degree=1)
    if inside:
        part = chain(op("linear", out=4), shared("part", part), op("relu"), shared("part", part))
    free = {leaf.trace: leaf.graph for leaf in leaves(search_space(part, input=FEATURES))}
    sizes = [parameters(graph, DECLARED) for graph in free.values() if graph is not None]

    # Node 3 from 0, whatever 2 takes; from 1; from 2 from 0; from 2 from 1.
    assert len(free) == 2 * 2 + 2 * 4 + 4 + 8
    for limit in sorted(set(sizes)):
        space = search_space(part, input=FEATURES, require=f"parameters <= {limit}")
        assert count(space) == sum(size <= limit for size in sizes)
    assert asked(cell(**ACTS, nodes=3, degree=1), {"cell/3.0": 0}, input=FEATURES) == [
        "cell/2.0",
        "cell/3.0",
        "cell/0-3",
    ]
    assert wired(cell(**ACTS, nodes=3, degree=1), {"2.0": 0, "3.0": 2, "0-2": "b", "2-3": "a"}) == by_hand(
        lambda b, x: b.add("relu", b.add("tanh", x))
    )


def test_every_node_is_the_sum_of_what_comes_in() -> None:
    def grow(b: Builder, x: Value) -> Value:
        first = b.add("relu", x)
        second = b.add("add", b.add("tanh", x), b.add("relu", first))
        return b.add("add", b.add("add", b.add("relu", x), b.add("tanh", first)), b.add("tanh", second))

    labels = {"0-1": "a", "0-2": "b", "1-2": "a", "0-3": "a", "1-3": "b", "2-3": "b"}

    assert wired(cell(**ACTS, nodes=3), labels) == by_hand(grow)
    assert wired(cell(**ACTS, nodes=3, gaps=True), labels) == by_hand(grow)


def test_nodes_choose_what_they_take_and_all_nodes_come_out_end_to_end() -> None:
    def grow(b: Builder, x: Value) -> Value:
        nodes = [b.add("relu", x)]
        nodes.append(b.add("add", b.add("relu", x), b.add("tanh", nodes[0])))
        nodes.append(b.add("add", b.add("tanh", nodes[0]), b.add("tanh", nodes[1])))
        return b.add("cat", *nodes, dim=1)

    part = cell(**ACTS, nodes=3, degree=2, output="cat")
    labels = {"0-1": "a", "0-2": "a", "1-2": "b", "3.0": 1, "3.1": 2, "1-3": "b", "2-3": "b"}

    assert wired(part, labels) == by_hand(grow)
    assert shape(wired(part, labels)) == (12,)


@pytest.mark.parametrize("nodes", [1, 2, 4, 5, 7, 8, 10])
def test_any_number_of_nodes_can_be_laid_end_to_end_in_order(nodes: int) -> None:
    """The rules join four at once; what comes out are as many channels as that, in the nodes' order."""
    graph = built(cell(a=op("linear", out=2), nodes=nodes, degree=1, output="cat"), input=(2,))

    assert shape(graph) == (2 * nodes,)
    joined = {value for _, node in graph.operators() if node.operator == "cat" for value in node.inputs}
    assert sum(graph.nodes[value.node].operator == "linear" for value in joined) == (nodes if nodes > 1 else 0)


def test_edges_that_are_not_there_carry_nothing() -> None:
    def grow(b: Builder, x: Value) -> Value:
        return b.add("add", b.add("relu", x), b.add("tanh", b.add("relu", x)))

    labels = {"0-1": "a", "0-2": "none", "1-2": "none", "0-3": "a", "1-3": "b", "2-3": "none"}

    assert wired(cell(**ACTS, nodes=3, gaps=True), labels) == by_hand(grow)


def test_what_no_input_leads_to_is_gone_and_so_is_what_leads_nowhere() -> None:
    part = cell(**ACTS, nodes=3, gaps=True)
    unreached = {"0-1": "none", "0-2": "a", "1-2": "b", "0-3": "none", "1-3": "b", "2-3": "a"}
    unreached_twice = {"0-1": "none", "0-2": "none", "1-2": "b", "0-3": "a", "1-3": "none", "2-3": "b"}
    leading_nowhere = {"0-1": "b", "0-2": "a", "1-2": "b", "0-3": "a", "1-3": "none", "2-3": "none"}

    assert wired(part, unreached) == by_hand(lambda b, x: b.add("relu", b.add("relu", x)))
    assert wired(part, unreached_twice) == by_hand(lambda b, x: b.add("relu", x))
    assert wired(part, leading_nowhere) == by_hand(lambda b, x: b.add("relu", x))


def test_a_dead_end_on_an_edge_that_leads_nowhere_is_none() -> None:
    part = cell(odd=op("linear", out=3), even=op("relu"), nodes=2, gaps=True)

    assert operators(wired(part, {"0-1": "odd", "0-2": "even", "1-2": "none"})) == ["relu"]
    four = cell(odd=op("linear", out=3), even=op("relu"), nodes=4, gaps=True)
    clash = {"0-1": "odd", "0-2": "even", "1-2": "even", "2-3": "even", "0-4": "even"}
    assert operators(wired(four, clash)) == ["relu"]
    assert "a cell's node adds values of one type" in dead_end(
        part, {"cell/0-1": "odd", "cell/0-2": "even", "cell/1-2": "even"}, input=FEATURES
    )


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"0-1": "a", "0-2": "none", "1-2": "none"},
        {"0-1": "none", "0-2": "none", "1-2": "b"},
    ],
    ids=["no edge", "nothing comes out", "nothing goes in"],
)
def test_a_cell_that_nothing_leads_through_is_zero(labels: dict[str, Label]) -> None:
    assert wired(cell(**ACTS, nodes=2, gaps=True), labels) == by_hand(lambda b, x: b.add("sub", x, x))


def test_operations_have_another_meaning_on_edges_from_an_input() -> None:
    part = cell(
        a=op("relu"),
        b=op("linear", out=2),
        entering={"a": chain(op("linear", out=2), op("relu")), "b": op("linear", out=2, bias=False)},
        nodes=2,
    )

    def grow(b: Builder, x: Value) -> Value:
        first = b.add("linear", x, out=2, bias=False)
        second = b.add("relu", b.add("linear", x, out=2))
        return b.add("add", second, b.add("linear", first, out=2))

    assert wired(part, {"0-1": "b", "0-2": "a", "1-2": "b"}) == by_hand(grow)
    assert "  from inputs" in text(part).splitlines()


def test_what_an_operation_asks_is_asked_on_each_edge() -> None:
    part = cell(lin=op("linear", out=4, bias=choose(False, True)), act=op("relu"), nodes=2)

    assert asked(part, {"cell/0-1": "lin", "cell/0-2": "act", "cell/1-2": "lin"}, input=FEATURES) == [
        "cell/0-1",
        "cell/0-1=lin/linear.bias",
        "cell/0-2",
        "cell/1-2",
        "cell/1-2=lin/linear.bias",
    ]


class TwoInputs:
    """A part of one's own that enters a cell with two values: what came in, and what comes in doubled."""

    def __init__(self, part: Node, second: Node) -> None:
        self.part, self.second = part, second

    def plan(self, path: str) -> Steps[Plan]:
        yield from ()
        return (Enter(self.second, f"{path}/second"), Enter(self.part, f"{path}/part", (0, 1)))

    def lines(self) -> list[str]:
        return ["two inputs", *self.part.lines(), *self.second.lines()]

    def check(self, *given: object) -> None:
        pass


@pytest.mark.parametrize("gaps", [False, True])
def test_a_cell_of_two_inputs_is_entered_by_a_part_of_ones_own(gaps: bool) -> None:
    part = TwoInputs(cell(**ACTS, nodes=2, inputs=2, gaps=gaps), op("gelu"))
    labels = {"0-2": "a", "1-2": "b", "0-3": "b", "1-3": "a", "2-3": "b"}

    def grow(b: Builder, x: Value) -> Value:
        second = b.add("gelu", x)
        node = b.add("add", b.add("relu", x), b.add("tanh", second))
        return b.add("add", b.add("add", b.add("tanh", x), b.add("relu", second)), b.add("tanh", node))

    answers = {f"/part/cell/{edge}": label for edge, label in labels.items()}

    assert built(part, answers, input=FEATURES) == by_hand(grow)  # type: ignore[arg-type]  # a node
    assert size(part) == (3 if gaps else 2) ** 5  # type: ignore[arg-type]
    one_way = {"/part/cell/1-2": "a", "/part/cell/2-3": "b"}
    if gaps:
        assert built(part, one_way, input=FEATURES) == by_hand(  # type: ignore[arg-type]
            lambda b, x: b.add("tanh", b.add("relu", b.add("gelu", x)))
        )


def test_two_inputs_of_two_types_meet_only_where_they_fit() -> None:
    part = TwoInputs(cell(keep=op("relu"), fit=op("linear", out=3), nodes=1, inputs=2, gaps=True), op("linear", out=3))
    space = search_space(part, input=FEATURES)  # type: ignore[arg-type]  # a node

    assert count(space) == sum(leaf.graph is not None for leaf in leaves(space)) == 7


def test_a_cell_reads_as_it_was_written() -> None:
    assert text(cell(**ACTS, nodes=3, gaps=True)).splitlines() == [
        "cell 3 nodes of all earlier nodes, last out, 'none' is no edge",
        "  a: relu()",
        "  b: tanh()",
    ]
    assert text(cell(op("relu"), nodes=4, inputs=2, degree=2, output="cat", name="normal")).splitlines() == [
        "cell 'normal' 4 nodes, 2 inputs of 2 earlier nodes, cat out",
        "  relu():",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"nodes": 0}, "a cell's nodes is a whole number .*from 1.*; got 0"),
        ({"nodes": True}, "a cell's nodes is a whole number .*from 1.*; got True"),
        ({"nodes": 2, "inputs": 0}, "a cell's inputs is a whole number .*from 1.*; got 0"),
        ({"nodes": 2, "degree": 0}, "a cell's degree is a whole number .*from 1.*; got 0"),
        ({"nodes": 2, "output": "sum"}, "a cell takes output='last' or 'cat'; got 'sum'"),
        ({"nodes": 2, "gaps": True, "degree": 1}, "a cell with gaps has all earlier nodes at each node"),
        ({"nodes": 2, "gaps": True, "output": "cat"}, "a cell with gaps has all earlier nodes at each node"),
        ({"nodes": 2, "gaps": True, "none": op("relu")}, "in a cell with gaps, 'none' stands for no edge"),
        ({"nodes": 2, "entering": {"a": op("relu")}}, "entering gives all the operations a, b; got a"),
    ],
)
def test_what_is_no_cell_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        cell(**{**ACTS, **given})


def test_a_cell_has_operations() -> None:
    with pytest.raises(UserError, match="cell needs at least one branch; got none"):
        cell(nodes=2)


def test_a_mistake_in_an_operation_is_found_with_its_place() -> None:
    for part in (cell(a=op("rellu"), nodes=2), cell(**ACTS, entering={"a": op("relu"), "b": op("rellu")}, nodes=2)):
        with pytest.raises(UserError, match=r"at cell=[ab]: no operator 'rellu'"):
            search_space(part, input=FEATURES)
