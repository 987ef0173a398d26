"""Encodings of architectures, against hand-computed values, plain enumeration, and the same graph drawn otherwise."""

from collections import Counter
from collections.abc import Callable, Iterator
from math import isclose
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import INPUT, Graph, Node, Value, canonical
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Space, Trace, replay
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.features import (
    EXACT,
    LENGTH,
    Word,
    adjacency_features,
    adjacency_names,
    full,
    hashed,
    naming,
    ngram_features,
    path_features,
    plain,
    subtree_features,
    trace_features,
    vectors,
    vocabulary,
)
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, residual
from archsmith.spaces.space import search_space
from tests.spaces.leaves import DENSE, TIGHT
from tests.spaces.trees import built
from tests.strategies import derivations, graphs, tree_spaces

RESIDUAL = built(chain(residual(op("conv2d", out=4, kernel=1), project=False), op("relu")))
"""A convolution around which the input is led, both added, and a relu."""


def some_graphs() -> SearchStrategy[Graph]:
    """Grown ones, of several inputs and outputs, and those of trees."""
    return st.one_of(graphs(), tree_spaces().flatmap(graphs))


def redrawn(graph: Graph, rng: Random) -> Graph:
    """An isomorphic graph: nodes added in another order, and every node's inputs and the outputs in another order."""
    order: list[int] = []
    while len(order) < len(graph.nodes):
        order.append(
            rng.choice(
                [
                    place
                    for place, node in enumerate(graph.nodes)
                    if place not in order and all(value.node in order for value in node.inputs)
                ]
            )
        )

    def moved(values: tuple[Value, ...]) -> tuple[Value, ...]:
        shuffled = rng.sample(values, len(values))
        return tuple(Value(order.index(value.node), value.output) for value in shuffled)

    nodes = [graph.nodes[place] for place in order]
    return canonical([Node(n.operator, moved(n.inputs), n.attributes, n.types) for n in nodes], moved(graph.outputs))


def walks(graph: Graph, word: Word) -> Iterator[tuple[str, ...]]:
    """The words along every way from an input to an output, without the input's."""

    def back(place: int) -> Iterator[tuple[str, ...]]:
        node = graph.nodes[place]
        if node.operator == INPUT:
            yield ()
        for value in node.inputs:
            for way in back(value.node):
                yield (*way, word(node))

    for value in graph.outputs:
        yield from back(value.node)


def doubled(times: int) -> Graph:
    """Something added to itself, many times over: 2**times ways through, all of one sequence of operators."""
    builder = Builder(DECLARED)
    x = builder.input(TensorType((1, 2)))
    for _ in range(times):
        x = builder.add("add", x, x)
    return builder.finish(x)


# All encodings of graphs


@settings(max_examples=150)
@given(some_graphs(), st.randoms(use_true_random=False), st.sampled_from([plain, full, naming("kernel", "dim")]))
def test_isomorphic_graphs_have_equal_features(graph: Graph, rng: Random, word: Word) -> None:
    same = redrawn(graph, rng)

    assert path_features(graph, word=word, counted=True) == path_features(same, word=word, counted=True)
    assert ngram_features(graph, 4, word=word) == ngram_features(same, 4, word=word)
    assert subtree_features(graph, rounds=3, word=word) == subtree_features(same, rounds=3, word=word)


@given(some_graphs())
def test_encodings_can_be_merged(graph: Graph) -> None:
    encodings = [
        path_features(graph),
        ngram_features(graph, 2),
        subtree_features(graph, word=plain),
        adjacency_features(graph, nodes=len(graph.nodes), words={node.operator for node in graph.nodes}),
    ]

    assert len({name for encoding in encodings for name in encoding}) == sum(map(len, encodings))


def test_a_word_says_as_much_of_a_node_as_is_wanted() -> None:
    x, conv = RESIDUAL.nodes[:2]

    assert [plain(x), plain(conv)] == ["input", "conv2d"]
    assert [naming()(conv), naming("kernel", "out", "rate")(conv)] == ["conv2d", "conv2d(kernel=1, out=4)"]
    assert full(x) == "input(float32[1, 4, 6, 6])"
    assert full(conv) == "conv2d(bias=True, dilation=1, groups=1, kernel=1, out=4, padding=0, stride=1)"


# Paths


def test_paths_are_the_ways_from_input_to_output() -> None:
    assert path_features(RESIDUAL) == {"path input > add > relu": 1, "path input > conv2d > add > relu": 1}
    assert path_features(RESIDUAL, longest=2) == {"path input > add > relu": 1}
    assert path_features(RESIDUAL, most=1, word=naming("kernel")) == {"path input > add > relu": 1}
    assert path_features(built(optional(op("relu")))) == {"path input": 1}


@settings(max_examples=150)
@given(some_graphs(), st.none() | st.integers(0, 6), st.integers(1, 6))
def test_the_shortest_paths_are_kept_and_counted_exactly(graph: Graph, longest: int | None, most: int) -> None:
    ways = Counter(way for way in walks(graph, full) if longest is None or len(way) <= longest)
    first = sorted(ways, key=lambda way: (len(way), way))[:most]
    counts = {" > ".join(("path input", *way)): ways[way] for way in first}

    assert path_features(graph, longest=longest, most=most, word=full, counted=True) == counts
    assert path_features(graph, longest=longest, most=most, word=full) == dict.fromkeys(counts, 1)


def test_exponentially_many_paths_are_counted_without_walking_them() -> None:
    name = "path input" + " > add" * 40

    assert path_features(doubled(40)) == {name: 1}
    assert path_features(doubled(40), counted=True) == {name: 2**40}
    assert list(path_features(doubled(2_000), counted=True).values()) == [EXACT]


def test_of_exponentially_many_different_paths_the_first_are_given() -> None:
    builder = Builder(DECLARED)
    x = builder.input(TensorType((1, 2)))
    for _ in range(60):
        x = builder.add("add", builder.add("relu", x), builder.add("tanh", x))
    paths = path_features(builder.finish(x), most=3)

    assert list(paths) == [
        "path input" + " > relu > add" * 57 + "".join(f" > {last} > add" for last in ends)
        for ends in (("relu", "relu", "relu"), ("relu", "relu", "tanh"), ("relu", "tanh", "relu"))
    ]


# N-grams


def test_ngrams_are_counted_along_the_edges() -> None:
    assert ngram_features(RESIDUAL, 1) == {f"ngram {word}": 1 for word in ("input", "conv2d", "add", "relu", "output")}
    assert ngram_features(RESIDUAL, 3) == ngram_features(RESIDUAL, 1) | {
        "ngram input > conv2d": 1,
        "ngram input > add": 1,
        "ngram conv2d > add": 1,
        "ngram add > relu": 1,
        "ngram relu > output": 1,
        "ngram input > conv2d > add": 1,
        "ngram input > add > relu": 1,
        "ngram conv2d > add > relu": 1,
        "ngram add > relu > output": 1,
    }


@given(some_graphs(), st.integers(1, 4))
def test_ngrams_are_the_ways_of_at_most_n_nodes(graph: Graph, n: int) -> None:
    vertices = [(node.operator, node.inputs) for node in graph.nodes] + [("output", graph.outputs)]

    def back(place: int, left: int) -> Iterator[tuple[str, ...]]:
        word, inputs = vertices[place]
        yield (word,)
        for value in inputs if left > 1 else ():
            for way in back(value.node, left - 1):
                yield (*way, word)

    ways = Counter(way for place in range(len(vertices)) for way in back(place, n))

    assert ngram_features(graph, n) == {"ngram " + " > ".join(way): count for way, count in ways.items()}


def test_ngrams_are_counted_without_walking_them() -> None:
    assert ngram_features(doubled(100), 90)["ngram add" + " > add" * 89] == EXACT


# Subtrees


def test_subtrees_are_labels_of_ever_more_of_what_comes_before() -> None:
    assert subtree_features(RESIDUAL, rounds=1, word=plain) == {
        "subtree 0 input": 1,
        "subtree 0 conv2d": 1,
        "subtree 0 add": 1,
        "subtree 0 relu": 1,
        "subtree 0 output": 1,
        "subtree 1 input": 1,
        "subtree 1 conv2d[input]": 1,
        "subtree 1 add[conv2d, input]": 1,
        "subtree 1 relu[add]": 1,
        "subtree 1 output[relu]": 1,
    }
    assert "subtree 2 relu[add[conv2d, input]]" in subtree_features(RESIDUAL, word=plain)


def test_subtrees_tell_apart_what_lies_within_their_rounds() -> None:
    def layers(*names: str) -> Graph:
        return built(chain(*map(op, names)))

    first, second = layers("relu", "tanh", "silu", "gelu"), layers("tanh", "relu", "silu", "gelu")

    assert subtree_features(first, rounds=0) == subtree_features(second, rounds=0)
    assert subtree_features(first, rounds=1) != subtree_features(second, rounds=1)


def test_subtrees_tell_outputs_of_a_node_apart() -> None:
    def sorted_by(output: int) -> Graph:
        builder = Builder(DECLARED)
        return builder.finish(builder.apply("sort", [builder.input(TensorType((1, 2)))], {"dim": 1})[output])

    assert "subtree 1 output[sort.1]" in subtree_features(sorted_by(1), word=plain)
    assert "subtree 1 output[sort]" in subtree_features(sorted_by(0), word=plain)


def test_long_subtrees_are_named_by_digests_that_stay_the_same() -> None:
    digests = [name for name in subtree_features(RESIDUAL) if "#" in name and "[" not in name]

    assert digests == ["subtree 2 #cc77ca2db43cc7eb5ddce8ea29ce8418"]
    assert max(map(len, subtree_features(doubled(60), rounds=60))) <= len("subtree 60 ") + LENGTH


# Adjacency


def test_adjacency_has_edges_outputs_and_words() -> None:
    words = ("input", "conv2d", "add", "relu")

    assert adjacency_features(RESIDUAL, nodes=5, words=words) == {
        "node 0 is input": 1,
        "node 1 is conv2d": 1,
        "node 2 is add": 1,
        "node 3 is relu": 1,
        "edge 0 > 1": 1,
        "edge 0 > 2": 1,
        "edge 1 > 2": 1,
        "edge 2 > 3": 1,
        "edge 3 > output": 1,
    }


def test_adjacency_is_padded_to_the_same_columns() -> None:
    words = ("input", "conv2d", "add", "relu")
    (row,) = vectors([adjacency_features(RESIDUAL, nodes=5, words=words)], adjacency_names(nodes=5, words=words))

    assert row == [
        *(1, 1, 0, 0, 0),  # edges from node 0 to 1, 2, 3, 4 and out
        *(1, 0, 0, 0),
        *(1, 0, 0),
        *(0, 1),
        *(0,),
        *(1, 0, 0, 0),  # the word of node 0
        *(0, 1, 0, 0),
        *(0, 0, 1, 0),
        *(0, 0, 0, 1),
        *(0, 0, 0, 0),
    ]


@given(some_graphs())
def test_adjacency_says_what_is_connected_with_what(graph: Graph) -> None:
    words = sorted({full(node) for node in graph.nodes})
    size = len(graph.nodes) + 1
    features = adjacency_features(graph, nodes=size, words=words, word=full)
    names = adjacency_names(nodes=size, words=words)
    edges = [name.removeprefix("edge ").split(" > ") for name in features if name.startswith("edge ")]

    assert features.keys() <= set(names)
    assert len(names) == len(set(names)) == size * (size + 1) / 2 + size * len(words)
    assert {(int(start), end) for start, end in edges} == {
        (value.node, str(place)) for place, node in enumerate(graph.nodes) for value in node.inputs
    } | {(value.node, "output") for value in graph.outputs}
    assert all(f"node {place} is {full(node)}" in features for place, node in enumerate(graph.nodes))


def test_adjacency_refuses_what_it_has_no_room_or_no_word_for() -> None:
    with pytest.raises(UserError, match="^adjacency features of 3 nodes hold no graph of 4; give more nodes$"):
        adjacency_features(RESIDUAL, nodes=3, words=("input", "conv2d", "add", "relu"))
    with pytest.raises(UserError, match="; conv2d is not in: input, add, relu$"):
        adjacency_features(RESIDUAL, nodes=4, words=("input", "add", "relu"))


# Traces


def test_answers_are_one_hot_or_positions() -> None:
    space = search_space(
        chain(
            op("conv2d", out=choose(8, 16, 64), kernel=1),
            any_of(wide=op("gelu"), plain=op("relu")),
            optional(op("max_pool2d", kernel=choose(2, 3))),
        ),
        input=(4, 6, 6),
    )
    without = Trace.of({"0/conv2d.out": 16, "1/any_of": "plain", "2/optional": False})
    pooled = Trace.of({"0/conv2d.out": 8, "1/any_of": "plain", "2/optional": True, "2/optional/max_pool2d.kernel": 2})

    assert trace_features(replay(space, without)) == {
        "asked 0/conv2d.out": 1,
        "position 0/conv2d.out": 0.5,
        "answer 1/any_of = 'plain'": 1,
        "answer 2/optional = False": 1,
    }
    assert trace_features(replay(space, pooled)) == {
        "asked 0/conv2d.out": 1,
        "position 0/conv2d.out": 0,
        "answer 1/any_of = 'plain'": 1,
        "answer 2/optional = True": 1,
        "asked 2/optional/max_pool2d.kernel": 1,
        "position 2/optional/max_pool2d.kernel": 0,
    }


@pytest.mark.parametrize("space", [DENSE, TIGHT], ids=["dense", "tight"])
def test_rows_of_traces_tell_all_traces_apart(space: Space) -> None:
    features = [trace_features(found) for found in architectures(space)]
    rows = vectors(features, vocabulary(features))

    assert len(set(map(tuple, rows))) == len(rows)
    assert {value for row in rows for value in row} <= {0.0, 0.5, 1.0}


@given(data=st.data())
def test_every_answer_is_between_0_and_1(data: st.DataObject) -> None:
    found = data.draw(derivations(data.draw(tree_spaces())))
    features = trace_features(found)

    assert all(0 <= value <= 1 for value in features.values())
    assert sum(name.startswith(("asked", "answer")) for name in features) == len(found.trace)


# Rows


def test_rows_have_a_column_for_every_name() -> None:
    rows = [{"b": 2.0, "a": 1.0}, {"c": 3.0}]

    assert vocabulary(rows) == ("a", "b", "c")
    assert vectors(rows, vocabulary(rows)) == [[1, 2, 0], [0, 0, 3]]
    assert vectors([{"d": 4.0, "c": 5.0}], vocabulary(rows)) == [[0, 0, 5]]


def test_hashed_rows_stay_the_same() -> None:
    assert hashed({"ngram conv2d > relu": 2.0, "ngram relu": 1.0, "ngram add": 5.0}, 4) == [0, -1, 0, -3]
    assert hashed({}, 3) == [0, 0, 0]


@given(st.dictionaries(st.text(), st.integers(-9, 9)), st.dictionaries(st.text(), st.integers(-9, 9)))
def test_hashing_is_linear(first: dict[str, int], second: dict[str, int]) -> None:
    both = {name: first.get(name, 0) + second.get(name, 0) for name in first.keys() | second.keys()}

    assert hashed(both, 5) == [a + b for a, b in zip(hashed(first, 5), hashed(second, 5), strict=True)]


def test_hashed_rows_have_the_inner_products_of_the_mappings_on_average() -> None:
    """Of mappings that share 3 names of 6, in far too few buckets."""
    products = []
    for turn in range(2_000):
        first, second = ({f"{turn} {place}": 1.0 for place in range(start, start + 6)} for start in (0, 3))
        products.append(sum(a * b for a, b in zip(hashed(first, 4), hashed(second, 4), strict=True)))

    assert isclose(sum(products) / len(products), 3, abs_tol=0.25)


@pytest.mark.parametrize(
    ("encode", "said"),
    [
        (lambda: path_features(RESIDUAL, most=0), "most must be at least 1; got 0"),
        (lambda: path_features(RESIDUAL, longest=-1), "longest must be at least 0; got -1"),
        (lambda: ngram_features(RESIDUAL, 0), "n must be at least 1; got 0"),
        (lambda: subtree_features(RESIDUAL, rounds=-1), "rounds must be at least 0; got -1"),
        (lambda: hashed({}, 0), "buckets must be at least 1; got 0"),
    ],
    ids=["most", "longest", "n", "rounds", "buckets"],
)
def test_settings_that_make_no_sense_are_refused(encode: Callable[[], object], said: str) -> None:
    with pytest.raises(UserError, match=f"^{said}$"):
        encode()
