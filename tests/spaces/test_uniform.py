"""Uniform sampling: every architecture as likely as every other, by counts and without rejection."""

from collections import Counter
from collections.abc import Callable
from math import sqrt
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Value
from archsmith.spaces.counting import Counts, count
from archsmith.spaces.decisions import Derivation, replay
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.nodes import any_of, call, chain, choose, op, optional, repeat
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.uniform import one_of, uniformly
from tests.spaces.leaves import CLOSED, COUPLED, DENSE, TIGHT
from tests.spaces.ties import TIES
from tests.strategies import tree_spaces

LOPSIDED = search_space(
    any_of(op("relu"), repeat(op("dropout", rate=choose(0.1, 0.2, 0.5)), choose(1, 2)), op("max_pool2d", kernel=9)),
    input=(4, 6, 6),
)
"""One architecture behind one branch, twelve behind another, none behind the last."""

SPACES = {
    "dense": DENSE,
    "tight": TIGHT,
    "coupled": COUPLED,
    "lopsided": LOPSIDED,
    **{name: space for name, space in TIES.items() if 0 < count(space) <= 300},
}
EACH = 20
"""How often every architecture is expected."""


def surprise(space: TreeSpace, draw: Callable[[Random], Derivation]) -> float:
    """How far the frequencies are from equal: chi-squared, in standard deviations from its mean."""
    every = [found.trace for found in architectures(space)]
    rng = Random(0)
    taken = Counter(draw(rng).trace for _ in range(EACH * len(every)))
    assert taken.keys() <= set(every)
    chi_squared = sum((taken[trace] - EACH) ** 2 / EACH for trace in every)
    freedom = len(every) - 1
    return (chi_squared - freedom) / sqrt(2 * freedom) if freedom else 0.0


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_architecture_is_equally_likely(space: TreeSpace) -> None:
    counted = Counts(space.reach)

    assert abs(surprise(space, lambda rng: one_of(space, counted, rng))) < 3.5


def test_sampling_decision_by_decision_is_not_uniform() -> None:
    assert surprise(LOPSIDED, lambda rng: sample(LOPSIDED, rng)) > 20


@given(tree_spaces(), st.randoms(use_true_random=False))
def test_what_is_drawn_is_valid_and_replays(space: TreeSpace, rng: Random) -> None:
    assume(count(space))
    found = uniformly(space, rng)

    assert found.graph is not None
    assert replay(space, found.trace) == found


def test_weights_do_not_matter() -> None:
    space = search_space(optional(op("relu"), probability=0.0), input=(4,))
    taken = [len(uniformly(space, Random(seed)).graph.nodes) for seed in range(100)]  # type: ignore[union-attr]

    assert 35 < taken.count(2) < 65


def test_one_of_more_than_can_be_walked_is_drawn() -> None:
    block = chain(op("conv2d", out=choose(8, 16), kernel=choose(1, 3, 5), padding="same"), optional(op("relu")))
    space = search_space(chain(*[block] * 40), input=(3, 8, 8))

    assert len(uniformly(space, Random(0)).trace) == 3 * 40
    assert uniformly(space, Random(0)) == uniformly(space, Random(0)) != uniformly(space, Random(1))


def test_a_space_without_any_architecture_says_why() -> None:
    with pytest.raises(UserError, match=r"^no architecture of .* is valid; the first dead end: at 1: max_pool2d"):
        uniformly(CLOSED, Random(0))


def crowded(builder: Builder, x: Value) -> Value:
    """Decides by the size of the graph, which is no matter of types."""
    if len(builder) > 2:
        raise Infeasible("the graph is full")
    return builder.add("relu", x)


def test_a_function_that_looks_beyond_the_type_is_named_as_the_mistake() -> None:
    space = search_space(chain(op("tanh"), any_of(op("tanh"), op("relu")), call(crowded)), input=(4,))

    with pytest.raises(UserError, match=r"^a part of this space must decide by the type .* got the graph is full$"):
        uniformly(space, Random(0))
