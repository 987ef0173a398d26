"""Enumeration: every architecture once, in the order of the options, no more walked than asked for."""

from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.ops import DECLARED
from archsmith.spaces.decisions import Derivation, Space
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.growth import GrowthSpace
from archsmith.spaces.nodes import chain, choose, op, optional, repeat
from archsmith.spaces.space import TreeSpace, search_space
from tests.spaces.leaves import CLOSED, COUPLED, DENSE, TIGHT, leaves
from tests.spaces.ties import TIES
from tests.strategies import tree_spaces

GROWN = GrowthSpace(DECLARED, nodes=1, inputs=1, ranks=(1, 0), sizes=(1, 2), dtypes=("float32", "bool"), elements=2)
SPACES: dict[str, Space] = {
    "dense": DENSE, "tight": TIGHT, "coupled": COUPLED, "closed": CLOSED, "grown": GROWN, **TIES
}  # fmt: skip


def places(found: Derivation) -> tuple[int, ...]:
    """Where each answer stands among its options."""
    answers = zip(found.asked, found.trace.answers, strict=True)
    return tuple(decision.options.index(label) for decision, (_, label) in answers)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_valid_walk_is_found_once_and_no_dead_end(space: Space) -> None:
    found = list(architectures(space))
    valid = {leaf.trace: leaf.graph for leaf in leaves(space) if leaf.graph is not None}

    assert len(found) == len(valid)
    assert {one.trace: one.graph for one in found} == valid


@given(tree_spaces(), st.integers(1, 50))
def test_architectures_come_in_the_order_of_the_options(space: TreeSpace, number: int) -> None:
    order = [places(found) for found in islice(architectures(space), number)]

    assert all(earlier < later for earlier, later in pairwise(order))


def test_the_last_decision_changes_fastest() -> None:
    space = search_space(chain(optional(op("relu")), op("linear", out=choose(2, 3))), input=(4,))

    assert [tuple(found.trace.as_dict().values()) for found in architectures(space)] == [
        (False, 2),
        (False, 3),
        (True, 2),
        (True, 3),
    ]


def test_the_first_of_very_many_come_at_once() -> None:
    space = search_space(repeat(op("linear", out=choose(2, 3)), 100), input=(4,))
    first, second = islice(architectures(space), 2)

    assert set(first.trace.as_dict().values()) == {2}
    assert list(second.trace.as_dict().values()) == [2] * 99 + [3]


def test_a_space_without_decisions_has_one_architecture() -> None:
    assert len(list(architectures(search_space(op("relu"), input=(4,))))) == 1
