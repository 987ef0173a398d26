"""One normal form for one network, whatever the words, and the same values from it."""

from collections import Counter
from dataclasses import replace
from itertools import permutations, product
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder, recheck
from archsmith.graph.graph import Graph, Scalar, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.simplify import ASSOCIATIVE, simplified
from archsmith.graph.text import digest
from archsmith.graph.types import TensorType
from archsmith.spaces.growth import GrowthSpace
from tests.graph.rewording import (
    ALIKE,
    IMAGE,
    LAYERS,
    STATELESS,
    VECTOR,
    Linears,
    book_of,
    computed,
    drawn,
    in_other_words,
)
from tests.strategies import graphs

randoms = st.randoms(use_true_random=False)


@given(graph=graphs() | graphs(ALIKE), rng=randoms)
def test_the_normal_form_does_not_depend_on_the_words(graph: Graph, rng: Random) -> None:
    assert simplified(in_other_words(graph, rng)) == simplified(graph)


@given(graph=graphs(LAYERS), rng=randoms)
def test_nor_does_it_where_layers_are_alike_but_for_their_weights(graph: Graph, rng: Random) -> None:
    assert simplified(in_other_words(graph, rng)) == simplified(graph)


@given(graph=graphs() | graphs(ALIKE) | graphs(LAYERS))
def test_the_normal_form_is_a_valid_graph_of_no_other_nodes_and_its_own_normal_form(graph: Graph) -> None:
    found = simplified(graph)

    assert simplified(found) == found
    assert recheck(found, DECLARED) == found
    assert without_sums(found) <= without_sums(graph)
    assert (found.input_types, found.output_types) == (graph.input_types, graph.output_types)


def without_sums(graph: Graph) -> Counter[tuple[object, ...]]:
    """How often the graph has each layer and operator, but for those that may be grouped otherwise."""
    kept = (node for node in graph.nodes if node.operator not in ASSOCIATIVE)
    return Counter((node.operator, node.attributes, node.types) for node in kept)


@given(graph=graphs(GrowthSpace(STATELESS, nodes=6, sizes=(1, 2, 3, 4), elements=4096)) | graphs(ALIKE))
def test_it_computes_the_same_values(graph: Graph) -> None:
    torch.manual_seed(0)
    inputs = [drawn(kind) for kind in graph.input_types]

    for was, now in zip(computed(graph, inputs), computed(simplified(graph), inputs), strict=True):
        assert torch.allclose(was, now, rtol=1e-4, atol=1e-4, equal_nan=True)


def test_an_output_may_be_an_input() -> None:
    build = Builder(DECLARED)
    x, y = build.input(VECTOR), build.input(VECTOR)
    found = simplified(build.finish(build.add("identity", y), build.add("identity", build.add("identity", x))))
    a, b = torch.randn(4), torch.randn(4)

    assert found.outputs == (Value(1), Value(0))
    assert not list(found.operators())
    assert torch.equal(torch.stack(computed(found, [a, b])), torch.stack([b, a]))
    assert simplified(found) == found


def test_a_layer_used_twice_is_not_two_layers() -> None:
    same, two = Linears(), Linears()
    c = same.linear(same.x)
    one = simplified(same.build.finish(same.sum(c, c)))
    other = simplified(two.build.finish(two.sum(two.linear(two.x), two.linear(two.x))))

    assert digest(one) != digest(other)
    assert [len(list(form.operators())) for form in (one, other)] == [2, 3]


def test_what_owns_no_weights_and_draws_nothing_is_computed_once() -> None:
    def kept(*layers: tuple[str, dict[str, Scalar]], book: RuleBook = DECLARED) -> int:
        build = Builder(DECLARED)
        x = build.input(IMAGE)
        found = simplified(build.finish(*(build.apply(name, [x], given)[0] for name, given in layers)), book)
        return len(list(found.operators()))

    assert kept(("relu", {}), ("relu", {})) == 1
    assert kept(("max_pool2d", {"kernel": 2}), ("max_pool2d", {"kernel": 2, "stride": 1})) == 1
    assert kept(("max_pool2d", {"kernel": 2}), ("max_pool2d", {"kernel": 3})) == 2
    assert kept(("dropout", {"rate": 0.5}), ("dropout", {"rate": 0.5})) == 2
    assert kept(("batch_norm2d", {}), ("batch_norm2d", {})) == 2
    assert kept(("conv2d", {"out": 4, "kernel": 1}), ("conv2d", {"out": 4, "kernel": 1})) == 2
    assert kept(("relu", {}), ("relu", {}), book=book_of("tanh")) == 2


def test_an_operator_whose_rules_are_not_known_beforehand_may_own_weights() -> None:
    unknown = replace(DECLARED.operator("relu"), rules=())
    build = Builder(DECLARED)
    x = build.input(VECTOR)
    graph = build.finish(build.add("relu", x), build.add("relu", x))

    assert simplified(graph, RuleBook([unknown])) == graph


@pytest.mark.parametrize("operator", ["sub", "lt", "ge"])
def test_order_counts_where_it_means_something(operator: str) -> None:
    def taken(*order: int) -> Graph:
        build = Builder(DECLARED)
        values = [build.add(name, build.input(VECTOR)) for name in ("relu", "tanh")]
        return simplified(build.finish(build.add(operator, *(values[k] for k in order))))

    assert taken(0, 1) != taken(1, 0)


def test_order_counts_in_joins_and_in_the_signature() -> None:
    def taken(*order: int, join: str) -> Graph:
        build = Builder(DECLARED)
        values = [build.input(TensorType((1, 4))) for _ in range(2)]
        x, y = (values[k] for k in order)
        return simplified(build.finish(build.add(join, x, y, dim=1) if join == "cat" else build.add("add", x, y), x))

    assert taken(0, 1, join="cat") != taken(1, 0, join="cat")
    assert taken(0, 1, join="add") != taken(1, 0, join="add")


@pytest.mark.parametrize("operator", sorted(ASSOCIATIVE))
def test_branches_may_be_joined_in_any_order_and_grouping(operator: str) -> None:
    found = set()
    for order, left in product(permutations(range(4)), (True, False)):
        build = Builder(DECLARED)
        x = build.input(TensorType((4, 1), "bool" if operator.startswith("logical") else "float32"))
        y = build.input(TensorType((3,), build.type_of(x).dtype))
        branches = [x, build.add("flip", x, dim=0), y, build.add("flip", y, dim=0)]
        a, b, c, d = (branches[k] for k in order)
        ab = build.add(operator, a, b)
        cd = build.add(operator, c, d)
        joined = build.add(operator, ab, cd) if left else build.add(operator, a, build.add(operator, b, cd))
        found.add(simplified(build.finish(joined)))

    (form,) = found
    assert recheck(form, DECLARED) == form
    assert form.output_types[0].shape == (4, 3)


def test_what_changes_the_dtype_is_not_regrouped() -> None:
    build = Builder(DECLARED)
    x, y, b = build.input(VECTOR), build.input(VECTOR), build.input(TensorType((4,), "bool"))
    graph = build.finish(build.add("logical_and", b, build.add("logical_and", x, y)))

    assert recheck(simplified(graph), DECLARED) == simplified(graph)
    assert len(simplified(graph).nodes) == 5


def test_a_part_of_a_sum_that_is_needed_elsewhere_too_is_computed_once() -> None:
    def kept(first: str, second: str, third: str) -> Graph:
        build = Builder(DECLARED)
        x = build.input(VECTOR)
        values = {name: build.add(name, x) for name in ("sin", "cos", "erf")}
        a, b, c = values[first], values[second], values[third]
        both = build.add("add", a, b)
        whole = build.add("add", a, build.add("add", b, c))
        return simplified(build.finish(whole, build.add("exp", both)))

    assert kept("sin", "cos", "erf") == kept("cos", "sin", "erf") != kept("sin", "erf", "cos")
    assert all(len(kept(*order).nodes) == 7 for order in permutations(("sin", "cos", "erf")))


def test_a_residual_network_stays_what_it_is() -> None:
    net = Linears()
    x = net.x
    for _ in range(4):
        x = net.sum(net.linear(net.relu(x)), x)
    form = simplified(net.build.finish(x))

    assert len(form.nodes) == 1 + 4 * 3
    assert Counter(node.operator for _, node in form.operators()) == {"relu": 4, "linear": 4, "add": 4}


def test_a_value_added_to_itself_many_times_is_doubled_and_not_counted_out() -> None:
    net, other = Linears(), Linears()
    x, y = net.x, other.x
    for _ in range(100):
        x, y = net.sum(x, x), other.sum(y, y)
    one = simplified(net.build.finish(net.sum(x, net.x)))
    two = simplified(other.build.finish(other.sum(other.x, y)))

    assert one == two
    assert len(one.nodes) == 1 + 101
    assert len(simplified(other.build.finish(other.sum(y, y))).nodes) == 1 + 101


def test_a_graph_may_be_thousands_of_nodes_deep() -> None:
    net = Linears()
    x = net.x
    for _ in range(2_000):
        x = net.relu(net.build.add("identity", x))
    sums = net.sum(x, *(net.linear(x) for _ in range(200)))
    form = simplified(net.build.finish(sums))

    assert len(form.nodes) == 1 + 2_000 + 200 + 200
    assert simplified(form) == form
