"""Counting: as many as there are, also where there are too many to walk."""

from dataclasses import dataclass
from math import comb, factorial, perm

import pytest
from hypothesis import given, reject, settings

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces.counting import count
from archsmith.spaces.decisions import Steps
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.nodes import (
    any_of,
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
from archsmith.spaces.space import TreeSpace, search_space
from tests.spaces.leaves import CLOSED, COUPLED, DENSE, TIGHT, leaves
from tests.spaces.ties import TIES, WIDTH, Own
from tests.strategies import tree_spaces

BLOCK = residual(
    chain(
        op("conv2d", out=16, kernel=choose(3, 5), padding="same"),
        op("batch_norm2d"),
        any_of(op("relu"), op("silu"), op("gelu")),
    )
)
"""Six architectures that all keep the shape."""


def on_images(*parts: object) -> TreeSpace:
    return search_space(chain(*parts), input=(16, 32, 32))  # type: ignore[arg-type]  # nodes, by their methods


@dataclass
class Bounded:
    """A space that Hypothesis leaves out once it has been walked too often."""

    space: TreeSpace
    left: int

    def walk(self) -> Steps[Graph]:
        self.left -= 1
        if self.left < 0:
            reject()
        return self.space.walk()

    def text(self) -> str:
        return self.space.text()


@settings(max_examples=150)
@given(tree_spaces())
def test_a_space_has_as_many_architectures_as_walks_find(space: TreeSpace) -> None:
    assert count(space) == sum(1 for _ in architectures(Bounded(space, 400)))


@pytest.mark.parametrize("space", [DENSE, TIGHT, COUPLED, CLOSED], ids=["dense", "tight", "coupled", "closed"])
def test_dead_ends_are_not_counted(space: TreeSpace) -> None:
    assert count(space) == sum(leaf.graph is not None for leaf in leaves(space))


@pytest.mark.parametrize("space", TIES.values(), ids=TIES)
def test_an_answer_that_holds_in_several_places_is_counted_once(space: TreeSpace) -> None:
    assert count(space) == sum(leaf.graph is not None for leaf in leaves(space))


def test_a_decision_with_one_option_counts_once() -> None:
    assert count(on_images(op("conv2d", out=choose(8), kernel=choose(3)), any_of(op("relu")))) == 1


def test_forty_blocks_are_counted_as_one() -> None:
    space = on_images(*[BLOCK] * 40)

    assert count(space) == 6**40
    assert len(space.reach.diagram) == 2 * 40


def test_blocks_of_every_depth_are_added_up() -> None:
    assert count(on_images(repeat(BLOCK, choose(*range(41))))) == sum(6**depth for depth in range(41))


def test_ties_within_a_block_are_forgotten_behind_it() -> None:
    space = on_images(repeat(repeat(BLOCK, 3, tied=True, name="inner"), 40))

    assert count(space) == 6**40
    assert len(space.reach.diagram) < 200


def test_a_value_that_two_neighbours_share_is_forgotten_behind_them() -> None:
    pairs = [shared(f"width{pair}", choose(8, 16, 32)) for pair in range(30)]
    space = on_images(*(op("conv2d", out=width, kernel=choose(1, 3)) for width in pairs for _ in range(2)))

    assert count(space) == sum(sizes_left(60)) * 3**30
    assert len(space.reach.diagram) < 10_000


def sizes_left(layers: int) -> list[int]:
    """Ways to shrink 32 pixels by 2 or not at all, layer after layer, by how often they shrank."""
    return [comb(layers, shrunk) for shrunk in range(min(layers, 15) + 1)]


def test_orders_of_parts_are_counted_by_what_is_left() -> None:
    parts = [op(name) for name in ("relu", "tanh", "gelu", "silu", "elu", "mish", "sigmoid", "softplus", "exp")]

    assert count(on_images(permutation(*parts))) == factorial(9)
    assert count(on_images(some_of(4, *parts, ordered=True))) == perm(9, 4)
    assert count(on_images(some_of(4, *parts))) == comb(9, 4)


def test_branches_that_are_joined_multiply() -> None:
    branch = op("conv2d", out=choose(1, 2), kernel=1)

    assert count(on_images(parallel(*[branch] * 30, join="cat"))) == 2**30
    assert count(on_images(parallel(*[branch] * 30))) == 2


def test_a_count_is_of_traces_whatever_their_weights() -> None:
    assert count(on_images(optional(op("relu"), probability=0.0))) == 2


def test_a_name_with_two_meanings_is_an_error_where_a_walk_meets_it() -> None:
    own = Own("width", options=(5, 6))
    met = TreeSpace(chain(op("conv2d", out=WIDTH, kernel=1), own), TensorType((1, 2, 5, 5)), DECLARED)
    never_met = TreeSpace(any_of(op("conv2d", out=WIDTH, kernel=1), own), TensorType((1, 2, 5, 5)), DECLARED)

    with pytest.raises(UserError, match="'width' has two meanings"):
        count(met)
    assert count(never_met) == 3 + 2 * 2
