"""Parts of a tree that hold one part, or a function: shared, tied, residual, called."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.runtime.lower import lower
from archsmith.spaces.decisions import Trace, replay
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import (
    any_of,
    call,
    chain,
    choose,
    op,
    optional,
    parallel,
    permutation,
    repeat,
    residual,
    shared,
    some_of,
)
from archsmith.spaces.sampling import mutate, sample
from archsmith.spaces.space import digest, search_space
from tests.spaces.trees import IMAGE, architectures, asked, attribute, built, dead_end, operators, shape

GOLDEN = Path(__file__).parent.parent / "golden"

LAYER = op("linear", out=choose(2, 3, 4))
BLOCK = shared("block", chain(LAYER, any_of(op("relu"), op("tanh"))))


def gated(builder: Builder, x: Value) -> Value:
    return builder.add("mul", x, builder.add("sigmoid", x))


def picky(builder: Builder, x: Value) -> Value:
    if builder.type_of(x).shape[1] % 2:
        raise Infeasible("picky takes an even number of channels")
    return builder.add("relu", x)


def forgetful(builder: Builder, x: Value) -> None:
    builder.add("relu", x)


def mistaken(builder: Builder, x: Value) -> Value:
    return builder.add("rellu", x)


def test_a_shared_part_asks_once_under_its_own_name() -> None:
    tree = chain(BLOCK, optional(BLOCK), op("neg"), BLOCK)
    answers: dict[str, Any] = {"1/optional": True, "block/0/linear.out": 3, "block/1/any_of": "tanh()"}

    assert asked(tree, answers, input=(4,)) == ["block/0/linear.out", "block/1/any_of", "1/optional"]
    assert operators(built(tree, answers, input=(4,))) == ["linear", "tanh", "linear", "tanh", "neg", "linear", "tanh"]
    assert attribute(built(tree, answers, input=(4,)), "out") == [3, 3, 3]


def test_a_shared_part_has_parameters_of_its_own_wherever_it_stands() -> None:
    module = lower(built(chain(BLOCK, BLOCK), input=(2,)), DECLARED)

    assert len([parameter for parameter in module.parameters() if parameter.dim() == 2]) == 2


def test_a_shared_part_in_another_keeps_its_name() -> None:
    inner = shared("inner", LAYER)
    tree = chain(shared("outer", chain(inner, op("linear", out=choose(5, 6)))), inner)

    assert asked(tree, input=(4,)) == ["inner/linear.out", "outer/1/linear.out"]


def test_a_mutation_of_a_shared_part_changes_all_its_uses() -> None:
    space = search_space(chain(BLOCK, BLOCK), input=(4,))
    before = replay(space, Trace.of({"block/0/linear.out": 2, "block/1/any_of": "relu()"})).trace
    found = [graph for seed in range(20) if (graph := mutate(space, before, Random(seed)).graph) is not None]

    assert {tuple(attribute(graph, "out")) for graph in found} == {(2, 2), (3, 3), (4, 4)}
    assert {tuple(operators(graph)) for graph in found} == {
        ("linear", "relu", "linear", "relu"),
        ("linear", "tanh", "linear", "tanh"),
    }


def test_tied_turns_decide_once_and_others_decide_anew() -> None:
    body = op("linear", out=choose(2, 3))

    assert asked(repeat(body, 3, tied=True), input=(4,)) == ["repeat/each/linear.out"]
    assert asked(repeat(body, 3), input=(4,)) == [f"repeat/{turn}/linear.out" for turn in range(3)]
    assert len(architectures(repeat(body, 3, tied=True), input=(4,))) == 2
    assert len(architectures(repeat(body, 3), input=(4,))) == 8
    assert attribute(built(repeat(body, 3, tied=True), {"repeat/each/linear.out": 3}, input=(4,)), "out") == [3, 3, 3]


def test_tied_turns_repeat_a_choice_of_parts_and_their_order() -> None:
    tree = repeat(permutation(a=op("relu"), b=op("tanh"), c=op("neg")), choose(1, 2), tied=True)
    found = [operators(graph) for graph in architectures(tree)]

    assert len(found) == 12
    assert all(taken[:3] == taken[3:] for taken in found if len(taken) == 6)


def test_a_tied_repeat_in_a_repeat_is_tied_within_one_turn() -> None:
    tree = repeat(repeat(op("linear", out=choose(2, 3)), 2, tied=True, name="in"), 2)

    assert asked(tree, input=(4,)) == ["repeat/0/in/each/linear.out", "repeat/1/in/each/linear.out"]


def test_a_function_grows_the_graph() -> None:
    module = lower(built(chain(op("tanh"), call(gated)), input=(3,)), DECLARED)
    x = torch.randn(5, 3)

    torch.testing.assert_close(module(x), x.tanh() * x.tanh().sigmoid())


def test_a_function_may_find_a_dead_end() -> None:
    tree = chain(op("linear", out=choose(3, 5, 6)), call(picky))
    space = search_space(tree, input=(4,))

    assert dead_end(tree, input=(4,)) == "picky takes an even number of channels"
    assert {sample(space, Random(seed)).trace.as_dict()["0/linear.out"] for seed in range(20)} == {6}


def test_what_a_function_does_wrong_is_told_with_its_name() -> None:
    with pytest.raises(UserError, match="must return a value of the builder; call .*:forgetful returned None"):
        built(call(forgetful))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="no operator 'rellu'"):
        built(call(mistaken))


def test_a_function_needs_a_name_to_be_told_by() -> None:
    def local(builder: Builder, x: Value) -> Value:
        return x

    for nameless in (lambda builder, x: x, local, "gated", None, 3):
        with pytest.raises(UserError, match=r"^call takes a function\(builder, x\), defined by def at the top"):
            call(nameless)  # type: ignore[arg-type]


CHANGES: list[tuple[tuple[int, ...], Node]] = [
    ((4,), op("linear", out=7)),
    ((4,), op("linear", out=2)),
    ((4, 9), op("conv1d", out=6, kernel=3, padding=1)),
    ((4, 9), op("conv1d", out=4, kernel=3, stride=2, padding=1)),
    ((4, 10), op("conv1d", out=6, kernel=3, stride=3)),
    ((4, 8, 8), op("conv2d", out=6, kernel=3, padding="same")),
    ((4, 8, 8), op("max_pool2d", kernel=2, stride=2)),
    ((4, 7, 7), op("conv2d", out=6, kernel=3, stride=2, padding=1)),
    ((4, 8, 6), op("conv2d", out=6, kernel=2, stride=2)),
    ((4, 9, 6), op("conv2d", out=2, kernel=3, stride=3)),
    ((4, 7, 8), op("conv2d", out=2, kernel=3, stride=3, padding=1)),
]


@pytest.mark.parametrize(("input", "body"), CHANGES, ids=[f"{given} {body}" for given, body in CHANGES])
def test_a_residual_is_projected_to_what_it_is_added_to(input: tuple[int, ...], body: Node) -> None:
    graph = built(residual(body), input=input)
    module = lower(graph, DECLARED)
    projection = "linear" if len(input) == 1 else f"conv{len(input) - 1}d"

    assert operators(graph).count("add") == 1
    assert operators(graph).count(projection) == 1 + (next(iter(body.lines())).startswith(projection))
    assert shape(graph) == shape(built(body, input=input))
    for batch in (1, 3):
        assert tuple(module(torch.randn(batch, *input)).shape) == (batch, *shape(graph))


def test_a_residual_that_fits_is_not_projected() -> None:
    assert operators(built(residual(op("relu")))) == ["relu", "add"]


def test_a_projection_has_no_bias_and_a_kernel_of_1() -> None:
    graph = built(residual(op("max_pool2d", kernel=2, stride=2)))
    (node,) = [node for _, node in graph.operators() if node.operator == "conv2d"]

    assert node.attribute["bias"] is False
    assert (node.attribute["kernel"], node.attribute["stride"], node.attribute["out"]) == (1, 2, 4)


@pytest.mark.parametrize(
    ("input", "body", "reason"),
    [
        (
            (2, 4, 4, 4),
            op("conv3d", out=3, kernel=1),
            "a residual connection cannot project float32[1, 2, 4, 4, 4] to float32[1, 3, 4, 4, 4]",
        ),
        (IMAGE, op("global_avg_pool"), "a residual connection cannot project float32[1, 4, 6, 6] to float32[1, 4]"),
        (
            IMAGE,
            op("conv2d", out=4, kernel=3),
            "a residual connection adds values of one type; it has float32[1, 4, 3, 3] and float32[1, 4, 4, 4]",
        ),
        (
            (4, 6, 8),
            op("conv2d", out=4, kernel=3),
            "a residual connection adds values of one type; it has float32[1, 4, 3, 4] and float32[1, 4, 4, 6]",
        ),
        (
            IMAGE,
            op("conv_transpose2d", out=4, kernel=2, stride=2),
            "a residual connection adds values of one type; it has float32[1, 4, 6, 6] and float32[1, 4, 12, 12]",
        ),
        (
            (4,),
            op("cast", dtype="float64"),
            "a residual connection adds values of one type; it has float32[1, 4] and float64[1, 4]",
        ),
    ],
    ids=["volume", "rank", "size", "sizes that differ", "larger", "dtype"],
)
def test_a_residual_that_cannot_be_projected_is_a_dead_end(input: tuple[int, ...], body: Node, reason: str) -> None:
    assert dead_end(residual(body), input=input) == reason


WORDS = search_space(
    chain(
        op("conv2d", out=shared("width", choose(4, 8)), kernel=3, padding="same"),
        repeat(shared("cell", chain(op("relu"))), shared("depth", choose(1, 2)) + 1, tied=True),
        repeat(op("tanh"), choose(1, 2), name="tail", tied=True),
        residual(op("conv2d", out=2 * shared("width", choose(4, 8)), kernel=1)),
        residual(op("relu"), project=False),
        parallel(op("relu"), parallel(op("tanh"), name="inner"), join="cat"),
        some_of(2, op("relu"), op("tanh"), long=chain(op("silu"), op("gelu"))),
        permutation(op("relu"), op("tanh"), name="order"),
        optional(op("neg"), probability=0.25),
        any_of(op("relu"), op("tanh"), weights=(1, 3), name="last"),
        op("dropout", rate=choose(0.1, 0.2, weights=(2, 1))),
        call(gated),
    ),
    input=(3, 6, 6),
)


def test_every_word_reads_as_it_was_written() -> None:
    assert WORDS.text() + "\n" == (GOLDEN / "words.txt").read_text(encoding="utf-8")
    assert sample(WORDS, Random(0)).graph is not None


def test_spaces_of_other_parts_are_told_apart() -> None:
    body = op("linear", out=choose(2, 4))
    trees: list[Node] = [
        body, shared("a", body), shared("b", body), shared("a", op("linear", out=choose(2, 8))), residual(body),
        residual(body, project=False), repeat(body, 2), repeat(body, 2, tied=True), repeat(body, 2, name="a"),
        repeat(body, shared("n", choose(1, 2))), repeat(body, shared("n", choose(1, 2)) + 1), call(gated), call(picky),
        chain(body), parallel(body),
    ]  # fmt: skip

    assert len({digest(search_space(tree, input=(4,))) for tree in trees}) == len(trees)


def test_what_is_walked_has_the_type_that_torch_gives() -> None:
    for seed in range(8):
        graph = sample(WORDS, Random(seed)).graph
        assert graph is not None
        made = lower(graph, DECLARED).eval()(torch.randn(1, 3, 6, 6))

        assert graph.output_types == (TensorType(tuple(made.shape)),)
