"""What a drawn graph shows: boxes, shapes, colours and a text for those who do not see it."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.graph import INPUT, Graph, Node, Value
from archsmith.graph.pictures.boxes import columns, family, fit, node_box, short_type
from archsmith.graph.pictures.drawing import draw
from archsmith.graph.types import TensorType
from tests.graph.nets import odd_graph, small_net

SVG = "{http://www.w3.org/2000/svg}"
IMAGE = TensorType((1, 3, 8, 8))


def one_operator(name: str, **attributes: int | float | bool | str) -> Graph:
    node = Node(name, (Value(0),), tuple(sorted(attributes.items())), (IMAGE,))
    return Graph((Node(INPUT, (), (), (IMAGE,)), node), (Value(1),))


def test_every_node_and_every_output_has_a_box() -> None:
    graph = odd_graph()
    root = ElementTree.fromstring(draw(graph, standalone=True))
    names = [text.text for text in root.iter(f"{SVG}text") if "name" in (text.get("class") or "")]

    assert names == [node.operator for node in graph.nodes] + ["output 0", "output 1"]
    assert root.get("role") == "img"
    assert root.get("aria-label") == (
        "Architecture of 7 operators: float32[2, 6, 5], float32[2, 6, 5] to float32[2, 6], float32[2, 2, 5]"
    )


def test_every_edge_is_drawn_with_an_arrow() -> None:
    graph = small_net(8, 3)
    root = ElementTree.fromstring(draw(graph))
    edges, arrows = (path.get("d") or "" for path in root.iter(f"{SVG}path"))
    number = sum(len(node.inputs) for node in graph.nodes) + len(graph.outputs)

    assert edges.count("M") == number
    assert arrows.count("M") == number


def test_a_shape_is_told_where_it_changes() -> None:
    graph = odd_graph()
    boxes = {node.operator: node_box(graph, i) for i, node in enumerate(graph.nodes)}

    assert boxes["input"].shape == "2×6×5"
    assert boxes["mul"].shape == ""
    assert boxes["split_in_two"].shape == "2×2×5, 2×4×5"
    assert boxes["amax"].shape == "2×6"


def test_a_box_leaves_out_attributes_that_change_nothing_and_its_tooltip_has_them() -> None:
    box = node_box(one_operator("conv2d", kernel=3, stride=1, groups=1, bias=True, padding=1), 1)

    assert box.attributes == "kernel=3 padding=1"
    assert "stride = 1\n" in box.title
    assert "gives float32[1, 3, 8, 8]" in box.title


@pytest.mark.parametrize(
    ("type", "text"),
    [
        (TensorType((4, 10)), "4×10"),
        (TensorType((), "bool"), "bool scalar"),
        (TensorType((0, 2), "int64"), "int64 0×2"),
    ],
)
def test_a_type_is_short_and_names_a_dtype_that_is_not_the_usual_one(type: TensorType, text: str) -> None:
    assert short_type(type) == text


@pytest.mark.parametrize(
    ("operator", "kind"),
    [
        ("input", "end"),
        ("conv_transpose2d", "conv"),
        ("layer_norm", "norm"),
        ("global_avg_pool", "pool"),
        ("log_softmax", "activation"),
        ("max_with_index", "reduction"),
        ("logsumexp", "reduction"),
        ("cat", "shape"),
        ("cast", "shape"),
        ("scaled_dot_product_attention", "attention"),
        ("logical_xor", "arithmetic"),
        ("Mul", "arithmetic"),
    ],
)
def test_operators_are_coloured_by_family(operator: str, kind: str) -> None:
    assert family(operator) == kind


@given(st.text(max_size=60), st.integers(2, 40))
def test_a_fitted_text_is_no_wider_than_asked_and_has_nothing_invisible(text: str, width: int) -> None:
    shown = fit(text, width)

    assert columns(shown) <= width
    assert shown.replace("\N{REPLACEMENT CHARACTER}", "x").isprintable() or " " in shown
    if columns(text) <= width and text.isprintable():
        assert shown == text


@given(st.text(), st.text(max_size=30))
def test_any_name_gives_well_formed_markup(name: str, value: str) -> None:
    graph = one_operator(name or "x", mode=value)
    root = ElementTree.fromstring(draw(graph, standalone=True).encode("utf-8", "replace"))

    assert len(list(root.iter(f"{SVG}g"))) == 3


def test_a_hostile_name_stays_text() -> None:
    drawn = draw(one_operator('</text><script>alert("1")</script>', mode="<img src=x onerror=alert(1)>"))

    assert "<script" not in drawn
    assert "<img" not in drawn
    assert "&lt;script&gt;" in drawn


def test_only_a_standalone_drawing_brings_its_style() -> None:
    graph = odd_graph()

    assert "<style>" in draw(graph, standalone=True)
    assert not re.search(r"<style|style=", draw(graph))


def test_a_notebook_shows_a_graph_as_its_picture() -> None:
    graph = odd_graph()

    assert graph._repr_svg_() == draw(graph, standalone=True)


def test_a_graph_without_inputs_and_one_that_is_only_an_input_are_drawn() -> None:
    zeros = Graph((Node("zeros", (), (), (IMAGE,)),), (Value(0), Value(0)))
    wire = Graph((Node(INPUT, (), (), (IMAGE,)),), (Value(0),))

    assert "Architecture of 1 operator: no input to" in draw(zeros)
    assert "Architecture of 0 operators" in draw(wire)


def test_a_graph_of_hundreds_of_nodes_with_long_skips_is_drawn() -> None:
    nodes = [Node(INPUT, (), (), (IMAGE,))]
    for i in range(1, 300):
        nodes.append(Node("add", (Value(i - 1), Value(max(0, i - 40))), (), (IMAGE,)))
    drawn = draw(Graph(tuple(nodes), (Value(299),)))

    assert drawn.count('<g class="node') == 301
