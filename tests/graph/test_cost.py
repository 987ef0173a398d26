"""Parameters and multiply-accumulates, counted by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.builder import Builder
from archsmith.graph.cost import macs, parameters
from archsmith.graph.graph import Graph, Scalar
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.runtime.lower import lower
from tests.strategies import GROWTH, graphs, tree_spaces


def call(name: str, shape: tuple[int, ...], **attributes: Scalar) -> Graph:
    builder = Builder(DECLARED)
    return builder.finish(builder.add(name, builder.input(TensorType(shape)), **attributes))


@pytest.mark.parametrize(
    ("graph", "weights", "products"),
    [
        (call("conv2d", (1, 4, 8, 8), out=6, kernel=3), 6 * 4 * 9 + 6, 6 * 6 * 6 * 4 * 9),
        (call("conv2d", (1, 4, 8, 8), out=6, kernel=3, bias=False), 6 * 4 * 9, 6 * 6 * 6 * 4 * 9),
        (call("conv2d", (1, 4, 8, 8), out=8, kernel=3, groups=2), 8 * 2 * 9 + 8, 8 * 6 * 6 * 2 * 9),
        (
            call("conv2d", (1, 4, 8, 8), out=8, kernel=5, stride=2, padding="same", groups="depthwise"),
            8 * 25 + 8,
            8 * 4 * 4 * 25,
        ),
        (call("conv2d", (2, 4, 8, 8), out=6, kernel=3), 6 * 4 * 9 + 6, 2 * 6 * 6 * 6 * 4 * 9),
        (call("conv1d", (1, 3, 10), out=5, kernel=4, dilation=2), 5 * 3 * 4 + 5, 5 * 4 * 3 * 4),
        (call("conv3d", (1, 2, 4, 4, 4), out=3, kernel=2), 3 * 2 * 8 + 3, 3 * 27 * 2 * 8),
        (
            call("conv_transpose2d", (1, 4, 5, 6), out=6, kernel=3, stride=2, groups=2),
            4 * 3 * 9 + 6,
            5 * 6 * 4 * 3 * 9,
        ),
        (call("linear", (1, 10), out=7), 77, 70),
        (call("linear", (1, 5, 10), out=7, bias=False), 70, 350),
        (call("batch_norm2d", (1, 4, 8, 8)), 8, 0),
        (call("layer_norm", (1, 5, 6)), 12, 0),
        (call("group_norm", (1, 4, 8, 8), groups=2), 8, 0),
        (call("relu", (1, 4, 8, 8)), 0, 0),
        (call("max_pool2d", (1, 4, 8, 8), kernel=2), 0, 0),
    ],
    ids=lambda value: value.nodes[1].operator if isinstance(value, Graph) else None,
)
def test_the_cost_of_one_call_is_the_one_counted_by_hand(graph: Graph, weights: int, products: int) -> None:
    assert parameters(graph, DECLARED) == weights
    assert macs(graph, DECLARED) == products


@pytest.mark.parametrize(
    ("left", "right", "products"),
    [((2, 3), (3, 5), 30), ((2, 3), (3,), 6), ((3,), (3,), 3), ((4, 2, 3), (4, 3, 5), 120), ((4, 2, 3), (3, 5), 120)],
)
def test_a_matrix_product_multiplies_every_row_with_every_column(
    left: tuple[int, ...], right: tuple[int, ...], products: int
) -> None:
    builder = Builder(DECLARED)
    product = builder.add("matmul", builder.input(TensorType(left)), builder.input(TensorType(right)))

    assert macs(builder.finish(product), DECLARED) == products


def test_a_shared_value_is_paid_once() -> None:
    builder = Builder(DECLARED)
    x = builder.input(TensorType((1, 4)))
    y = builder.add("linear", x, out=4)

    assert macs(builder.finish(builder.add("add", y, y)), DECLARED) == 16


@given(data=st.data())
def test_the_parameters_are_those_that_the_network_has(data: st.DataObject) -> None:
    space = data.draw(st.just(GROWTH) | tree_spaces())
    graph = data.draw(graphs(space))

    assert parameters(graph, DECLARED) == sum(p.numel() for p in lower(graph, DECLARED).parameters())
