"""Grown graphs: always valid, of all operators, and what is taken out of a trace leaves a valid rest."""

import re
from collections import Counter
from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import recheck
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.spaces.decisions import Decision, Derivation, Label, Prefix, Trace, derive, following, randomly, replay
from archsmith.spaces.growth import GrowthSpace
from archsmith.spaces.sampling import mutate, sample

SPACE = GrowthSpace(DECLARED, nodes=8)


@cache
def grown() -> tuple[Derivation, ...]:
    return tuple(derive(SPACE, randomly(Random(seed))) for seed in range(500))


def graph_of(derivation: Derivation) -> Graph:
    assert derivation.graph is not None, derivation.dead_end
    return derivation.graph


def first(decision: Decision, prefix: Prefix) -> Label:
    return decision.options[0]


def test_a_walk_has_no_dead_ends_and_makes_graphs_that_the_rules_accept() -> None:
    for derivation in grown():
        graph = graph_of(derivation)

        assert recheck(graph, DECLARED) == graph
        assert 1 <= len(list(graph.operators())) <= 8
        assert 1 <= len(graph.inputs) <= 2


def test_a_trace_replays_to_its_graph() -> None:
    for derivation in grown():
        assert replay(SPACE, derivation.trace) == derivation


def test_every_operator_is_reached() -> None:
    reached = Counter(node.operator for found in grown() for _, node in graph_of(found).operators())

    # 3-dimensional images have five dimensions, more than the default ranks of inputs: unsqueeze leads there.
    assert set(DECLARED.operators) - set(reached) <= {"conv3d", "batch_norm3d"}


def test_every_operator_that_takes_them_is_reached_from_large_ranks() -> None:
    volumes = GrowthSpace(DECLARED, nodes=8, ranks=(5,), sizes=(1, 2, 3), dtypes=("float32",))
    rng = Random(0)
    reached = {node.operator for _ in range(200) for _, node in graph_of(sample(volumes, rng)).operators()}

    assert {"conv3d", "batch_norm3d"} <= reached


@given(seed=st.integers(0, 2**32), elements=st.sampled_from([1, 7, 60, 1000]))
def test_no_tensor_is_larger_than_allowed(seed: int, elements: int) -> None:
    space = GrowthSpace(DECLARED, nodes=5, elements=elements)
    graph = graph_of(derive(space, randomly(Random(seed))))

    assert max(kind.elements for node in graph.nodes for kind in node.types) <= elements


def without(trace: Trace, gone: int) -> Trace:
    """The trace without one node's decisions, the nodes behind it moved up."""

    def moved(name: str) -> str:
        return re.sub(r"^node(\d+)/", lambda m: f"node{int(m[1]) - (int(m[1]) > gone)}/", name)

    kept = [(moved(name), label) for name, label in trace.answers if not name.startswith(f"node{gone}/")]
    count = int(trace.as_dict()["nodes"])
    return Trace.of(dict(kept) | {"nodes": count - 1})


def test_a_node_taken_out_of_a_trace_leaves_a_valid_graph() -> None:
    several = [found for found in grown() if int(found.trace.as_dict()["nodes"]) > 1][:100]
    for found in several:
        count = int(found.trace.as_dict()["nodes"])
        for gone in range(count):
            smaller = derive(SPACE, following(without(found.trace, gone), first))

            assert len(list(graph_of(smaller).operators())) <= count - 1


def test_references_count_back_so_that_the_rest_keeps_its_neighbours() -> None:
    answers: dict[str, Label] = {
        "input0/rank": 1,
        "nodes": 4,
        "node0/operator": "exp",
        "node1/operator": "sin",
        "node2/operator": "cos",
        "node2/back0": 1,
        "node3/operator": "neg",
        "node3/back0": 1,
    }
    found = derive(SPACE, following(Trace.of(answers), first))
    smaller = derive(SPACE, following(without(found.trace, 0), first))

    assert [node.operator for _, node in graph_of(found).operators()] == ["exp", "sin", "cos", "neg"]
    assert [node.operator for _, node in graph_of(smaller).operators()] == ["sin", "cos", "neg"]


def test_a_mutated_graph_is_valid_and_another() -> None:
    rng = Random(0)
    for found in grown()[:100]:
        mutated = mutate(SPACE, found.trace, rng)

        assert recheck(graph_of(mutated), DECLARED) == graph_of(mutated)
        assert mutated.trace != found.trace


def test_the_simplest_answers_grow_the_simplest_graph() -> None:
    assert len(graph_of(derive(SPACE, first)).nodes) == 2


def test_a_small_book_has_dead_ends_and_sampling_goes_around_them() -> None:
    book = RuleBook([DECLARED.operator("linear"), DECLARED.operator("softmax")])
    space = GrowthSpace(book, nodes=3)
    ends = [derive(space, randomly(Random(seed))) for seed in range(50)]
    graphs = [graph_of(sample(space, Random(seed))) for seed in range(50)]

    assert any(end.dead_end and end.dead_end.startswith("no operator of the book takes any of") for end in ends)
    assert {node.operator for graph in graphs for _, node in graph.operators()} == {"linear", "softmax"}


@pytest.mark.parametrize(
    ("demands", "message"),
    [
        ({"nodes": 0}, "a graph grows to 1 node on 1 input or more; got 0 on 2"),
        ({"inputs": 0}, "a graph grows to 1 node on 1 input or more; got 6 on 0"),
        ({"sizes": (0, 1)}, r"ranks start at 0 and sizes at 1; got .* sizes \(0, 1\)"),
        ({"sizes": ()}, r"ranks start at 0 and sizes at 1; got .* sizes \(\)"),
        ({"ranks": (-1,)}, r"ranks start at 0 and sizes at 1; got ranks \(-1,\)"),
        ({"sizes": (4, 2), "elements": 15}, "no tensor of rank 4 has at most 15 elements"),
    ],
)
def test_a_space_without_any_graph_is_refused(demands: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        GrowthSpace(DECLARED, **demands)  # type: ignore[arg-type]


def test_the_text_says_what_may_grow() -> None:
    book = RuleBook([DECLARED.operator("relu")])
    text = GrowthSpace(book, nodes=2, sizes=(1, 2, 3), dtypes=("float32", "bool")).text()

    assert text.splitlines() == [
        "grow 1 to 2 nodes on 1 to 2 inputs of at most 65536 elements",
        "  ranks (4, 2, 3, 1, 0), sizes (1, 2, 3), dtypes ('float32', 'bool')",
        "  operators relu",
    ]
