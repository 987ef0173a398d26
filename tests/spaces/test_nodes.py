"""The tree of a space: what it asks, under which names, how it reads, and what it refuses."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.text import listing
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Decision, Label, Prefix, Space, Trace, derive, following
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, repeat, residual
from archsmith.spaces.space import TreeSpace, digest, search_space
from tests.strategies import tree_spaces

GOLDEN = Path(__file__).parent.parent / "golden"
NOTHING: Mapping[str, Label] = MappingProxyType({})

BLOCK = residual(chain(op("conv2d", out=4, kernel=choose(1, 3), padding="same"), any_of(op("relu"), op("silu"))))
EVERYTHING = search_space(
    chain(
        op("conv2d", out=4, kernel=choose(3, 5, name="stem kernel")),
        repeat(BLOCK, choose(1, 2), name="body"),
        optional(op("dropout", rate=choose(0.1, 0.5))),
        any_of(
            op("relu"),
            op("relu"),
            chain(op("conv2d", out=choose(4, 8, ordered=False), kernel=1), optional(BLOCK, name="extra")),
            pooled=op("max_pool2d", kernel=choose(2, 3), stride=2),
            name="tail",
        ),
        repeat(op("tanh"), 0),
    ),
    input=(3, 12, 12),
)


def last(decision: Decision, prefix: Prefix) -> Label:
    return decision.options[-1]


def built(root: Node, answers: Mapping[str, Label] = NOTHING, *, input: tuple[int, ...] = (4, 6, 6)) -> Graph:
    """The graph of a tree where the decisions named have these answers and the others their first option."""
    found = derive(
        search_space(root, input=input), following(Trace.of(answers), lambda decision, _: decision.options[0])
    )
    assert found.graph is not None, found.dead_end
    return found.graph


def operators(graph: Graph) -> list[str]:
    return [node.operator for _, node in graph.operators()]


def test_names_of_decisions_are_paths_in_the_tree() -> None:
    answers: dict[str, Label] = {"0/stem kernel": 5, "1/body.times": 2, "3/tail": "chain"}
    found = derive(EVERYTHING, following(Trace.of(answers), last))

    assert [decision.name for decision in found.asked] == [
        "0/stem kernel",
        "1/body.times",
        "1/body/0/residual/0/conv2d.kernel",
        "1/body/0/residual/1/any_of",
        "1/body/1/residual/0/conv2d.kernel",
        "1/body/1/residual/1/any_of",
        "2/optional",
        "2/optional/dropout.rate",
        "3/tail",
        "3/tail=chain/0/conv2d.out",
        "3/tail=chain/1/extra",
        "3/tail=chain/1/extra/residual/0/conv2d.kernel",
        "3/tail=chain/1/extra/residual/1/any_of",
    ]
    assert found.asked[8].options == ("relu()", "relu() #2", "chain", "pooled")
    assert [decision.ordered for decision in found.asked[:2]] == [True, True]
    assert not found.asked[9].ordered


def test_a_named_count_is_asked_by_its_name() -> None:
    found = derive(search_space(repeat(op("relu"), choose(1, 2, name="depth")), input=(4,)), last)

    assert [decision.name for decision in found.asked] == ["depth"]


def test_a_space_reads_as_its_tree() -> None:
    assert EVERYTHING.text() + "\n" == (GOLDEN / "space.txt").read_text(encoding="utf-8")
    assert str(EVERYTHING) == EVERYTHING.text()


def test_a_space_is_known_by_its_digest() -> None:
    assert digest(EVERYTHING) == "4a46acb0038d3733e1fb9a35453a3a91"


@pytest.mark.parametrize(
    "other",
    [
        chain(repeat(op("relu"), choose(1, 2), name="blocks")),
        chain(repeat(op("relu"), choose(1, 2, name="depth"))),
        chain(repeat(op("relu"), choose(1, 2, ordered=False))),
        chain(repeat(op("relu"), choose(2, 1))),
        chain(repeat(op("relu"), 2)),
        chain(repeat(op("tanh"), choose(1, 2))),
        repeat(op("relu"), choose(1, 2)),
    ],
)
def test_spaces_that_ask_otherwise_read_otherwise(other: Node) -> None:
    this = search_space(chain(repeat(op("relu"), choose(1, 2))), input=(4,))

    assert digest(search_space(other, input=(4,))) != digest(this)


@pytest.mark.parametrize("make", [optional, any_of, lambda body, name: repeat(body, 2, name=name)])
def test_a_name_does_not_disguise_the_kind_of_node(make: Callable[..., Node]) -> None:
    texts = {"\n".join(make(op("relu"), name=name).lines()) for name in ("optional", "any_of", "repeat", "chain")}

    assert len(texts) == 4


def test_inputs_are_part_of_the_space() -> None:
    shapes = {digest(search_space(op("relu"), input=shape)) for shape in ((4,), (5,), (4, 1))}

    assert len(shapes | {digest(search_space(op("relu"), input=(4,), dtype="float64"))}) == 4


def test_a_chain_applies_its_parts_in_order() -> None:
    assert operators(built(chain(op("relu"), chain(op("tanh"), op("neg")), op("exp")))) == [
        "relu", "tanh", "neg", "exp",
    ]  # fmt: skip


def test_an_empty_chain_and_no_repetition_hand_on_what_came() -> None:
    assert operators(built(chain(chain(), repeat(op("relu"), 0), op("tanh")))) == ["tanh"]
    assert operators(built(repeat(op("relu"), choose(0, 2)))) == []


def test_a_repeated_part_decides_anew_each_time() -> None:
    graph = built(
        repeat(op("linear", out=choose(2, 3)), choose(1, 3)),
        {"repeat.times": 3, "repeat/0/linear.out": 3, "repeat/2/linear.out": 3},
    )

    assert [node.types[0].shape[-1] for _, node in graph.operators()] == [3, 2, 3]


def test_a_tree_used_twice_decides_twice() -> None:
    layer = op("linear", out=choose(2, 3))
    graph = built(chain(layer, layer), {"1/linear.out": 3})

    assert [node.types[0].shape[-1] for _, node in graph.operators()] == [2, 3]


def test_an_optional_part_is_left_out_first() -> None:
    assert operators(built(optional(op("relu")))) == []
    assert operators(built(optional(op("relu")), {"optional": True})) == ["relu"]


def test_choices_inside_a_branch_are_asked_in_that_branch_only() -> None:
    tree = any_of(
        plain=op("relu"),
        deep=any_of(a=op("linear", out=choose(2, 3)), b=repeat(op("tanh"), choose(1, 2))),
    )
    cases: list[dict[str, Label]] = [{"any_of": "plain"}, {"any_of=deep/any_of": "a"}, {"any_of": "deep"}]
    asked = [
        [decision.name for decision in derive(search_space(tree, input=(4,)), following(Trace.of(case), last)).asked]
        for case in cases
    ]

    assert asked == [
        ["any_of"],
        ["any_of", "any_of=deep/any_of", "any_of=deep/any_of=a/linear.out"],
        ["any_of", "any_of=deep/any_of", "any_of=deep/any_of=b/repeat.times"],
    ]


def test_a_residual_adds_what_went_in() -> None:
    assert listing(built(residual(op("relu")), input=(2,))).splitlines() == [
        "%0 = input  float32[1, 2]",
        "%1 = relu(%0)  float32[1, 2]",
        "%2 = add(%1, %0)  float32[1, 2]",
        "return %2",
    ]


def dead_end(root: Node, *, input: tuple[int, ...] = (4, 6, 6)) -> str | None:
    return derive(replace(search_space(root, input=input), ahead=False), last).dead_end


@pytest.mark.parametrize(
    ("body", "ends"),
    [
        (op("conv2d", out=8, kernel=1), r"float32[1, 4, 6, 6] and float32[1, 8, 6, 6]"),
        (op("conv2d", out=1, kernel=1), r"float32[1, 4, 6, 6] and float32[1, 1, 6, 6]"),
        (op("cast", dtype="float64"), r"float32[1, 4, 6, 6] and float64[1, 4, 6, 6]"),
        (op("global_avg_pool"), r"float32[1, 4, 6, 6] and float32[1, 4]"),
    ],
)
def test_a_residual_of_two_types_is_a_dead_end(body: Node, ends: str) -> None:
    assert dead_end(residual(body, project=False)) == f"a residual connection adds values of one type; it has {ends}"


def test_a_call_that_no_rule_accepts_is_a_dead_end_with_the_rules_reason() -> None:
    assert dead_end(op("conv2d", out=4, kernel=7)) == (
        "conv2d requires H + 2*padding >= dilation*(kernel - 1) + 1; got H=6, dilation=1, kernel=7, padding=0"
    )


@pytest.mark.parametrize(
    "mixing",
    [op("softmax", dim=0), op("flip", dim=choose(1, 0)), op("transpose", first=0, second=1), op("squeeze", dim=0)],
)
def test_an_operator_along_the_batch_is_a_dead_end(mixing: Node) -> None:
    reason = dead_end(mixing)

    assert reason is not None
    assert reason.endswith("along dimension 0 would mix the samples of a batch")


def test_a_mistake_in_an_operator_is_the_callers() -> None:
    with pytest.raises(UserError, match="no operator 'conv2'"):
        dead_end(op("conv2", out=4))
    with pytest.raises(UserError, match="relu takes no attributes; got operator"):
        dead_end(op("relu", operator=1))


TWIN: dict[str, Any] = {"relu()": op("tanh")}
REFUSALS: list[tuple[Callable[[], object], str]] = [
    (lambda: choose(), "choose needs at least one option; got none"),
    (lambda: choose(1, 3, 1), "choose needs options that differ; got 1, 3, 1"),
    (lambda: choose(1, True), "choose needs options that differ; got 1, True"),
    (lambda: choose(1, 1.0), "choose needs options that differ; got 1, 1.0"),
    (lambda: choose([1, 3]), r"one by one: choose\(3, 5\); got \[1, 3\]"),  # type: ignore[arg-type]
    (lambda: choose((1, 3), (3, 5)), r"one by one: choose\(3, 5\); got \(1, 3\), \(3, 5\)"),  # type: ignore[arg-type]
    (lambda: choose(1, None), r"choose takes numbers, words and booleans .*; got 1, None"),  # type: ignore[arg-type]
    (lambda: choose(0.5, float("nan")), "choose takes numbers, words and booleans .*; got 0.5, nan"),
    (lambda: any_of(), "any_of needs at least one branch; got none"),
    (lambda: any_of(op("relu"), **TWIN), r"two branches labelled 'relu\(\)'"),
    (lambda: any_of(op("relu"), "tanh"), "any_of takes nodes such as .*; got 'tanh'"),  # type: ignore[arg-type]
    (lambda: any_of(a="tanh"), "any_of takes nodes such as .*; got 'tanh'"),  # type: ignore[arg-type]
    (lambda: chain(op("relu"), None), "chain takes nodes such as .*; got None"),  # type: ignore[arg-type]
    (lambda: chain([op("relu")]), "chain takes nodes such as .*; got "),  # type: ignore[arg-type]
    (lambda: optional("relu"), "optional takes nodes such as .*; got 'relu'"),  # type: ignore[arg-type]
    (lambda: residual(choose(1, 2)), "residual takes nodes such as .*; got Choice"),  # type: ignore[arg-type]
    (lambda: repeat("relu", 2), "repeat takes nodes such as .*; got 'relu'"),  # type: ignore[arg-type]
    (lambda: repeat(op("relu"), -1), "repeat needs counts that are integers of at least 0; got -1"),
    (lambda: repeat(op("relu"), True), "repeat needs counts that are integers of at least 0; got True"),
    (lambda: repeat(op("relu"), 2.0), "counts that are integers of at least 0; got 2.0"),  # type: ignore[arg-type]
    (lambda: repeat(op("relu"), choose(1, -2)), "counts that are integers of at least 0; got 1, -2"),
    (lambda: repeat(op("relu"), choose("two", 2)), "counts that are integers of at least 0; got 'two', 2"),
    (lambda: search_space("relu", input=(4,)), r"a space's tree is a node such as op\(...\)"),  # type: ignore[arg-type]
    (lambda: search_space(op("relu"), input=()), r"the shape of one sample, sizes of at least 1; got \(\)"),
    (lambda: search_space(op("relu"), input=(3, 0)), r"the shape of one sample, sizes of at least 1; got \(3, 0\)"),
    (lambda: search_space(op("relu"), input=(3, 2.5)), r"sizes of at least 1; got \(3, 2.5\)"),  # type: ignore[arg-type]
    (lambda: search_space(op("relu"), input=(True,)), r"sizes of at least 1; got \(True,\)"),
    (lambda: search_space(op("relu"), input=8), "the shape of one sample, sizes of at least 1; got 8"),  # type: ignore[arg-type]
    (
        lambda: search_space(op("relu"), input=(4,), dtype="half"),
        "a space's dtype must be one of float32, .*; got 'half'",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSALS)
def test_a_mistake_in_a_tree_is_refused_where_it_is_made(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


def test_two_choices_of_one_name_in_one_place_are_refused() -> None:
    with pytest.raises(UserError, match="two choices of one name among n, n"):
        op("conv2d", out=choose(1, 2, name="n"), kernel=choose(1, 2, name="n"))


@given(space=tree_spaces())
def test_every_node_has_its_line(space: TreeSpace) -> None:
    lines = space.text().splitlines()

    assert lines[0] == f"input {TensorType((1, 4, 6, 6))}"
    assert all(line.strip() for line in lines)


def test_a_space_is_a_space() -> None:
    checked: Space = EVERYTHING

    assert checked.text().startswith("input float32[1, 3, 12, 12]")
