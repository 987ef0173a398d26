"""Traces for searchers: valid and as asked, on trees without building anything and on any other space by walks."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.spaces.decisions import Decision, Label, Prefix, Space, Trace, randomly, replay
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.proposals import (
    answer_trace,
    cross_traces,
    draw_trace,
    identity_of,
    mutate_trace,
    neighbour_traces,
    uniform_draw,
)
from archsmith.spaces.variation import neighbours
from tests.search.small_spaces import COMMUTING, CONDITIONAL, TRAINED, TREELESS, TWINS, Counted
from tests.spaces.leaves import CLOSED, COUPLED, DENSE, TIGHT
from tests.spaces.treeless import Shrinking
from tests.strategies import GROWTH

TREES = {"dense": DENSE, "tight": TIGHT, "coupled": COUPLED, "conditional": CONDITIONAL}
SPACES: dict[str, Space] = {**TREES, "growth": GROWTH, "treeless": TREELESS}
EVERY = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
NONE = Shrinking(2, kernels=(3, 4))
"""No image is that large."""


def valid(space: Space, trace: Trace) -> bool:
    found = replay(space, trace)
    return found.graph is not None and found.trace == trace


@EVERY
def test_what_is_drawn_mutated_answered_or_crossed_is_valid(space: Space) -> None:
    rng = Random(0)
    for _ in range(20):
        mother, father = draw_trace(space, rng), draw_trace(space, rng)
        child = cross_traces(space, mother, father, rng)
        answered = answer_trace(space, randomly(rng)).trace

        assert all(valid(space, trace) for trace in (mother, mutate_trace(space, mother, rng), child, answered))


@EVERY
def test_what_was_asked_fits_the_trace(space: Space) -> None:
    walked = answer_trace(space, randomly(Random(1)))

    assert [decision.name for decision in walked.asked] == [name for name, _ in walked.trace.answers]
    assert all(
        label in decision.options for decision, (_, label) in zip(walked.asked, walked.trace.answers, strict=True)
    )


def test_only_open_questions_are_put() -> None:
    def answer(decision: Decision, prefix: Prefix) -> Label:
        assert len(decision.options) > 1
        return decision.options[-1]

    for space in SPACES.values():
        answer_trace(space, answer)


def test_what_turned_out_to_lead_nowhere_is_not_among_what_was_asked() -> None:
    """Poolings of 4 and then 3 take more than an image of 4 has; 4 and then 1 does fit."""
    walked = answer_trace(TREELESS, lambda decision, _: decision.options[-1])

    assert walked.trace.as_dict() == {"depth": 2, "kernel0": 4, "kernel1": 1}
    assert walked.asked[-1].options == (1,)
    assert walked.asked[-1].everywhere == (1, 2, 3, 4)


@pytest.mark.parametrize("space", [CLOSED, NONE], ids=["tree", "treeless"])
def test_a_space_without_any_architecture_says_so(space: Space) -> None:
    for propose in (
        lambda: draw_trace(space, Random(0)),
        lambda: answer_trace(space, lambda decision, _: decision.options[0]),
    ):
        with pytest.raises(UserError, match="no architecture of this space is valid"):
            propose()


# Crossover


@given(seed=st.integers(0, 2**32), name=st.sampled_from(sorted(TREES)))
def test_a_child_has_the_answers_of_its_parents_where_one_of_them_was_possible(seed: int, name: str) -> None:
    space, rng = TREES[name], Random(seed)
    mother, father = draw_trace(space, rng), draw_trace(space, rng)
    walked = replay(space, cross_traces(space, mother, father, rng))
    for decision, (answered, label) in zip(walked.asked, walked.trace.answers, strict=True):
        possible = {parent.as_dict().get(answered) for parent in (mother, father)} & set(decision.options)

        assert label in possible or not possible


def test_each_parent_is_as_likely() -> None:
    mother, father = (Trace((("0/linear.out", out), ("1/linear.out", out), ("2/linear.out", out))) for out in (2, 4))
    rng = Random(0)
    labels = Counter(label for _ in range(200) for _, label in cross_traces(COMMUTING, mother, father, rng).answers)

    assert set(labels) == {2, 4}
    assert 250 < labels[2] < 350


# Neighbours


@pytest.mark.parametrize(
    "space", [DENSE, TIGHT, COUPLED, CONDITIONAL], ids=["dense", "tight", "coupled", "conditional"]
)
def test_neighbours_are_those_that_walks_find(space: Space) -> None:
    for seed in range(5):
        trace = draw_trace(space, Random(seed))

        assert neighbour_traces(space, trace) == [found.trace for found in neighbours(space, trace)]


def test_neighbours_without_a_tree_are_valid_and_one_change_away() -> None:
    every = {found.trace for found in architectures(TREELESS)}
    for trace in every:
        near = neighbour_traces(TREELESS, trace)
        expected = {
            other
            for other in every - {trace}
            if len(trace) == len(other) and sum(a != b for a, b in zip(trace.answers, other.answers, strict=True)) == 1
        }

        assert trace not in near
        assert len(near) == len(set(near))
        assert set(near) >= expected  # and those where another answer had to give way
        assert all(valid(TREELESS, other) for other in near)


def test_the_order_of_answers_does_not_matter() -> None:
    trace = draw_trace(CONDITIONAL, Random(2))
    turned = Trace(trace.answers[::-1])

    assert neighbour_traces(CONDITIONAL, turned) == neighbour_traces(CONDITIONAL, trace)
    assert cross_traces(CONDITIONAL, turned, turned, Random(0)) == trace


# Identity and counts


def test_one_network_is_one_identity_whatever_its_traces() -> None:
    identities = {identity_of(TWINS, found.trace) for found in architectures(TWINS)}

    assert len(identities) == 8


def test_a_recipe_is_part_of_the_identity() -> None:
    assert len({identity_of(TRAINED, found.trace) for found in architectures(TRAINED)}) == 8


def test_a_space_says_itself_what_is_alike() -> None:
    one, other = (
        Trace(tuple((f"{place}/linear.out", out) for place, out in enumerate(outs))) for outs in ((2, 3, 4), (4, 2, 3))
    )

    assert identity_of(COMMUTING, one) == identity_of(COMMUTING, other)


def test_without_a_tree_the_answers_are_the_identity_in_any_order() -> None:
    trace = draw_trace(TREELESS, Random(0))

    assert identity_of(TREELESS, trace) == identity_of(TREELESS, Trace(trace.answers[::-1]))
    assert len({identity_of(TREELESS, found.trace) for found in architectures(TREELESS)}) == 14


def test_what_draws_uniformly_is_handed_through_a_space_around_another() -> None:
    drawn = Counter(len(uniform_draw(Counted(CONDITIONAL))(Random(seed))) for seed in range(50))

    assert drawn == Counter(len(uniform_draw(CONDITIONAL)(Random(seed))) for seed in range(50))


def test_a_space_without_a_tree_cannot_be_counted() -> None:
    with pytest.raises(UserError, match="only a space made by search_space can be counted"):
        uniform_draw(TREELESS)


def test_a_tree_builds_nothing_for_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archsmith.spaces.space.Builder", None)
    rng = Random(0)
    mother, father = draw_trace(DENSE, rng), draw_trace(DENSE, rng)

    assert mutate_trace(DENSE, mother, rng) != mother
    assert neighbour_traces(DENSE, cross_traces(DENSE, mother, father, rng))
    assert identity_of(DENSE, mother) != identity_of(DENSE, father)
    with pytest.raises(TypeError):
        replay(DENSE, mother)
