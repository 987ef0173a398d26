"""The tree of statistics, as text and by its laws."""

from dataclasses import dataclass
from math import log, sqrt
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.graph.graph import Graph
from archsmith.search.bisection import branches_to
from archsmith.search.mcts import MCTS
from archsmith.search.rewards import Rewards
from archsmith.search.searcher import Values
from archsmith.search.tree import Flying, Node, Tree, drawn, upper_bound
from archsmith.spaces.decisions import Decision, Label, Prefix, Space, Steps, Trace, Walked, following
from archsmith.spaces.nodes import any_of, chain, choose, op
from archsmith.spaces.proposals import answer_trace
from archsmith.spaces.space import search_space
from tests.search.questions import GRAPH, Questions

GOLDEN = Path(__file__).parents[1] / "golden"
TINY = search_space(chain(op("linear", out=choose(2, 4, 8, 16)), any_of(op("relu"), op("tanh"))), input=(3,))
FIXED: tuple[tuple[int, str, Values], ...] = (
    (2, "relu()", 0.1),
    (8, "relu()", 0.5),
    (16, "tanh()", 0.7),
    (8, "tanh()", 0.9),
    (4, "relu()", None),
    (16, "relu()", 0.3),
    (8, "relu()", 0.6),
)
"""The last takes the place of the second."""


@dataclass(frozen=True)
class Sizes:
    """Five ordered decisions of five sizes each."""

    def walk(self) -> Steps[Graph]:
        for place in range(5):
            yield Decision(f"d{place}", tuple(range(5)), ordered=True)
        return GRAPH

    def text(self) -> str:
        return "five sizes"


def first(decision: Decision, prefix: Prefix) -> Label:
    return decision.options[0]


def told(searcher: MCTS) -> MCTS:
    for out, activation, value in FIXED:
        searcher.tell(Trace((("0/linear.out", out), ("1/any_of", activation))), value)
    return searcher


def grown(space: Space, traces: list[Trace], *, bisect: bool) -> Tree:
    tree = Tree(bisect)
    for place, trace in enumerate(traces):
        tree.grow(answer_trace(space, following(trace, first)))
        tree.credit(place / 10)
    return tree


@pytest.mark.parametrize(("name", "bisect"), [("mcts_plain", False), ("mcts_bisect", True)])
def test_the_tree_of_fixed_trials_is_drawn_as_ever(name: str, bisect: bool) -> None:
    text = told(MCTS(bisect=bisect)).drawn(TINY)

    assert text + "\n" == (GOLDEN / f"{name}.txt").read_text()


def test_a_drawing_ends_at_its_depth() -> None:
    text = told(MCTS()).drawn(TINY, depth=1)

    assert len(text.splitlines()) == 1 + 1 + 4
    assert "any_of" not in text


@given(st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), max_size=30, unique_by=tuple), st.booleans())
@settings(deadline=None)
def test_a_trial_grows_one_node_and_is_counted_all_the_way(labels: list[list[int]], bisect: bool) -> None:
    space = Sizes()
    traces = [Trace(tuple((f"d{place}", label) for place, label in enumerate(row))) for row in labels]
    tree = grown(space, traces, bisect=bisect)
    nodes = {node for path in tree.paths for node in path}

    assert tree.root.visits == len(traces)
    assert len(nodes - {tree.root}) <= len(traces)
    for node in nodes:
        below = sum(child.visits for child in node.children.values())
        assert below <= node.visits <= below + 1 or node is tree.root
        assert node.best >= max((child.best for child in node.children.values()), default=0.0)


def test_refreshing_with_the_same_rewards_changes_nothing() -> None:
    space, rng = Questions(count=4, options=3), Random(0)
    traces = [Trace(tuple((f"d{place}", rng.randrange(3)) for place in range(4))) for _ in range(20)]
    tree = grown(space, list(dict.fromkeys(traces)), bisect=False)
    before = drawn(tree)
    tree.refresh([place / 10 for place in range(len(tree.paths))])

    assert drawn(tree) == before


def test_a_tree_of_everything_is_closed() -> None:
    space = Questions(count=2, options=2)
    traces = [Trace((("d0", a), ("d1", b))) for a in range(2) for b in range(2)]
    rows = [drawn(grown(space, traces[:count], bisect=False)).splitlines() for count in (2, 3, 4)]

    assert [[("closed" in row) for row in found[1:]] for found in rows] == [
        [False, True, True],
        [False, True, True, False],
        [True, True, True, True, True],
    ]


def test_halvings_are_about_as_many_as_the_logarithm() -> None:
    decision = Decision("width", tuple(range(20)), ordered=True)
    lengths = {len(branches_to(decision, label, bisect=True)) for label in decision.options}

    assert lengths == {4, 5}
    assert {len(branches_to(decision, label, bisect=False)) for label in decision.options} == {1}


def test_nominal_decisions_are_never_halved() -> None:
    decision = Decision("activation", ("relu", "gelu", "tanh", "silu"))

    assert branches_to(decision, "tanh", bisect=True) == [("activation", "tanh", "tanh")]


def test_what_is_in_flight_counts_in_both_terms() -> None:
    node, branch = Node(visits=4, total=2.0), ("d", 0, 0)
    node.children[branch] = Node(visits=2, total=1.0, best=0.8)
    flying = Flying({(node, branch): 3})

    assert upper_bound(node, branch, Flying(), 0, 0.5, 0.0) == pytest.approx(0.5 + 0.5 * sqrt(2 * log(5) / 2))
    assert upper_bound(node, branch, flying, 3, 0.5, 0.0) == pytest.approx(0.5 + 0.5 * sqrt(2 * log(8) / 5))
    assert upper_bound(node, branch, Flying(), 0, 0.0, 0.5) == pytest.approx(0.65)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
@settings(deadline=None)
def test_rewards_are_from_0_to_1_and_keep_the_order(values: list[float]) -> None:
    searcher = MCTS()
    for place, value in enumerate(values):
        searcher.tell(Trace((("d", place),)), value)
    trials = searcher._history.trials
    rewards = Rewards.among(trials)
    found = [rewards.of(trial) for trial in trials]

    assert all(0 <= reward <= 1 for reward in found)
    for one, reward in zip(values, found, strict=True):
        for other, another in zip(values, found, strict=True):
            assert (one < other) == (reward < another)


def test_walks_of_one_decision_close_the_root() -> None:
    tree = Tree()
    decision = Decision("d", (1, 2))
    for label in (1, 2):
        tree.grow(Walked(Trace((("d", label),)), (decision,)))

    assert tree.told.everything
