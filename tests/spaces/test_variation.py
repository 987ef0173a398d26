"""Children, neighbours and distances, against what brute force finds in small spaces and the laws of a metric."""

from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces import sampling
from archsmith.spaces.checking import blinded
from archsmith.spaces.decisions import Decision, Derivation, Label, Space, Steps, Trace, replay
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.features import plain
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, shared
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import search_space
from archsmith.spaces.variation import crossover, distance, graph_distance, neighbours
from tests.spaces.leaves import CLOSED, COUPLED, DENSE, TIGHT
from tests.spaces.ties import TIES
from tests.strategies import GROWTH, derivations, graphs, tree_spaces

SPACES: dict[str, Space] = {"dense": DENSE, "tight": TIGHT, "coupled": COUPLED, **TIES}
FLAT = search_space(
    chain(
        op("conv2d", out=choose(2, 4, 6), kernel=choose(1, 2, 3), groups=choose(1, 2)),
        op("max_pool2d", kernel=choose(1, 2, 3)),
        op("group_norm", groups=choose(1, 3)),
    ),
    input=(2, 3, 3),
)
"""Every walk asks the same, and many are dead ends."""

LADDER = search_space(
    op("conv2d", out=choose(1, 2, 3, 4, 5), kernel=choose(1, 3), padding=choose("same", 0, 1)), input=(2, 3, 3)
)


class Late:
    """Asks a last question only where two answers are both yes."""

    def walk(self) -> Steps[Graph]:
        builder = Builder(DECLARED)
        x = builder.input(TensorType((1, 4)))
        first = yield Decision("first", (False, True))
        second = yield Decision("second", (False, True))
        if first and second:
            width = yield Decision("width", (1, 2, 3), ordered=True, weights=(1, 1, 0))
            x = builder.add("linear", x, out=int(width))
        return builder.finish(builder.add("relu", x))

    def text(self) -> str:
        return "a question that hangs on two"


def spaces() -> SearchStrategy[Space]:
    return st.one_of(tree_spaces(), st.sampled_from([GROWTH, TIGHT, *TIES.values()]))


# Children


@settings(max_examples=150)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_child_is_valid_and_answers_as_a_parent_does_wherever_it_can(data: st.DataObject, seed: int) -> None:
    space = data.draw(spaces())
    mother, father = data.draw(derivations(space)), data.draw(derivations(space))
    child = crossover(space, mother.trace, father.trace, Random(seed))

    assert child.graph is not None
    assert replay(space, child.trace) == child
    for decision, (name, label) in zip(child.asked, child.trace.answers, strict=True):
        given = {parent.trace.as_dict().get(name) for parent in (mother, father)} & set(decision.options)
        assert label in given or not given


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_child_of_equal_parents_equals_them(data: st.DataObject, seed: int) -> None:
    space = data.draw(spaces())
    parent = data.draw(derivations(space))

    assert crossover(space, parent.trace, parent.trace, Random(seed)) == parent


def test_every_combination_of_answers_is_equally_likely_whatever_their_weights() -> None:
    space = search_space(
        chain(
            op("linear", out=choose(1, 2, 3, weights=(9, 1, 0))),
            optional(op("relu"), probability=0.01),
            any_of(op("tanh"), op("silu")),
        ),
        input=(4,),
    )
    mother = Trace.of({"0/linear.out": 1, "1/optional": False, "2/any_of": "tanh()"})
    father = Trace.of({"0/linear.out": 3, "1/optional": True, "2/any_of": "silu()"})
    rng = Random(0)
    children = [crossover(space, mother, father, rng).trace for _ in range(1_600)]

    assert len(set(children)) == 8
    assert all(150 < children.count(child) < 250 for child in set(children))


def test_what_belongs_to_a_branch_comes_with_the_branch() -> None:
    cell = op("conv2d", out=choose(1, 2, 3), kernel=choose(1, 3))
    space = search_space(any_of(a=cell, b=cell), input=(2, 5, 5))
    mother = Trace.of({"any_of": "a", "any_of=a/conv2d.out": 2, "any_of=a/conv2d.kernel": 1})
    father = Trace.of({"any_of": "b", "any_of=b/conv2d.out": 3, "any_of=b/conv2d.kernel": 3})
    rng = Random(0)

    assert {crossover(space, mother, father, rng).trace for _ in range(30)} == {mother, father}


def test_what_no_parent_answers_is_drawn_as_sampling_draws() -> None:
    mother, father = Trace.of({"first": True, "second": False}), Trace.of({"first": False, "second": True})
    rng = Random(0)
    children = [crossover(Late(), mother, father, rng).trace.as_dict() for _ in range(200)]

    assert {child["width"] for child in children if "width" in child} == {1, 2}
    assert {(child["first"], child["second"]) for child in children} == {
        (first, second) for first in (False, True) for second in (False, True)
    }


def test_dead_ends_between_the_parents_are_walked_around() -> None:
    def equal(out: int) -> Trace:
        return Trace.of({"0/conv2d.out": out, "1/residual/conv2d.out": out})

    rng = Random(0)

    assert {crossover(COUPLED, equal(2), equal(4), rng).trace for _ in range(50)} == {equal(2), equal(4)}


def test_too_many_dead_ends_give_a_parent_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "ATTEMPTS", 1)
    mother, father = (found.trace for found in islice(architectures(COUPLED), 2))
    rng = Random(0)

    assert {crossover(COUPLED, mother, father, rng).trace for _ in range(50)} == {mother, father}


def test_parents_of_another_space_give_what_they_can() -> None:
    mother = Trace.of({"0/conv2d.out": 3, "1/residual/conv2d.out": 2})
    father = Trace.of({"0/conv2d.out": 64, "elsewhere": 1})

    for seed in range(10):
        child = crossover(COUPLED, mother, father, Random(seed))
        assert child.graph is not None
    with pytest.raises(UserError, match="^no architecture of this space is valid"):
        crossover(CLOSED, mother, father, Random(0))


def test_the_same_seed_has_the_same_children() -> None:
    mother, father = sample(GROWTH, Random(1)).trace, sample(GROWTH, Random(2)).trace

    assert crossover(GROWTH, mother, father, Random(3)) == crossover(GROWTH, mother, father, Random(3))


# Neighbours


def changes(before: Trace, after: Trace) -> set[str]:
    old, new = before.as_dict(), after.as_dict()
    return {name for name in old.keys() & new.keys() if old[name] != new[name]}


@pytest.mark.parametrize("space", [blinded(FLAT), blinded(COUPLED)], ids=["flat", "coupled"])
def test_where_all_is_always_asked_neighbours_are_all_that_differ_in_one_answer(space: Space) -> None:
    every = [found.trace for found in architectures(space)]

    for trace in every:
        expected = {other for other in every if len(changes(trace, other)) == 1}
        found = [neighbour.trace for neighbour in neighbours(space, trace)]
        assert set(found) == expected
        assert len(found) == len(expected)


def kept(found: Derivation, answers: dict[str, Label]) -> bool:
    """Whether these answers are given wherever they are options."""
    return all(
        label == answers.get(name, label) or answers[name] not in decision.options
        for decision, (name, label) in zip(found.asked, found.trace.answers, strict=True)
    )


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_neighbours_are_the_first_architectures_with_one_answer_changed_and_all_others_kept(space: Space) -> None:
    every = list(architectures(space))
    for old in every[:: max(1, len(every) // 8)]:
        given = old.trace.as_dict()
        expected = []
        for decision in old.asked:
            for option in decision.options:
                answers = given | {decision.name: option}
                if answers != given:
                    expected += list(islice((found for found in every if kept(found, answers)), 1))

        assert list(neighbours(space, old.trace)) == expected


@given(data=st.data())
def test_neighbours_are_valid_and_different_and_change_one_answer(data: st.DataObject) -> None:
    space = data.draw(spaces())
    old = data.draw(derivations(space))
    given = old.trace.as_dict()
    found = list(islice(neighbours(space, old.trace), 30))

    assert len({old.trace, *(neighbour.trace for neighbour in found)}) == len(found) + 1
    for neighbour in found:
        assert neighbour.graph is not None
        assert replay(space, neighbour.trace) == neighbour
        changed = [
            name
            for decision, (name, label) in zip(neighbour.asked, neighbour.trace.answers, strict=True)
            if given.get(name, label) != label and given[name] in decision.options
        ]
        assert len(changed) == 1


def test_new_decisions_take_their_first_options_that_lead_somewhere() -> None:
    space = search_space(
        any_of(plain=op("relu"), pooled=op("max_pool1d", kernel=choose(9, 3, 2)), soft=op("tanh")), input=(1, 3)
    )

    assert [found.trace.as_dict() for found in neighbours(space, Trace.of({"any_of": "plain"}))] == [
        {"any_of": "pooled", "any_of=pooled/max_pool1d.kernel": 3},
        {"any_of": "soft"},
    ]


def test_steps_bound_how_far_ordered_decisions_go() -> None:
    trace = Trace.of({"conv2d.out": 4, "conv2d.kernel": 1, "conv2d.padding": "same"})

    def reached(name: str, steps: int | None) -> list[Label]:
        found = (neighbour.trace.as_dict()[name] for neighbour in neighbours(LADDER, trace, steps=steps))
        return [label for label in found if label != trace.as_dict()[name]]

    assert [reached("conv2d.out", steps) for steps in (1, 2, None)] == [[3, 5], [2, 3, 5], [1, 2, 3, 5]]
    assert [reached("conv2d.padding", steps) for steps in (1, None)] == [[0, 1], [0, 1]]


def test_steps_and_traces_that_make_no_sense_are_refused() -> None:
    trace = sample(LADDER, Random(0)).trace

    with pytest.raises(UserError, match="^steps must be at least 1; got 0$"):
        next(neighbours(LADDER, trace, steps=0))
    with pytest.raises(UserError, match="it is of another space$"):
        next(neighbours(DENSE, trace))


# Distances


def traces() -> SearchStrategy[Trace]:
    labels: SearchStrategy[Label] = st.sampled_from([1, 2, "a"])
    return st.dictionaries(st.sampled_from("pqrs"), labels).map(Trace.of)


@pytest.mark.parametrize("normalised", [False, True])
@settings(max_examples=300)
@given(traces(), traces(), traces())
def test_the_distance_of_traces_is_a_metric(normalised: bool, first: Trace, second: Trace, third: Trace) -> None:
    def apart(one: Trace, other: Trace) -> float:
        return distance(one, other, normalised=normalised)

    assert apart(first, second) == apart(second, first)
    assert (apart(first, second) == 0) == (first.as_dict() == second.as_dict())
    assert apart(first, third) <= apart(first, second) + apart(second, third) + 1e-12


@given(traces(), traces())
def test_normalised_distances_are_1_where_nothing_is_common(first: Trace, second: Trace) -> None:
    apart = distance(first, second, normalised=True)

    assert 0 <= apart <= 1
    assert (apart == 1) == (set(first.answers).isdisjoint(second.answers) and bool(first.answers + second.answers))


def test_distances_count_what_is_answered_otherwise_or_by_one_only() -> None:
    first = Trace.of({"depth": 2, "width": 8, "pool": True})
    second = Trace.of({"width": 16, "pool": True, "pool/kernel": 3, "pool/stride": 2})

    assert distance(first, second) == 4
    assert distance(first, second, normalised=True) == 4 / 5
    assert distance(Trace(), Trace(), normalised=True) == 0


def test_neighbours_are_at_distance_1_where_all_is_always_asked() -> None:
    trace = sample(FLAT, Random(0)).trace

    assert {distance(trace, neighbour.trace) for neighbour in neighbours(blinded(FLAT), trace)} == {1}


@settings(max_examples=100)
@given(graphs(), graphs(), graphs())
def test_the_distance_of_graphs_is_a_pseudometric_from_0_to_1(first: Graph, second: Graph, third: Graph) -> None:
    apart = graph_distance(first, second)

    assert apart == graph_distance(second, first)
    assert 0 <= apart <= 1
    assert graph_distance(first, first) == 0
    assert graph_distance(first, third) <= apart + graph_distance(second, third) + 1e-12


def layers(*names: str) -> Graph:
    found = sample(search_space(chain(*map(op, names)), input=(4,)), Random(0)).graph
    assert found is not None
    return found


def test_the_distance_of_graphs_is_the_share_of_labels_that_is_not_common() -> None:
    """Without rounds input and output are common of 4; a round adds an input that is, and 4 labels that are not."""
    first, second = layers("relu"), layers("tanh")

    assert graph_distance(first, second, rounds=0, word=plain) == 2 / 4
    assert graph_distance(first, second, rounds=1, word=plain) == 6 / 9


def test_more_changed_layers_are_further_away() -> None:
    here = layers("relu", "tanh", "relu", "tanh")
    one, two = layers("relu", "tanh", "relu", "silu"), layers("gelu", "tanh", "relu", "silu")

    assert 0 < graph_distance(here, one) < graph_distance(here, two) < 1


def branched(names: tuple[str, str]) -> Graph:
    builder = Builder(DECLARED)
    x = builder.input(TensorType((1, 4)))
    return builder.finish(builder.add("add", *(builder.add(name, x) for name in names)))


def test_branches_in_another_order_are_at_distance_0() -> None:
    first, second = (branched(names) for names in (("relu", "tanh"), ("tanh", "relu")))

    assert first != second
    assert graph_distance(first, second) == 0


def test_steps_are_counted_through_options_that_lead_nowhere_too() -> None:
    width = shared("width", choose(1, 2, 3, 4, 5))
    space = search_space(op("linear", out=width), input=(4,), require="width <= 2 or width == 5")
    near = [found.trace.as_dict()["width"] for found in neighbours(space, Trace.of({"width": 2}), steps=1)]

    assert near == [1]
    assert [found.trace.as_dict()["width"] for found in neighbours(space, Trace.of({"width": 2}))] == [1, 5]
