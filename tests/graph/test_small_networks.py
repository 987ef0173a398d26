"""All networks of a few operators: their formulas are equal if and only if their normal forms are."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations, product

from hypothesis import assume, given
from hypothesis import strategies as st

from archsmith.graph.builder import Builder
from archsmith.graph.graph import Graph, Scalar, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.simplify import simplified
from archsmith.graph.text import digest
from tests.graph.rewording import (
    VECTOR,
    book_of,
    grown,
)
from tests.strategies import graphs


def networks(graph: Graph, x: Sequence[float], weights: Sequence[tuple[float, float]]) -> Counter[tuple[float, ...]]:
    """What a graph of scalars gives for every way of dealing the weights to its linear layers."""
    layers = [place for place, node in graph.operators() if node.operator == "linear"]
    return Counter(
        scalars(graph, x, dict(zip(layers, dealt, strict=True))) for dealt in permutations(weights[: len(layers)])
    )


def scalars(graph: Graph, x: Sequence[float], weights: Mapping[int, tuple[float, float]]) -> tuple[float, ...]:
    found = dict(zip(graph.inputs, x, strict=True))
    for place, node in graph.operators():
        values = [found[value.node] for value in node.inputs]
        match node.operator, values:
            case "relu", [a]:
                found[place] = max(a, 0.0)
            case "neg", [a]:
                found[place] = -a
            case "identity", [a]:
                found[place] = a
            case "linear", [a]:
                slope, shift = weights[place]
                found[place] = slope * a + shift
            case "add", [a, b]:
                found[place] = a + b
            case "mul", [a, b]:
                found[place] = a * b
    # Small fractions of two: sums and products are exact, however they are grouped.
    return tuple(found[value.node] for value in graph.outputs)


WEIGHTS = ((0.5, 3.0), (-1.5, 2.0), (2.5, -1.0), (-0.5, 0.5), (3.0, -2.5))


@given(graph=graphs(grown(book_of("linear", "add", "mul", "neg", "relu", "identity"), 8)), x=st.integers(-3, 3))
def test_it_computes_the_same_values_with_the_same_weights(graph: Graph, x: int) -> None:
    layers = Counter(node.operator for _, node in graph.operators())["linear"]
    assume(layers <= len(WEIGHTS))
    inputs = [x + 0.5, 1.5 - x]
    was, now = (networks(form, inputs[: len(graph.inputs)], WEIGHTS) for form in (graph, simplified(graph)))

    assert rounded(was) == rounded(now)


def rounded(found: Counter[tuple[float, ...]]) -> Counter[tuple[float, ...]]:
    return Counter({tuple(float(f"{y:.9g}") + 0.0 for y in values): n for values, n in found.items()})


UNARY, BINARY = ("relu", "neg", "identity", "linear"), ("add", "mul")


def small_graphs(operators: int, unary: Sequence[str] = UNARY, binary: Sequence[str] = BINARY) -> Iterator[Graph]:
    """All graphs of this many operators on one input, every value that none uses an output."""
    steps = [
        [(name, (a,)) for name in unary for a in range(size)]
        + [(name, pair) for name in binary for pair in product(range(size), repeat=2)]
        for size in range(1, operators + 1)
    ]
    for calls in product(*steps):
        build = Builder(DECLARED)
        build.input(VECTOR)
        for name, operands in calls:
            attributes: dict[str, Scalar] = {"out": 4} if name == "linear" else {}
            build.apply(name, [Value(place) for place in operands], attributes)
        yield build.finish(*build.unused())


Term = tuple[object, ...]


def least_text(graph: Graph) -> str:
    """The graph as formulas, for the numbering of its linear layers that makes the least text."""
    layers = [place for place, node in graph.operators() if node.operator == "linear"]
    return min(formulas(graph, dict(zip(layers, numbers, strict=True))) for numbers in permutations(range(len(layers))))


def formulas(graph: Graph, numbers: Mapping[int, int]) -> str:
    terms: list[Term] = []
    for place, node in enumerate(graph.nodes):
        operands = [terms[value.node] for value in node.inputs]
        if node.operator == "identity":
            terms.append(operands[0])
        elif node.operator in BINARY:
            terms.append((node.operator, *operands))
        else:
            terms.append((node.operator, numbers.get(place, 0), *operands))
    return repr([text(terms[value.node]) for value in graph.outputs])


def text(term: Term) -> str:
    operator, *rest = term
    if operator not in BINARY:
        return f"{operator}({', '.join(text(p) if isinstance(p, tuple) else str(p) for p in rest)})"
    return f"{operator}({', '.join(sorted(map(text, parts(term))))})"


def parts(term: Term) -> Iterator[Term]:
    for part in term[1:]:
        assert isinstance(part, tuple)
        if part[0] == term[0]:
            yield from parts(part)
        else:
            yield part


def test_small_graphs_share_a_normal_form_if_and_only_if_they_are_the_same_network() -> None:
    everything = {graph for operators in (1, 2, 3) for graph in small_graphs(operators)}
    everything |= set(small_graphs(4, unary=["linear"], binary=["add"]))
    pairs = {(digest(simplified(graph)), least_text(graph)) for graph in everything}

    assert len({form for form, _ in pairs}) == len({formula for _, formula in pairs}) == len(pairs)
    assert 1000 < len(pairs) < 0.6 * len(everything)


def test_small_graphs_of_one_normal_form_compute_the_same() -> None:
    found: dict[Graph, list[Counter[tuple[float, ...]]]] = {}
    for operators in (1, 2, 3):
        for graph in small_graphs(operators):
            values = [rounded(networks(graph, [x], WEIGHTS)) for x in (-1.25, 0.75)]

            assert found.setdefault(simplified(graph), values) == values
