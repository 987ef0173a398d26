"""Learned operators are written as plain calls of PyTorch, which return what their rules say."""

from typing import Any

import pytest
import torch
from hypothesis import given

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder, recheck
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.learned import learned_operator
from archsmith.graph.ops import DECLARED
from archsmith.graph.rules import DtypeRow, Rule
from archsmith.graph.signature import Fixed, ListSlot, Plain, Word
from archsmith.graph.types import TensorType
from archsmith.runtime.emit import HEADER, network_class
from archsmith.runtime.lower import lower, type_of
from archsmith.spaces.growth import GrowthSpace
from tests.graph.torch_calls import tensor as made
from tests.learned_rules import fixed, learned_rule, operators, tensor
from tests.strategies import graphs

BOOK = RuleBook([*operators(), *(DECLARED.operator(name) for name in ("relu", "sub", "cast", "unsqueeze"))])
GROWN = GrowthSpace(
    BOOK, nodes=4, sizes=(1, 2, 3, 4), elements=4096, dtypes=("float32", "int64", "bool", "bfloat16", "float64")
)


@given(graph=graphs(GROWN))
def test_grown_graphs_return_the_types_that_the_rules_say(graph: Graph) -> None:
    found = lower(graph, BOOK)(*map(made, graph.input_types))

    assert tuple(map(type_of, found if isinstance(found, tuple) else (found,))) == graph.output_types
    assert recheck(graph, BOOK) == graph


def statements(graph: Graph, book: RuleBook = BOOK) -> list[str]:
    """The lines of the forward method."""
    _, forward = network_class(graph, book).split("def forward")
    return [line.strip() for line in forward.splitlines()[1:] if line]


def first_line(rule: Rule) -> str:
    """How a graph of this one call is written."""
    book = RuleBook([learned_operator(rule.operator, [rule])])
    builder = Builder(book)
    x = builder.input(TensorType((2,)))
    return statements(builder.finish(*builder.apply(rule.operator, [x], {})), book)[0]


def test_a_call_is_written_as_a_person_would() -> None:
    builder = Builder(BOOK)
    x = builder.input(TensorType((1, 4, 6, 6)))
    y = builder.input(TensorType((2, 3, 4)))
    x = builder.add("torch.roll", x, shifts_0=1, shifts_1=2, dims_0=2, dims_1=3)
    x = builder.add("torch.clone", builder.add("torch.nn.functional.softplus", x, beta=2))
    first, second = builder.apply("torch.chunk", [y], {"chunks": 2})
    (only,) = builder.apply("torch.chunk", [second], {"chunks": 1})
    graph = builder.finish(x, first, builder.add("torch.sum", only, dim=1, dtype="float64"))

    assert statements(graph) == [
        "v2 = torch.roll(x0, (1, 2), (2, 3))",
        "v3 = torch.nn.functional.softplus(v2, 2.0, 20.0)",
        "v4 = torch.clone(v3, memory_format=torch.channels_last)",
        "(v5_0, v5_1) = torch.chunk(x1, 2, 1)",
        "(v6,) = torch.chunk(v5_1, 1, 1)",
        "v7 = torch.sum(v6, dim=1, keepdim=False, dtype=torch.float64)",
        "return v4, v5_0, v7",
    ]


def test_the_source_stands_alone() -> None:
    builder = Builder(BOOK)
    x = builder.input(TensorType((2, 3)))
    graph = builder.finish(builder.add("torch.add", x, builder.add("torch.roll", x, shifts=1, dims=1), alpha=3))
    scope: dict[str, Any] = {}
    exec(HEADER + network_class(graph, BOOK), scope)
    value = torch.arange(6.0).reshape(2, 3)

    assert torch.equal(scope["Network"]()(value), value + 3 * value.roll(1, 1))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (-1, "-1"),
        ("it's; import os", '"it\'s; import os"'),
        (float("inf"), "float('inf')"),
        (0.5, "0.5"),
        (Word("float", "nan"), "float('nan')"),
        (Word("complex", "(1+2j)"), "complex('(1+2j)')"),
        (Word("dtype", "uint8"), "torch.uint8"),
        (Word("layout", "strided"), "torch.strided"),
        (Word("device", "cpu"), "torch.device('cpu')"),
        (Word("slice", "1::-2"), "slice(1, None, -2)"),
        (Word("ellipsis", "..."), "..."),
    ],
)
def test_constants_are_literals(value: Plain, text: str) -> None:
    rule = learned_rule("torch.f", (tensor("input", 1), fixed("p", value), ("q", ListSlot(()))), (("input_0",),))

    assert first_line(rule) == f"v1 = torch.f(x0, {text}, ())"


@pytest.mark.parametrize(
    "value",
    [
        Word("layout", "os.system('ls')"),
        Word("memory_format", "x)"),
        Word("dtype", "float32); print(1"),
        Word("slice", "1:print(1)"),
        Word("sparse", "csr"),
    ],
)
def test_what_would_be_code_is_refused(value: Word) -> None:
    rule = learned_rule("torch.f", (tensor("input", 1), ("p", ListSlot((Fixed(value),)))), (("input_0",),))
    with pytest.raises(UserError, match="cannot be written|must be one of|a slice reads"):
        first_line(rule)


@pytest.mark.parametrize(
    ("operator", "place"),
    [
        ("torch.special.erf", "torch.special.erf"),
        ("torch.Tensor.__rsub__", "torch.Tensor.__rsub__"),
        ("aten.relu.default", "torch.ops.aten.relu.default"),
        ("torch.select", "torch.select"),
    ],
)
def test_operators_are_found_from_torch(operator: str, place: str) -> None:
    assert first_line(learned_rule(operator, (tensor("input", 1),), (("input_0",),))) == f"v1 = {place}(x0)"


@pytest.mark.parametrize(
    "operator", ["os.system", "torch", "torch.os.system", "torch.a b", "torch.f(1).g", "torch.if", "torch.", "eval.x"]
)
def test_what_is_no_operator_of_pytorch_is_refused(operator: str) -> None:
    with pytest.raises(UserError, match="an operator of a rule book must be one of PyTorch's"):
        first_line(learned_rule(operator, (tensor("input", 1),), (("input_0",),)))


def test_results_are_taken_apart_as_the_rule_says() -> None:
    rows = (DtypeRow(("float32",), ("float32", "float32")),)
    rule = learned_rule(
        "torch.f", (tensor("input", 1),), (("input_0",), ("input_0",)), dtypes=rows, form="(t, _, (t,))"
    )

    assert first_line(rule) == "(v1_0, _, (v1_1,)) = torch.f(x0)"
    for form in ("(t, x())", "(t,)", "t"):
        wrong = learned_rule("torch.f", (tensor("input", 1),), (("input_0",), ("input_0",)), dtypes=rows, form=form)
        with pytest.raises(UserError, match="returns 2 tensors; its rule says"):
            first_line(wrong)
