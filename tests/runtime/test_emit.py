"""The source that a graph is written as: readable, complete, and never a way in for a caller's text."""

import ast
from pathlib import Path
from string import Formatter

import pytest
import torch
from hypothesis import given

from archsmith.graph.book import Attribute, Operator, RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Graph, Node, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.rules import rule
from archsmith.graph.types import TensorType
from archsmith.runtime.emit import HEADER, network_class
from archsmith.runtime.kernels import KERNELS
from tests.strategies import graphs

GOLDEN = Path(__file__).parent.parent / "golden"


def convolutional() -> Graph:
    """A small residual network."""
    builder = Builder(DECLARED)
    x = builder.input(TensorType((1, 3, 16, 16)))
    x = builder.add("batch_norm2d", builder.add("conv2d", x, out=8, kernel=3, padding="same", bias=False))
    y = builder.add("conv2d", builder.add("relu", x), out=8, kernel=3, padding="same", groups="depthwise")
    x = builder.add("dropout", builder.add("global_avg_pool", builder.add("add", x, y)), rate=0.1)
    return builder.finish(builder.add("linear", x, out=10))


def several_outputs() -> Graph:
    """Operators of several outputs, two inputs, and an input that leaves again."""
    builder = Builder(DECLARED)
    x, y = builder.input(TensorType((2, 6))), builder.input(TensorType((2, 3)))
    first, second = builder.apply("split_in_two", [x], {"dim": 1, "size": 3})
    values, places = builder.apply("sort", [builder.add("cat", first, second, y, dim=1)], {"dim": 1})
    return builder.finish(values, places, builder.add("where", builder.add("lt", first, y), first, y), y)


@pytest.mark.parametrize(
    ("graph", "file"),
    [(convolutional(), "source_cnn.txt"), (several_outputs(), "source_several_outputs.txt")],
)
def test_the_source_is_the_one_that_people_have_read(graph: Graph, file: str) -> None:
    source = HEADER + "\n\n" + network_class(graph, DECLARED)

    assert source == (GOLDEN / file).read_text(encoding="utf-8")


def test_every_declared_operator_has_a_kernel_and_every_kernel_an_operator() -> None:
    assert set(KERNELS) == set(DECLARED.operators)


def test_every_attribute_and_every_input_reaches_torch() -> None:
    for operator in DECLARED.operators.values():
        kernel = KERNELS[operator.name]
        fields = {field for _, field, _, _ in Formatter().parse(kernel.call + (kernel.module or "")) if field}
        places = {str(place) for place in range(len(operator.rules[0].inputs))}

        assert fields >= {attribute.name for attribute in operator.attributes}
        assert fields >= places or "all" in fields


def test_an_operator_is_torchs_function_of_its_name() -> None:
    written = {
        name: (kernel.module or kernel.call).partition("(")[0].rpartition(".")[2].replace("_", "").lower()
        for name, kernel in KERNELS.items()
    }
    elsewhere = {name: made for name, made in written.items() if made != name.replace("_", "")}

    assert elsewhere == {
        "identity": "{0}",
        "cast": "to",
        "upsample_nearest2d": "interpolate",
        "global_avg_pool": "flatten",
        "class_token": "parameter",
        "position_embedding": "parameter",
        "max_with_index": "max",
        "repeat": "cat",
        "split_in_two": "tensorsplit",
        "zero_pad2d": "pad",
    }


@given(graph=graphs())
def test_the_source_needs_nothing_but_torch(graph: Graph) -> None:
    tree = ast.parse(HEADER + network_class(graph, DECLARED))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    made = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    inputs = {argument.arg for argument in ast.walk(tree) if isinstance(argument, ast.arg)}

    assert names - made - inputs <= {"torch", "nn", "F", "super"}


def test_a_class_may_have_another_name() -> None:
    assert network_class(convolutional(), DECLARED, name="Stem").startswith("class Stem(nn.Module):\n")


def test_a_graph_of_nothing_but_its_input_returns_it() -> None:
    builder = Builder(DECLARED)
    graph = builder.finish(builder.input(TensorType((2,))))

    assert network_class(graph, DECLARED).endswith("    def forward(self, x0):\n        return x0\n")


def test_a_graph_that_the_rules_refuse_is_not_written() -> None:
    x = TensorType((1, 4))
    graph = Graph((Node("input", (), (), (x,)), Node("softmax", (Value(0),), (("dim", 2),), (x,))), (Value(1),))

    with pytest.raises(Infeasible, match="dim=2"):
        network_class(graph, DECLARED)


@pytest.mark.parametrize("word", ["float32); import os; (", "float32\n    evil()", "__class__", "{0}", "int32"])
def test_a_word_of_the_callers_never_reaches_the_source(word: str) -> None:
    x = TensorType((4,))
    graph = Graph((Node("input", (), (), (x,)), Node("cast", (Value(0),), (("dtype", word),), (x,))), (Value(1),))

    with pytest.raises(Infeasible, match="cast.* has no rule"):
        network_class(graph, DECLARED)


@pytest.mark.parametrize("word", ["float32); evil(", "' + evil() + '", "\\'; evil() #", "\n    evil()\n"])
def test_even_a_word_that_a_rule_allows_is_written_as_a_literal(word: str) -> None:
    allowing = rule("cast", ["Any[N]"], ["Any[N]"], constants={"dtype": word})
    book = RuleBook([Operator("cast", "another dtype", (Attribute("dtype", str),), (allowing,))])
    builder = Builder(book)
    graph = builder.finish(builder.add("cast", builder.input(TensorType((4,))), dtype=word))
    source = network_class(graph, book)

    assert repr(word) in source
    assert "evil" not in source.replace(repr(word), "")


def test_an_operator_without_a_kernel_is_named() -> None:
    book = RuleBook([Operator("sinh", "hyperbolic sine", (), (rule("sinh", ["Float[N]"], ["Float[N]"]),))])
    builder = Builder(book)
    graph = builder.finish(builder.add("sinh", builder.input(TensorType((4,)))))

    with pytest.raises(UserError, match="operator 'sinh' has no kernel"):
        network_class(graph, book)


def test_thousands_of_nodes_are_written_and_computed() -> None:
    builder = Builder(DECLARED)
    x = builder.input(TensorType((3,)))
    for _ in range(3_000):
        x = builder.add("neg", x)
    scope: dict[str, type[torch.nn.Module]] = {}
    exec(HEADER + network_class(builder.finish(x), DECLARED), scope)
    given = torch.tensor([1.0, -2.0, 0.5])

    assert torch.equal(scope["Network"]()(given), given)
