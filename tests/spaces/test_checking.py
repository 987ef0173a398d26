"""What a check says about a space, compared with all of the space, found by brute force."""

from fractions import Fraction
from math import prod
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.graph.builder import Builder
from archsmith.graph.cost import macs, parameters
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.text import digest
from archsmith.graph.types import TensorType
from archsmith.spaces.checking import REASONS, Spread, check_space, drawn, measured
from archsmith.spaces.decisions import Decision, Derivation, Space, Steps, replay
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, permutation, repeat
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import search_space
from tests.spaces.leaves import CLOSED, COUPLED, DENSE, TIGHT, leaves

EXACT = pytest.mark.parametrize("space", [COUPLED, DENSE, TIGHT], ids=["coupled", "dense", "tight"])


class AsksTwice:
    """A space with a mistake: one name for two questions."""

    def walk(self) -> Steps[Graph]:
        yield Decision("width", (1, 2))
        yield Decision("width", (3, 4))
        builder = Builder(DECLARED)
        return builder.finish(builder.input(TensorType((1, 2))))

    def text(self) -> str:
        return "asks twice"


def chance(leaf: Derivation) -> Fraction:
    """How likely a random walk without weights is to take this way."""
    return Fraction(1, prod(len(decision.options) for decision in leaf.asked))


@EXACT
def test_the_share_of_dead_ends_is_the_chance_of_one(space: Space) -> None:
    exact = float(sum(chance(leaf) for leaf in leaves(space) if leaf.graph is None))
    report = check_space(space, Random(0), walks=4_000)

    assert report.dead_end_share == pytest.approx(exact, abs=0.03)
    assert report.dead_end_share == report.dead_ends / 4_000


@EXACT
def test_costs_and_architectures_are_those_of_the_whole_space(space: Space) -> None:
    graphs = [leaf.graph for leaf in leaves(space) if leaf.graph is not None]
    sizes = [parameters(graph, DECLARED) for graph in graphs]
    work = [macs(graph, DECLARED) for graph in graphs]
    report = check_space(space, Random(0), walks=4_000)

    assert report.architectures == len({digest(graph) for graph in graphs})
    assert report.parameters is not None
    assert (report.parameters.least, report.parameters.most) == (min(sizes), max(sizes))
    assert report.parameters.median in sizes
    assert report.macs is not None
    assert (report.macs.least, report.macs.most) == (min(work), max(work))


def test_reasons_are_grouped_by_the_rule_most_frequent_first() -> None:
    report = check_space(TIGHT, Random(0), walks=1_000)
    rules = {(leaf.dead_end or "").partition(";")[0] for leaf in leaves(TIGHT) if leaf.graph is None}

    assert {reason.rule for reason in report.reasons} == rules
    assert sum(reason.count for reason in report.reasons) == report.dead_ends
    assert [reason.count for reason in report.reasons] == sorted((r.count for r in report.reasons), reverse=True)
    assert all(reason.example.startswith(f"{reason.rule}; ") for reason in report.reasons)


def test_no_more_reasons_are_told_than_can_be_read() -> None:
    tree = any_of(*(chain(op("flatten"), op("softmax", dim=dim)) for dim in range(2, 2 + 2 * REASONS)))
    report = check_space(search_space(tree, input=(4,)), Random(0), walks=500)

    assert report.dead_ends == 500
    assert len(report.reasons) <= REASONS


def test_a_space_without_architectures_has_no_costs() -> None:
    report = check_space(CLOSED, Random(0), walks=20)

    assert (report.walks, report.dead_ends, report.architectures) == (20, 20, 0)
    assert (report.parameters, report.macs, report.without_effect) == (None, None, ())
    assert [(reason.rule, reason.count) for reason in report.reasons] == [
        ("max_pool2d requires H + 2*padding >= kernel", 20)
    ]


def test_a_space_of_one_architecture_is_all_of_one_size() -> None:
    report = check_space(search_space(op("linear", out=2), input=(8,)), Random(0), walks=3)

    assert report.parameters == Spread(18, 18, 18)
    assert report.macs == Spread(16, 16, 16)
    assert (report.architectures, report.dead_ends, report.reasons) == (1, 0, ())


def test_a_decision_with_one_option_everywhere_is_never_asked() -> None:
    tree = chain(op("linear", out=choose(4)), any_of(op("relu"), name="activation"), op("linear", out=choose(1, 2)))
    report = check_space(search_space(tree, input=(8,)), Random(0), walks=5)

    assert report.never_asked == ("0/linear.out", "1/activation")


def test_a_decision_that_is_asked_in_some_walks_is_not_among_the_never_asked() -> None:
    space = search_space(permutation(op("relu"), op("tanh")), input=(8,))

    assert check_space(space, Random(0), walks=5).never_asked == ("permutation.1",)


def test_decisions_that_change_nothing_are_told() -> None:
    tree = chain(
        op("conv2d", out=choose(2, 3), kernel=3, padding=choose("same", 1)),
        optional(repeat(op("relu"), 0)),
        any_of(op("relu"), op("tanh")),
    )
    report = check_space(search_space(tree, input=(1, 8, 8)), Random(0), walks=50)

    assert report.without_effect == ("0/conv2d.padding", "1/optional")


def test_a_decision_that_matters_in_one_branch_only_has_an_effect() -> None:
    """The kernel's padding "same" and 1 are equal for a kernel of 3, and differ for one of 5."""
    conv = op("conv2d", out=2, kernel=choose(3, 5), padding=choose("same", 1))
    report = check_space(search_space(conv, input=(1, 8, 8)), Random(0), walks=50)

    assert report.without_effect == ()


def test_a_decision_whose_other_answers_are_all_dead_ends_is_not_called_idle() -> None:
    assert check_space(COUPLED, Random(0), walks=500).without_effect == ()


def test_progress_is_told_after_every_walk() -> None:
    told: list[int] = []
    check_space(DENSE, Random(0), walks=4, walked=told.append)

    assert told == [1, 2, 3, 4]


def test_no_walk_is_no_check() -> None:
    with pytest.raises(ValueError, match="at least 1 walk; got 0"):
        check_space(DENSE, Random(0), walks=0)


def test_a_mistake_in_the_space_is_the_users() -> None:
    with pytest.raises(UserError, match="'width' is asked twice in one walk"):
        check_space(AsksTwice(), Random(0), walks=1)


@given(seed=st.integers(0, 1 << 32))
@settings(deadline=None, max_examples=20)
def test_the_same_seed_finds_the_same(seed: int) -> None:
    assert check_space(TIGHT, Random(seed), walks=30) == check_space(TIGHT, Random(seed), walks=30)


def test_a_drawn_architecture_depends_on_seed_and_number_alone() -> None:
    def draw(rng: Random) -> Derivation:
        return sample(TIGHT, rng)

    rows = [drawn(draw, seed=3, number=number) for number in range(8)]

    assert drawn(draw, seed=3, number=5) == rows[5]
    assert len({row.digest for row in rows}) > 1
    assert {row.trace for row in rows} != {drawn(draw, seed=4, number=number).trace for number in range(8)}


def test_what_is_drawn_is_measured() -> None:
    graph = sample(DENSE, Random("3/2")).graph
    assert graph is not None
    row = drawn(lambda rng: sample(DENSE, rng), seed=3, number=2)

    assert (row.number, row.graph, row.digest) == (2, graph, digest(graph))
    assert (row.parameters, row.macs) == (parameters(graph, DECLARED), macs(graph, DECLARED))
    assert replay(DENSE, row.trace).graph == graph


def test_a_dead_end_has_no_cost() -> None:
    dead = next(leaf for leaf in leaves(COUPLED) if leaf.graph is None)

    with pytest.raises(ValueError, match="this one is a dead end: a residual connection"):
        measured(0, dead)
