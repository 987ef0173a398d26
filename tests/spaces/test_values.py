"""Values that a space leaves open: shared ones are one decision, what is computed asks nothing, weights weigh."""

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.spaces.decisions import Decision, Label, Trace, replay
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, parallel, repeat, residual, shared
from archsmith.spaces.sampling import mutate, sample
from archsmith.spaces.space import digest, search_space
from archsmith.spaces.values import SharedValue
from tests.spaces.trees import architectures, asked, attribute, built, dead_end, walked

WIDTH = shared("width", choose(8, 16, 32))


def linear(out: int | SharedValue) -> Any:
    return op("linear", out=out)


def test_a_shared_choice_is_asked_once_and_is_the_same_everywhere() -> None:
    tree = chain(linear(WIDTH), repeat(chain(op("relu"), linear(WIDTH)), 2), any_of(a=linear(WIDTH), b=op("tanh")))

    assert asked(tree, input=(4,)) == ["width", "2/any_of"]
    assert attribute(built(tree, {"width": 32}, input=(4,)), "out") == [32] * 4


def test_a_shared_choice_is_one_decision_though_it_was_made_twice() -> None:
    tree = chain(linear(shared("w", choose(2, 3))), linear(shared("w", choose(2, 3))))

    assert len(architectures(tree, input=(4,))) == 2


def test_a_shared_choice_that_is_only_computed_with_is_asked_too() -> None:
    assert asked(chain(linear(2 * WIDTH), linear(WIDTH // 2)), input=(4,)) == ["width"]


def test_a_shared_choice_may_be_of_words_and_fractions() -> None:
    padding = shared("padding", choose("same", 1))
    rate = shared("rate", choose(0.1, 0.5))
    tree = chain(op("conv2d", out=4, kernel=3, padding=padding), op("dropout", rate=rate), op("dropout", rate=rate))

    assert attribute(built(tree, {"rate": 0.5}), "rate") == [0.5, 0.5]
    assert asked(tree) == ["padding", "rate"]


COMPUTED: list[tuple[Callable[[SharedValue], SharedValue], Callable[[int], int], str]] = [
    (lambda w: w + 3, lambda w: w + 3, "width + 3"),
    (lambda w: 3 + w, lambda w: 3 + w, "3 + width"),
    (lambda w: w - 3, lambda w: w - 3, "width - 3"),
    (lambda w: 40 - w, lambda w: 40 - w, "40 - width"),
    (lambda w: w * 3, lambda w: w * 3, "width*3"),
    (lambda w: 3 * w, lambda w: 3 * w, "3*width"),
    (lambda w: w // 3, lambda w: w // 3, "width//3"),
    (lambda w: 100 // w, lambda w: 100 // w, "100//width"),
    (lambda w: w % 7, lambda w: w % 7, "width % 7"),
    (lambda w: 100 % w, lambda w: 100 % w, "100 % width"),
    (lambda w: w + w, lambda w: w + w, "width + width"),
    (lambda w: w * w // (w - 1), lambda w: w * w // (w - 1), "width*width//(width - 1)"),
    (lambda w: 2 * (w + 1) - w % 3, lambda w: 2 * (w + 1) - w % 3, "2*(width + 1) - width % 3"),
]


@pytest.mark.parametrize(("make", "expected", "told"), COMPUTED, ids=[told for _, _, told in COMPUTED])
def test_arithmetic_on_a_shared_choice_is_python_s(
    make: Callable[[SharedValue], SharedValue], expected: Callable[[int], int], told: str
) -> None:
    layer = linear(make(WIDTH))
    found = {width: attribute(built(layer, {"width": width}, input=(4,)), "out") for width in (8, 16, 32)}

    assert found == {width: [expected(width)] for width in (8, 16, 32)}
    assert str(layer) == f"linear(out={told} where width = choose(8, 16, 32))"


@given(width=st.sampled_from([8, 16, 32]), depth=st.sampled_from([1, 2, 5]), factor=st.integers(1, 9))
def test_two_shared_choices_compute_together(width: int, depth: int, factor: int) -> None:
    layer = linear(factor * WIDTH + shared("depth", choose(1, 2, 5)) * 3)
    found = walked(layer, {"width": width, "depth": depth}, input=(4,))

    assert found.trace.as_dict() == {"width": width, "depth": depth}
    assert found.graph is not None
    assert attribute(found.graph, "out") == [factor * width + depth * 3]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (WIDTH // 0, "8 // 0: the divisor must be positive"),
        (WIDTH % 0, "8 % 0: the divisor must be positive"),
        (WIDTH // -2, "8 // -2: the divisor must be positive"),
        (64 // (WIDTH - 8), "64 // 0: the divisor must be positive"),
        (64 % (WIDTH - 9), "64 % -1: the divisor must be positive"),
        (WIDTH - 8, "linear requires out >= 1; got out=0"),
    ],
)
def test_a_value_that_does_not_exist_is_a_dead_end(value: SharedValue, reason: str) -> None:
    assert dead_end(linear(value), input=(4,)) == reason


def test_sampling_goes_around_values_that_do_not_exist() -> None:
    space = search_space(linear(64 // (WIDTH - 8)), input=(4,))

    assert {sample(space, Random(seed)).trace.as_dict()["width"] for seed in range(30)} == {16, 32}


DEPTH = shared("depth", choose(1, 2, 3))


def test_a_count_may_be_shared_and_computed() -> None:
    tree = chain(repeat(op("relu"), DEPTH), repeat(op("tanh"), DEPTH - 1))
    found = [built(tree, {"depth": depth}) for depth in (1, 2, 3)]

    assert asked(tree) == ["depth"]
    assert [[node.operator for _, node in graph.operators()] for graph in found] == [
        ["relu"],
        ["relu", "relu", "tanh"],
        ["relu", "relu", "relu", "tanh", "tanh"],
    ]


def test_a_computed_count_below_0_is_a_dead_end() -> None:
    tree = repeat(op("relu"), DEPTH - 2)

    assert dead_end(tree, {"depth": 1}) == (
        "repeat takes a count of at least 0; got depth - 2 where depth = choose(1, 2, 3) as -1"
    )
    assert len(architectures(tree)) == 2


TWO_WIDTHS = r"'width' is shared with two meanings: choose\(8, 16, 32\) and choose\(8, 16\)"
OTHER = shared("width", choose(8, 16))
LAYER = shared("width", op("relu"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: WIDTH + OTHER,
        lambda: 2 * WIDTH - OTHER % 3,
        lambda: search_space(chain(linear(WIDTH), linear(OTHER)), input=(4,)),
        lambda: search_space(chain(linear(2 * WIDTH), any_of(op("relu"), linear(1 + OTHER))), input=(4,)),
        lambda: search_space(chain(linear(WIDTH), optional(repeat(op("relu"), OTHER))), input=(4,)),
        lambda: search_space(residual(parallel(linear(WIDTH), shared("block", linear(OTHER)))), input=(4,)),
    ],
)
def test_one_name_with_two_meanings_is_refused_before_anything_is_walked(make: Callable[[], object]) -> None:
    with pytest.raises(UserError, match=TWO_WIDTHS):
        make()


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (linear(shared("width", choose(8, 16, 32, weights=(1, 1, 2)))), r"choose\(.*, weights=\(1.0, 1.0, 2.0\)\)"),
        (linear(shared("width", choose(8, 16, 32, ordered=False))), r"choose\(8, 16, 32, ordered=False\)"),
        (linear(shared("width", choose(32, 16, 8))), r"choose\(32, 16, 8\)"),
        (LAYER, r"relu\(\)"),
    ],
)
def test_a_meaning_is_all_of_what_is_shared(other: Any, told: str) -> None:
    with pytest.raises(UserError, match=rf"'width' is shared with two meanings: choose\(8, 16, 32\) and {told}$"):
        search_space(chain(linear(WIDTH), other), input=(4,))


def test_two_parts_of_one_name_are_refused() -> None:
    parts = shared("block", op("relu")), shared("block", chain(op("relu"), op("tanh")))

    with pytest.raises(UserError, match=r"^at 1: 'block' is shared .*: relu\(\) and chain relu\(\) tanh\(\)$"):
        search_space(chain(*parts), input=(4,))


REFUSALS: list[tuple[Callable[[], object], str]] = [
    (lambda: shared("padding", choose("same", 1)) * 2, r"\* takes whole numbers and shared choices of whole numbers"),
    (lambda: 2 * shared("bias", choose(False, True)), r"\* takes whole numbers .*; got bias where"),
    (lambda: shared("rate", choose(0.1, 0.5)) + 1, r"\+ takes whole numbers .*; got rate where rate = choose\(0.1"),
    (lambda: WIDTH + shared("rate", choose(1, 0.5)), r"\+ takes whole numbers .*; got rate where"),
    (lambda: WIDTH + "8", r"\+ takes whole numbers and shared choices of whole numbers; got 8"),  # type: ignore[operator]
    (lambda: WIDTH / 2, r"whole numbers: write width // 2 for the quotient rounded down"),
    (lambda: WIDTH * 1.5, r"\* takes whole numbers .*; got 1.5"),  # type: ignore[operator]
    (lambda: 1.5 * WIDTH, r"\* takes whole numbers .*; got 1.5"),  # type: ignore[operator]
    (lambda: True + WIDTH, r"\+ takes whole numbers .*; got True"),
    (lambda: WIDTH - choose(1, 2), r"- takes whole numbers .*; got choose\(1, 2\)"),  # type: ignore[operator]
    (lambda: shared("", choose(1, 2)), "has a name of letters, digits and _, such as 'width'; got ''"),
    (lambda: shared("a width", choose(1, 2)), "has a name of letters, digits and _, .*; got 'a width'"),
    (lambda: shared("a/width", op("relu")), "has a name of letters, digits and _, .*; got 'a/width'"),
    (lambda: shared("2nd", choose(1, 2)), "has a name of letters, digits and _, .*; got '2nd'"),
    (lambda: shared(2, choose(1, 2)), "has a name of letters, digits and _, .*; got 2"),  # type: ignore[call-overload]
    (lambda: shared("w", choose(1, 2, name="v")), r"'w' is asked under that name alone; got choose\(1, 2, name='v'\)"),
    (lambda: shared("w", 8), "shared takes nodes such as .*; got 8"),  # type: ignore[call-overload]
    (lambda: repeat(op("relu"), shared("n", choose("a", "b"))), "counts that are integers .*; got 'a', 'b'"),
    (lambda: repeat(op("relu"), shared("n", choose(1, -2))), "counts that are integers of at least 0; got 1, -2"),
    (
        lambda: search_space(op("relu", out=WIDTH), input=(4,)),
        "relu takes no attributes; got out",
    ),
    (
        lambda: search_space(op("linear", out=shared("w", choose("a", "b"))), input=(4,)),
        "linear wants out as int; got 'a'",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSALS)
def test_a_mistake_with_shared_values_is_refused_where_it_is_made(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


def test_a_mutation_of_a_shared_choice_changes_all_its_uses() -> None:
    space = search_space(chain(linear(WIDTH), op("relu"), linear(2 * WIDTH), linear(WIDTH)), input=(4,))
    before = replay(space, Trace.of({"width": 8}))
    found = [mutate(space, before.trace, Random(seed)).graph for seed in range(10)]

    assert {tuple(attribute(graph, "out")) for graph in found if graph is not None} == {(16, 32, 16), (32, 64, 32)}


def shares(options: Sequence[Label], weights: Sequence[float] | None, *, draws: int = 3_000) -> dict[Label, int]:
    """How often each option is sampled, by one draw of each of many seeds."""
    space = search_space(op("linear", out=shared("w", choose(*options, weights=weights))), input=(4,))
    return Counter(sample(space, Random(seed)).trace.as_dict()["w"] for seed in range(draws))


@pytest.mark.parametrize("weights", [None, (1, 1, 1), (1, 2, 5), (0.2, 0.0, 0.6), (10, 1, 1)])
def test_options_are_sampled_as_often_as_their_weights_say(weights: tuple[float, ...] | None) -> None:
    found = shares((1, 2, 3), weights)
    expected = {
        option: 3_000 * weight / sum(weights or (1,) * 3) for option, weight in enumerate(weights or (1,) * 3, 1)
    }
    squares = sum((found.get(o, 0) - often) ** 2 / often for o, often in expected.items() if often)

    assert squares < 13.8, f"chi squared of 2 degrees of freedom exceeds this once in 1000: {found}"
    assert set(found) == {option for option, often in expected.items() if often}


def test_an_option_without_weight_is_never_sampled_and_can_be_replayed() -> None:
    space = search_space(op("linear", out=choose(2, 3, 4, weights=(1, 0, 1))), input=(4,))

    assert {sample(space, Random(seed)).trace.as_dict()["linear.out"] for seed in range(200)} == {2, 4}
    assert replay(space, Trace.of({"linear.out": 3})).graph is not None


def test_an_option_without_weight_is_taken_where_nothing_else_is_left() -> None:
    space = search_space(op("conv2d", out=1, kernel=choose(9, 7, 3, weights=(1, 1, 0))), input=(1, 5, 5))

    assert sample(space, Random(0)).trace.as_dict() == {"conv2d.kernel": 3}


def test_weights_of_dead_options_are_left_out_and_the_others_keep_theirs() -> None:
    space = search_space(op("conv2d", out=1, kernel=choose(1, 3, 9, weights=(1, 3, 96))), input=(1, 5, 5))
    found = Counter(sample(space, Random(seed)).trace.as_dict()["conv2d.kernel"] for seed in range(1_000))

    assert set(found) == {1, 3}
    assert 700 < found[3] < 800


def test_a_narrowed_decision_keeps_the_weights_of_its_options() -> None:
    decision = Decision("a", (1, 2, 3), True, (0.0, 2.0, 0.0))

    assert decision.narrowed((2, 3)) == Decision("a", (2, 3), True, (2.0, 0.0), whole=(1, 2, 3))
    assert decision.narrowed((1, 3)) == Decision("a", (1, 3), True, whole=(1, 2, 3))
    assert Decision("a", (1, 2, 3)).narrowed((1, 3)) == Decision("a", (1, 3), whole=(1, 2, 3))


def test_parts_have_weights_too() -> None:
    space = search_space(
        chain(optional(op("relu"), probability=0.9), any_of(op("relu"), op("silu"), t=op("tanh"), weights=(1, 1, 8))),
        input=(4,),
    )
    found = [sample(space, Random(seed)).trace.as_dict() for seed in range(1_000)]

    assert 870 < sum(bool(trace["0/optional"]) for trace in found) < 930
    assert 760 < sum(trace["1/any_of"] == "t" for trace in found) < 840


@pytest.mark.parametrize(("probability", "taken"), [(0, {False}), (1, {True}), (0.5, {False, True})])
def test_a_probability_of_0_or_1_is_certain(probability: float, taken: set[bool]) -> None:
    space = search_space(optional(op("relu"), probability=probability), input=(4,))

    assert {sample(space, Random(seed)).trace.as_dict()["optional"] for seed in range(50)} == taken


UNWEIGHABLE: list[tuple[Any, int]] = [
    ((0, 0), 2), ((1, -1), 2), ((1,), 2), ((1, 1, 1), 2), ((), 2), ((1, float("nan")), 2), ((1, float("inf")), 2),
    ((1e308, 1e308), 2), (("1", "2"), 2), ("12", 2), (3, 2), ((True, False), 2),
]  # fmt: skip


@pytest.mark.parametrize(("weights", "count"), UNWEIGHABLE, ids=[repr(weights) for weights, _ in UNWEIGHABLE])
def test_weights_are_one_for_each_option_and_not_all_0(weights: Any, count: int) -> None:
    with pytest.raises(UserError, match=f"^choose takes a list of {count} weights of at least 0, not all 0; got "):
        choose(*range(count), weights=weights)
    with pytest.raises(UserError, match=f"^any_of takes a list of {count} weights of at least 0, not all 0; got "):
        any_of(op("relu"), b=op("tanh"), weights=weights)


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan"), "half", True])
def test_a_probability_is_from_0_to_1(probability: Any) -> None:
    with pytest.raises(UserError, match="^optional takes a probability from 0 to 1; got "):
        optional(op("relu"), probability=probability)


def test_spaces_that_share_or_weigh_otherwise_are_told_apart() -> None:
    values: list[Any] = [
        choose(2, 4), choose(2, 4, weights=(1, 1)), choose(2, 4, weights=(1, 2)), choose(2, 4, name="a"),
        shared("a", choose(2, 4)), shared("b", choose(2, 4)), shared("a", choose(2, 4, weights=(1, 2))),
        shared("a", choose(2, 4)) * 2, 2 * shared("a", choose(2, 4)), shared("a", choose(2, 4)) + 2,
    ]  # fmt: skip

    assert len({digest(search_space(linear(value), input=(4,))) for value in values}) == len(values)
