"""Parts side by side: parallel ones joined, some of several, all of several in any order."""

from collections.abc import Callable
from math import comb, perm
from random import Random
from typing import Any

import pytest
import torch

from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.ops import DECLARED
from archsmith.graph.simplify import simplified
from archsmith.graph.text import listing
from archsmith.graph.types import TensorType
from archsmith.runtime.lower import lower
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, parallel, permutation, some_of
from archsmith.spaces.sampling import mutate, sample
from archsmith.spaces.space import digest, search_space
from tests.spaces.trees import architectures, asked, attribute, built, dead_end, operators, shape, walked

LETTERS: dict[str, Any] = {name: op(name) for name in ("relu", "tanh", "silu", "gelu", "mish")}


def conv(out: int, **attributes: Any) -> Node:
    return op("conv2d", out=out, kernel=1, **attributes)


def test_parallel_parts_take_the_same_value_and_are_added() -> None:
    builder = Builder(DECLARED)
    x = builder.input(TensorType((1, 2)))
    parts = [builder.add(name, x) for name in ("relu", "tanh", "neg")]
    whole = builder.finish(builder.add("add", builder.add("add", *parts[:2]), parts[2]))

    assert built(parallel(op("relu"), op("tanh"), op("neg")), input=(2,)) == simplified(whole)


def test_parallel_parts_are_laid_end_to_end_by_channel() -> None:
    assert listing(built(parallel(conv(3), chain(), join="cat"), input=(2, 5, 5))).splitlines() == [
        "%0 = input  float32[1, 2, 5, 5]",
        "%1 = conv2d(%0, bias=True, dilation=1, groups=1, kernel=1, out=3, padding=0, stride=1)  float32[1, 3, 5, 5]",
        "%2 = cat(%1, %0, dim=1)  float32[1, 5, 5, 5]",
        "return %2",
    ]


@pytest.mark.parametrize(("count", "calls"), [(1, []), (2, [2]), (4, [4]), (5, [4, 2]), (9, [4, 4, 3])])
def test_many_parts_are_laid_end_to_end_a_few_at_a_time(count: int, calls: list[int]) -> None:
    graph = built(parallel(*(conv(out) for out in range(1, count + 1)), join="cat"))
    joins = [node for _, node in graph.operators() if node.operator == "cat"]
    outs = [node.attribute["out"] for _, node in graph.operators() if node.operator == "conv2d"]

    assert [len(node.inputs) for node in joins] == calls
    assert shape(graph) == (sum(range(1, count + 1)), 6, 6)
    assert outs == list(range(1, count + 1))


@pytest.mark.parametrize("count", [1, 2, 4, 5, 9])
@pytest.mark.parametrize("join", ["add", "cat"])
def test_parallel_parts_give_in_torch_what_they_say(count: int, join: str) -> None:
    factors = [op("hardtanh", low=-float(place), high=float(place)) for place in range(1, count + 1)]
    module = lower(built(parallel(*factors, join=join), input=(2, 3)), DECLARED)
    x = 12 * torch.rand(3, 2, 3) - 6
    parts = [x.clamp(-place, place) for place in range(1, count + 1)]
    expected = sum(parts[1:], parts[0]) if join == "add" else torch.cat(parts, 1)

    torch.testing.assert_close(module(x), expected)


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (
            parallel(conv(4), conv(8)),
            "parallel adds values of one type; it has float32[1, 4, 6, 6] and float32[1, 8, 6, 6]",
        ),
        (
            parallel(chain(), op("global_avg_pool")),
            "parallel adds values of one type; it has float32[1, 4, 6, 6] and float32[1, 4]",
        ),
        (
            parallel(chain(), op("cast", dtype="float64")),
            "parallel adds values of one type; it has float32[1, 4, 6, 6] and float64[1, 4, 6, 6]",
        ),
    ],
)
def test_parts_that_cannot_be_added_are_a_dead_end(tree: Node, reason: str) -> None:
    assert dead_end(tree) == reason


@pytest.mark.parametrize(
    "other", [conv(4, stride=2), op("global_avg_pool"), op("cast", dtype="float64")], ids=["size", "rank", "dtype"]
)
def test_parts_that_cannot_be_laid_end_to_end_are_a_dead_end(other: Node) -> None:
    assert dead_end(parallel(chain(), other, join="cat")).startswith("cat(float32[1, 4, 6, 6], ")


def test_decisions_of_parallel_parts_are_named_by_their_place() -> None:
    layer = op("conv2d", out=choose(2, 4), kernel=1)

    assert asked(parallel(layer, chain(op("relu"), layer), join="cat", name="cell")) == [
        "cell/0/conv2d.out",
        "cell/1/1/conv2d.out",
    ]


def test_sampling_finds_the_parts_that_fit_each_other() -> None:
    layer = op("conv2d", out=choose(2, 4, 8), kernel=choose(1, 3))
    space = search_space(parallel(layer, layer, layer), input=(4, 6, 6))
    found = [attribute(graph, "out") for seed in range(20) if (graph := sample(space, Random(seed)).graph) is not None]

    assert len(found) == 20
    assert all(len(set(outs)) == 1 for outs in found)


@pytest.mark.parametrize(("count", "of"), [(k, n) for n in range(1, 6) for k in range(1, n + 1)])
def test_some_of_n_has_all_choices_of_k_and_no_other(count: int, of: int) -> None:
    letters = dict(list(LETTERS.items())[:of])
    fixed = [tuple(operators(graph)) for graph in architectures(some_of(count, **letters))]
    free = [tuple(operators(graph)) for graph in architectures(some_of(count, ordered=True, **letters))]

    assert len(fixed) == len(set(fixed)) == comb(of, count)
    assert len(free) == len(set(free)) == perm(of, count)
    assert {tuple(sorted(taken, key=list(letters).index)) for taken in free} == set(fixed)
    assert all(len(set(taken)) == count for taken in free)


def test_a_permutation_has_all_parts_in_all_orders() -> None:
    found = {tuple(operators(graph)) for graph in architectures(permutation(op("relu"), op("tanh"), s=op("silu")))}

    assert len(found) == 6
    assert all(sorted(taken) == ["relu", "silu", "tanh"] for taken in found)


def test_the_parts_taken_ask_their_decisions_and_the_others_do_not() -> None:
    layer = op("conv2d", out=choose(2, 4), kernel=1)
    tree = some_of(2, a=layer, b=op("relu"), c=chain(op("tanh"), layer), ordered=True, name="some")
    found = walked(tree, {"some.0": "c", "some.1": "a"})

    assert [(decision.name, decision.options) for decision in found.asked] == [
        ("some.0", ("a", "b", "c")),
        ("some=c/1/conv2d.out", (2, 4)),
        ("some.1", ("a", "b")),
        ("some=a/conv2d.out", (2, 4)),
    ]


def test_as_they_stand_the_parts_before_the_one_taken_are_gone() -> None:
    found = walked(some_of(3, **LETTERS), {"some_of.0": "tanh", "some_of.1": "gelu"})

    assert [(decision.name, decision.options) for decision in found.asked] == [
        ("some_of.0", ("relu", "tanh", "silu")),
        ("some_of.1", ("silu", "gelu")),
    ]
    assert found.graph is not None
    assert operators(found.graph) == ["tanh", "gelu", "mish"]


def test_an_order_can_be_a_dead_end_and_is_gone_around() -> None:
    layers = permutation(conv=op("conv2d", out=4, kernel=5), pool=op("max_pool2d", kernel=2, stride=2), last=op("relu"))
    space = search_space(layers, input=(4, 6, 6))
    found = [list(sample(space, Random(seed)).trace.as_dict().values()) for seed in range(30)]

    assert dead_end(layers, {"permutation.0": "pool"}).startswith("conv2d requires")
    assert {tuple(order) for order in found} == {("conv", "pool"), ("conv", "last"), ("last", "conv")}


def test_a_mutation_of_the_parts_taken_is_another_choice() -> None:
    space = search_space(some_of(2, **LETTERS), input=(4,))
    before = sample(space, Random(0))
    found = [mutate(space, before.trace, Random(seed)) for seed in range(20)]

    assert all(other.graph is not None and other.graph != before.graph for other in found)


@pytest.mark.parametrize("count", [0, 3, -1, 1.0, True, "1", None])
def test_a_count_out_of_range_is_refused(count: Any) -> None:
    with pytest.raises(UserError, match=f"^some_of takes a count from 1 to its 2 branches; got {count!r}$"):
        some_of(count, op("relu"), op("tanh"))


REFUSALS: list[tuple[Callable[[], object], str]] = [
    (lambda: parallel(), "parallel needs at least one branch; got none"),
    (lambda: parallel(op("relu"), join="mul"), "parallel takes join='add' or 'cat'; got 'mul'"),
    (lambda: parallel(op("relu"), "relu"), r"parallel takes nodes such as op\(...\) or chain\(...\); got 'relu'"),  # type: ignore[arg-type]
    (lambda: some_of(1), "some_of needs at least one branch; got none"),
    (lambda: some_of(1, "relu"), "some_of takes nodes such as .*; got 'relu'"),  # type: ignore[arg-type]
    (lambda: permutation(), "permutation needs at least one branch; got none"),
    (lambda: permutation([op("relu")]), "permutation takes nodes such as "),  # type: ignore[arg-type]
    (lambda: permutation(op("relu"), **{"relu()": op("tanh")}), r"permutation has two branches labelled 'relu\(\)'"),  # type: ignore[arg-type]
    (lambda: search_space(parallel(op("relu"), op("rellu")), input=(4,)), "no operator 'rellu'"),
    (lambda: search_space(some_of(1, op("relu"), op("rellu")), input=(4,)), "no operator 'rellu'"),
]


@pytest.mark.parametrize(("make", "message"), REFUSALS)
def test_a_mistake_in_branches_is_refused_where_it_is_made(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


def test_spaces_of_other_branches_are_told_apart() -> None:
    two = op("relu"), op("tanh")
    trees: list[Node] = [
        any_of(*two), any_of(*two, name="a"), any_of(*two, weights=(1, 1)), any_of(*two, weights=(1, 2)),
        parallel(*two), parallel(*two, join="cat"), parallel(*two, name="a"), parallel(*reversed(two)),
        some_of(1, *two), some_of(2, *two), some_of(1, *two, ordered=True), some_of(1, *two, name="a"),
        permutation(*two), permutation(*two, name="a"), permutation(*two, op("silu")),
        optional(op("relu")), optional(op("relu"), probability=0.5), optional(op("relu"), probability=0.25),
    ]  # fmt: skip

    assert len({digest(search_space(tree, input=(4,))) for tree in trees}) == len(trees)
