"""Sampling and mutation: never a dead end, never more changed than was meant."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.spaces import sampling
from archsmith.spaces.decisions import Decision, Derivation, Label, Prefix, Space, Trace, derive, randomly
from archsmith.spaces.nodes import any_of, choose, op
from archsmith.spaces.sampling import DeadEnds, feasible, mutate, sample
from archsmith.spaces.space import search_space
from tests.spaces.leaves import CLOSED, COUPLED, DENSE, TIGHT, leaves
from tests.strategies import GROWTH, derivations, tree_spaces

WIDE: list[Space] = [DENSE, TIGHT, GROWTH]
SPACES = pytest.mark.parametrize("space", [DENSE, TIGHT, COUPLED], ids=["dense", "tight", "coupled"])


@SPACES
def test_sampling_reaches_every_architecture_and_no_dead_end(space: Space) -> None:
    rng = Random(0)
    sampled = {sample(space, rng).trace for _ in range(1_000)}

    assert sampled == {leaf.trace for leaf in leaves(space) if leaf.graph is not None}


def test_options_that_all_lead_somewhere_are_equally_likely() -> None:
    rng = Random(0)
    taken = [sample(DENSE, rng).trace.as_dict()["0/repeat.times"] for _ in range(2_000)]

    assert 900 < taken.count(1) < 1_100


@SPACES
def test_what_is_buried_is_dead_and_all_that_is_dead_gets_buried(space: Space) -> None:
    """Once every dead end was met, exactly the options with an architecture behind them are live."""
    ends = leaves(space)
    dead = DeadEnds()
    for leaf in Random(0).sample(ends, len(ends)):
        if leaf.graph is None:
            dead.bury(leaf)
    alive = {
        leaf.trace.answers[:depth] for leaf in ends if leaf.graph is not None for depth in range(len(leaf.trace) + 1)
    }

    for leaf in ends:
        for depth, decision in enumerate(leaf.asked):
            prefix = leaf.trace.answers[:depth]
            lively = tuple(o for o in decision.options if (*prefix, (decision.name, o)) in alive)
            assert dead.live(decision, prefix) == lively
    assert not dead.everything


def test_a_space_without_any_way_through_says_why() -> None:
    with pytest.raises(
        UserError,
        match=r"^no architecture of this space is valid; the last dead end: at 1: max_pool2d requires .* kernel=9",
    ):
        sample(CLOSED, Random(0))


def test_a_space_whose_ways_are_not_found_says_how_many_were_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "ATTEMPTS", 3)

    with pytest.raises(UserError, match="^no valid architecture in 3 walks through this space; the last dead end"):
        feasible(replace(TIGHT, ahead=False), lambda decision, prefix: decision.options[-1])


def test_an_answer_sees_only_options_that_are_not_known_to_be_dead() -> None:
    asked: list[Decision] = []

    def stubborn(decision: Decision, prefix: Prefix) -> Label:
        asked.append(decision)
        return decision.options[-1]

    found = feasible(replace(COUPLED, ahead=False), stubborn)

    assert found.trace.as_dict() == {"0/conv2d.out": 4, "1/residual/conv2d.out": 4}
    assert [len(decision.options) for decision in asked] == [3, 3]


def changed(before: Trace, after: Derivation) -> set[str]:
    """The decisions that were answered otherwise although they could have been answered as before."""
    old = before.as_dict()
    return {
        decision.name
        for decision, (_, label) in zip(after.asked, after.trace.answers, strict=True)
        if old.get(decision.name, label) != label and old[decision.name] in decision.options
    }


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_mutation_changes_one_decision_and_what_hangs_on_it(data: st.DataObject, seed: int) -> None:
    space = data.draw(st.sampled_from(WIDE))
    before = data.draw(derivations(space))
    after = mutate(space, before.trace, Random(seed))

    assert after.graph is not None
    assert len(changed(before.trace, after)) == 1


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_mutation_is_another_architecture_wherever_there_is_one(data: st.DataObject, seed: int) -> None:
    space = data.draw(tree_spaces())
    before = data.draw(derivations(space))
    after = mutate(space, before.trace, Random(seed))

    assert after.graph is not None
    if after.trace == before.trace:
        assert [leaf.trace for leaf in leaves(space) if leaf.graph is not None] == [before.trace]


def test_every_single_change_can_be_a_mutation() -> None:
    before = sample(DENSE, Random(0)).trace
    rng = Random(0)
    mutated = {name for _ in range(300) for name in changed(before, mutate(DENSE, before, rng))}

    assert mutated == set(before.as_dict())


def test_coupled_decisions_are_changed_together() -> None:
    before = feasible(COUPLED, lambda decision, prefix: decision.options[0]).trace
    rng = Random(0)
    reached = {mutate(COUPLED, before, rng).trace.answers for _ in range(50)}

    assert reached == {(("0/conv2d.out", out), ("1/residual/conv2d.out", out)) for out in (3, 4)}


def test_a_mutation_looks_behind_the_change_until_it_finds_what_is_valid() -> None:
    pooled = op("max_pool1d", kernel=choose(9, 8, 7, 6, 5, 4, 3, 2))
    either = search_space(any_of(plain=op("relu"), pooled=pooled), input=(1, 2))
    found = {mutate(either, Trace((("any_of", "plain"),)), Random(seed)).trace for seed in range(20)}

    assert found == {Trace((("any_of", "pooled"), ("any_of=pooled/max_pool1d.kernel", 2)))}


def test_a_space_of_one_architecture_gives_that_one_back() -> None:
    alone = search_space(op("linear", out=2), input=(4,))
    narrow = search_space(op("conv1d", out=1, kernel=choose(2, 3)), input=(1, 2))

    assert mutate(alone, Trace(), Random(0)).trace == Trace()
    assert mutate(narrow, Trace((("conv1d.kernel", 2),)), Random(0)).trace == Trace((("conv1d.kernel", 2),))


def test_the_same_seed_draws_the_same() -> None:
    def drawn(space: Space) -> list[Trace]:
        rng = Random(7)
        trace = sample(space, rng).trace
        return [trace, mutate(space, trace, rng).trace, derive(space, randomly(rng)).trace]

    for each in WIDE:
        assert drawn(each) == drawn(each)
