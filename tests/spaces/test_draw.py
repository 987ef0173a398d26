"""Draws and mutations of a tree's space: of valid traces alone, by their weights, a decision at a time."""

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.spaces.counting import count
from archsmith.spaces.decisions import Derivation, Label, Trace, replay
from archsmith.spaces.enumeration import architectures, traces
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, residual, shared
from archsmith.spaces.recipe import recipe_of
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.uniform import uniformly
from tests.spaces.leaves import COUPLED, DENSE, TIGHT, leaves
from tests.spaces.ties import TIES
from tests.strategies import tree_spaces

WIDTH = shared("width", choose(8, 16, 32, weights=(1, 2, 5)))
TRAINED = search_space(
    chain(
        op("linear", out=WIDTH), optional(op("dropout", rate=choose(0.1, 0.5)), probability=0.75), op("linear", out=2)
    ),
    input=(4,),
    recipe={
        "learning_rate": choose(0.01, 0.1, weights=(1, 3)),
        "batch_size": 2 * WIDTH,
        "optimizer": choose("adamw", "sgd"),
        "epochs": 3,
    },
    require="width * 1 <= 16",
)
"""Weights, a recipe of which one value hangs on the network, and a constraint."""

SPACES = {
    "dense": DENSE,
    "tight": TIGHT,
    "coupled": COUPLED,
    "trained": TRAINED,
    **{name: space for name, space in TIES.items() if 0 < count(space) <= 200},
}
EVERY = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def valid(space: TreeSpace) -> dict[Trace, Derivation]:
    return {leaf.trace: leaf for leaf in leaves(space) if leaf.graph is not None}


def surprise(taken: Counter[Label], weights: dict[Label, float], number: int) -> float:
    """Chi-squared over the options."""
    whole = sum(weights.values())
    expected = {label: number * weight / whole for label, weight in weights.items()}
    return sum((taken[label] - mean) ** 2 / mean for label, mean in expected.items() if mean)


@EVERY
def test_every_valid_trace_can_be_drawn_and_no_other(space: TreeSpace) -> None:
    rng = Random(0)
    known = valid(space)
    drawn = {space.draw(rng) for _ in range(40 * len(known))}

    assert drawn <= known.keys()
    assert len(drawn) > 0.8 * len(known)


@settings(max_examples=50)
@given(tree_spaces(), st.integers(0, 2**32))
def test_draws_and_mutations_of_any_tree_are_valid_and_depend_on_the_seed_alone(space: TreeSpace, seed: int) -> None:
    assume(count(space))

    def drawn() -> list[Trace]:
        rng = Random(seed)
        trace = space.draw(rng)
        return [trace, space.mutated(trace, rng), space.draw(rng)]

    for trace in drawn():
        found = replay(space, trace)
        assert found.trace == trace
        assert found.graph is not None
    assert drawn() == drawn()
    assert space.draw(Random(seed)) == replace(space).draw(Random(seed))


def test_options_are_drawn_by_their_weights() -> None:
    number = 4_000
    rng = Random(0)
    drawn = [TRAINED.draw(rng).as_dict() for _ in range(number)]
    rates = Counter(trace["1/optional/dropout.rate"] for trace in drawn if trace["1/optional"])

    # chi-squared of one degree of freedom is above 10.8 once in a thousand times
    assert surprise(Counter(trace["width"] for trace in drawn), {8: 1, 16: 2}, number) < 10.8
    assert surprise(Counter(trace["1/optional"] for trace in drawn), {False: 1, True: 3}, number) < 10.8
    assert surprise(Counter(trace["recipe/learning_rate"] for trace in drawn), {0.01: 1, 0.1: 3}, number) < 10.8
    assert surprise(Counter(trace["recipe/optimizer"] for trace in drawn), {"adamw": 1, "sgd": 1}, number) < 10.8
    assert surprise(rates, {0.1: 1, 0.5: 1}, rates.total()) < 10.8


def test_what_weighs_nothing_is_drawn_only_where_all_else_is_dead() -> None:
    parts = any_of(never=op("relu"), dead=op("max_pool2d", kernel=9), also=op("tanh"), weights=(0, 1, 0))
    beside = any_of(never=op("relu"), taken=op("tanh"), weights=(0, 1))
    left, right = (search_space(part, input=(1, 4, 4)) for part in (parts, beside))
    rng = Random(0)

    assert Counter(left.draw(rng).as_dict()["any_of"] for _ in range(200)).keys() == {"never", "also"}
    assert {right.draw(rng).as_dict()["any_of"] for _ in range(50)} == {"taken"}
    assert right.mutated(Trace.of({"any_of": "taken"}), rng).as_dict() == {"any_of": "never"}


def test_weights_hold_among_the_options_that_lead_on() -> None:
    dead: dict[str, Any] = {f"dead{place}": op("max_pool2d", kernel=9) for place in range(3)}
    parts = any_of(**dead, one=op("relu"), three=op("tanh"), weights=(90, 90, 90, 1, 3))
    space, rng = search_space(parts, input=(1, 4, 4)), Random(0)
    taken: Counter[Label] = Counter(space.draw(rng).as_dict()["any_of"] for _ in range(800))

    assert surprise(taken, {"one": 1, "three": 3}, 800) < 10.8
    assert taken.total() == taken["one"] + taken["three"]


def changed(space: TreeSpace, before: Trace, after: Trace) -> list[str]:
    """Decisions that were answered otherwise although the answer of before was offered."""
    old = before.as_dict()
    found = replay(space, after)
    return [
        decision.name
        for decision, (_, label) in zip(found.asked, after.answers, strict=True)
        if old.get(decision.name, label) != label and old[decision.name] in decision.options
    ]


@EVERY
def test_a_mutation_changes_one_decision_and_what_hangs_on_it(space: TreeSpace) -> None:
    rng = Random(0)
    known = valid(space)
    for trace in list(known)[:40]:
        mutated = space.mutated(trace, rng)

        assert mutated in known
        if len(known) == 1:
            assert mutated == trace
        else:
            assert len(changed(space, trace, mutated)) == 1


@pytest.mark.parametrize("name", ["dense", "tight", "trained", "two shared in several places"])
def test_a_mutation_reaches_every_neighbour(name: str) -> None:
    """Every valid trace that differs in one answer, with the same decisions asked."""
    space = SPACES[name]
    known = valid(space)
    for trace in list(known)[:4]:
        old = trace.as_dict()
        neighbours = {
            other
            for other in known
            if other.as_dict().keys() == old.keys()
            and sum(label != old[decision] for decision, label in other.answers) == 1
        }
        rng = Random(0)
        reached = {space.mutated(trace, rng) for _ in range(60 * max(1, len(neighbours)))}

        assert neighbours
        assert neighbours <= reached


def test_decisions_are_mutated_equally_often() -> None:
    before = Trace.of({"width": 8, "1/optional": False, "recipe/learning_rate": 0.1, "recipe/optimizer": "sgd"})
    rng, number = Random(0), 2_000
    taken: Counter[Label] = Counter()
    for _ in range(number):
        taken.update(changed(TRAINED, before, TRAINED.mutated(before, rng)))

    # of three degrees of freedom, chi-squared is above 16.3 once in a thousand times
    assert taken.total() == number
    assert surprise(taken, dict.fromkeys(before.as_dict(), 1), number) < 16.3


def test_what_hangs_on_the_change_is_drawn_anew() -> None:
    """Where a change leaves an answer no way on, that one is changed with it."""
    before = Trace.of({"0/conv2d.out": 2, "1/residual/conv2d.out": 2})
    rng = Random(0)

    assert {COUPLED.mutated(before, rng).answers for _ in range(50)} == {
        (("0/conv2d.out", out), ("1/residual/conv2d.out", out)) for out in (3, 4)
    }


@pytest.mark.parametrize("trace", [Trace(), Trace.of({"0/conv2d.out": 2, "1/residual/conv2d.out": 4})])
def test_a_trace_of_another_space_is_not_mutated(trace: Trace) -> None:
    with pytest.raises(UserError, match="it is of another space"):
        COUPLED.mutated(trace, Random(0))


def test_a_space_of_one_architecture_is_drawn_and_mutated_to_that_one() -> None:
    alone = search_space(op("linear", out=2), input=(4,))
    forced = search_space(residual(op("linear", out=choose(2, 4)), project=False), input=(4,))
    only = Trace.of({"residual/linear.out": 4})

    assert alone.draw(Random(0)) == alone.mutated(Trace(), Random(0)) == Trace()
    assert forced.draw(Random(0)) == forced.mutated(only, Random(0)) == only


@EVERY
def test_traces_are_listed_as_architectures_are(space: TreeSpace) -> None:
    assert list(traces(space.reach)) == [found.trace for found in architectures(space)]


def test_a_recipe_is_drawn_counted_listed_and_mutated_with_the_network() -> None:
    known = valid(TRAINED)
    rng = Random(0)
    recipes = {tuple(recipe_of(TRAINED, found.trace).items()) for found in TRAINED}

    assert count(TRAINED) == len(known) == 2 * (1 + 2) * 2 * 2
    assert len(list(TRAINED)) == len(known)
    assert recipes == {
        (("learning_rate", rate), ("batch_size", size), ("optimizer", name), ("epochs", 3))
        for rate in (0.01, 0.1)
        for size in (16, 32)
        for name in ("adamw", "sgd")
    }
    taken = Counter(uniformly(TRAINED, rng).trace for _ in range(20 * len(known)))
    assert taken.keys() == known.keys()
    assert surprise(Counter(dict(taken)), dict.fromkeys(known, 1.0), taken.total()) < 50  # type: ignore[arg-type]


def test_a_digest_names_the_answers_whatever_their_order() -> None:
    answers: dict[str, Label] = {"0/conv2d.out": 16, "1/optional": True, "rate": 0.1, "any_of": "relu()"}
    trace = Trace.of(answers)
    turned = Trace(tuple(reversed(trace.answers)))

    assert trace.digest() == turned.digest() == "945cd1db3c00df82d45dc2683538217a"
    assert len({Trace.of({**answers, name: 3}).digest() for name in answers} | {trace.digest()}) == 5
    assert Trace.of({"a": 1}).digest() != Trace.of({"a": True}).digest() != Trace.of({"a": "1"}).digest()
    assert Trace().digest() != Trace.of({"a": 1}).digest()
