"""The Hypothesis strategy: every architecture, no dead end, and of all that show a thing the simplest."""

from collections.abc import Callable

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from archsmith.graph.cost import parameters
from archsmith.graph.errors import UserError
from archsmith.graph.ops import DECLARED
from archsmith.spaces.decisions import Derivation, Space, replay
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, repeat, residual
from archsmith.spaces.space import search_space
from archsmith.spaces.strategies import architectures
from tests.spaces.leaves import CLOSED, COUPLED, DENSE, TIGHT, leaves
from tests.spaces.ties import TIES
from tests.spaces.treeless import Shrinking
from tests.spaces.trees import operators

Predicate = Callable[[Derivation], bool]

SPACES: dict[str, Space] = {
    "dense": DENSE,
    "tight": TIGHT,
    "shared": TIES["a shared part"],
    "projected": TIES["projected"],
    "treeless": Shrinking(7, (2, 3, 5, 8, 9), (1, 2, 3)),
}
SEARCH = settings(database=None, max_examples=1000)


def size(found: Derivation) -> int:
    assert found.graph is not None
    return parameters(found.graph, DECLARED)


def count(found: Derivation, operator: str) -> int:
    return 0 if found.graph is None else operators(found.graph).count(operator)


def simplicity(found: Derivation) -> tuple[int, tuple[int, ...]]:
    """Few decisions before many, and of as many those that take earlier options."""
    answers = zip(found.asked, found.trace.answers, strict=True)
    return len(found.trace), tuple(decision.everywhere.index(label) for decision, (_, label) in answers)


def simplest(space: Space, predicate: Predicate) -> Derivation:
    """By brute force."""
    return min((leaf for leaf in leaves(space) if leaf.graph is not None and predicate(leaf)), key=simplicity)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_without_a_demand_the_simplest_network_of_all_is_found(space: Space) -> None:
    found = find(architectures(space), lambda found: True, settings=SEARCH)

    assert found.trace == simplest(space, lambda found: True).trace


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_the_largest_network_is_found_and_by_its_simplest_trace(space: Space) -> None:
    most = max(size(leaf) for leaf in leaves(space) if leaf.graph is not None)
    found = find(architectures(space), lambda found: size(found) == most, settings=SEARCH)

    assert found.trace == simplest(space, lambda found: size(found) == most).trace


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_of_the_longest_traces_the_simplest_is_found(space: Space) -> None:
    most = max(len(leaf.trace) for leaf in leaves(space) if leaf.graph is not None)
    found = find(architectures(space), lambda found: len(found.trace) == most, settings=SEARCH)

    assert found.trace == simplest(space, lambda found: len(found.trace) == most).trace


@pytest.mark.parametrize("operator", ["relu", "tanh", "dropout"])
def test_an_operator_is_found_with_as_little_else_as_can_be(operator: str) -> None:
    found = find(architectures(DENSE), lambda found: count(found, operator) > 0, settings=SEARCH)

    assert found.trace == simplest(DENSE, lambda found: count(found, operator) > 0).trace


def test_a_thing_deep_in_a_large_space_is_shrunk_to_itself() -> None:
    block = residual(
        chain(
            op("conv2d", out=choose(4, 8, 16), kernel=choose(1, 3, 5), padding="same"),
            optional(op("batch_norm2d")),
            any_of(op("relu"), op("gelu"), op("silu")),
        )
    )
    space = search_space(repeat(block, choose(*range(1, 9))), input=(3, 8, 8))
    found = find(architectures(space), lambda found: count(found, "silu") >= 2, settings=SEARCH)
    answers = found.trace.as_dict()

    assert answers.pop("repeat.times") == 2
    assert [label for name, label in answers.items() if name.endswith("any_of")] == ["silu()", "silu()"]
    assert [label for name, label in answers.items() if not name.endswith("any_of")] == [4, 1, False] * 2


@given(st.sampled_from(list(SPACES)).flatmap(lambda name: st.tuples(st.just(name), architectures(SPACES[name]))))
def test_what_is_drawn_is_valid_and_replays(drawn: tuple[str, Derivation]) -> None:
    name, found = drawn

    assert found.graph is not None
    assert replay(SPACES[name], found.trace) == found


@given(architectures(Shrinking(6, (2, 3, *range(7, 15)), (3, 4))))
def test_many_dead_ends_are_no_rejected_examples(found: Derivation) -> None:
    """Fewer than one walk in 100 is valid here; Hypothesis complains where it must reject too many examples."""
    assert found.graph is not None


@pytest.mark.parametrize("space", [COUPLED, TIES["a function"]], ids=["coupled", "a function"])
def test_every_architecture_can_be_drawn(space: Space) -> None:
    valid = [leaf for leaf in leaves(space) if leaf.graph is not None]
    drawn = [
        find(architectures(space), lambda found, leaf=leaf: found.trace == leaf.trace, settings=SEARCH)  # type: ignore[misc]
        for leaf in valid
    ]

    assert [found.trace for found in drawn] == [leaf.trace for leaf in valid]


def test_weights_keep_nothing_out() -> None:
    space = search_space(any_of(op("relu"), never=op("tanh"), weights=(1, 0)), input=(4,))
    found = find(architectures(space), lambda found: count(found, "tanh") == 1, settings=SEARCH)

    assert found.trace.as_dict() == {"any_of": "never"}


def test_a_space_without_a_valid_architecture_says_so() -> None:
    with pytest.raises(UserError, match="no architecture of this space is valid"):
        find(architectures(CLOSED), lambda found: True, settings=SEARCH)
