"""One fingerprint for one normal form, and how much it leaves to the digest."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.builder import Builder
from archsmith.graph.fingerprint import fingerprint
from archsmith.graph.graph import Graph, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.simplify import simplified
from archsmith.graph.types import TensorType
from tests.graph.rewording import ALIKE, LAYERS, VECTOR, Linears, book_of, grown, in_other_words
from tests.strategies import graphs

TRUTHS = grown(book_of("eq", "logical_and", "logical_xor", "logical_not", "mul", "identity", "maximum"), 10)
"""Sums whose terms may be of another type than they are."""


@given(graph=graphs() | graphs(ALIKE) | graphs(LAYERS) | graphs(TRUTHS), rng=st.randoms(use_true_random=False))
def test_the_fingerprint_is_that_of_the_normal_form_whatever_the_words(graph: Graph, rng: Random) -> None:
    found = fingerprint(graph, DECLARED)

    assert found == fingerprint(simplified(graph), DECLARED)
    assert found == fingerprint(in_other_words(graph, rng), DECLARED)


@given(one=graphs(ALIKE), other=graphs(ALIKE))
def test_without_weights_two_networks_have_two_fingerprints(one: Graph, other: Graph) -> None:
    same = simplified(one) == simplified(other)

    assert (fingerprint(one, DECLARED) == fingerprint(other, DECLARED)) == same


def printed(*outputs: Value, build: Builder) -> int:
    return fingerprint(build.finish(*outputs), DECLARED)


def test_order_and_place_count_where_they_mean_something() -> None:
    build = Builder(DECLARED)
    x, y = build.input(VECTOR), build.input(VECTOR)
    made = [
        printed(*outputs, build=build)
        for outputs in (
            (build.add("sub", x, y),),
            (build.add("sub", y, x),),
            (build.add("add", x, y),),
            (build.add("mul", x, y),),
            (build.add("add", x, x),),
            (x, y),
            (y, x),
            (x,),
        )
    ]

    assert len(set(made)) == len(made)
    assert printed(build.add("add", y, x), build=build) == made[2]


def test_types_count() -> None:
    graphs = []
    for size in (4, 5):
        build = Builder(DECLARED)
        x = build.input(TensorType((size,)))
        graphs += [build.finish(x), build.finish(build.add("relu", x))]

    assert len({fingerprint(graph, DECLARED) for graph in graphs}) == 4


def test_it_does_not_tell_a_layer_used_twice_from_two_layers() -> None:
    net = Linears()
    one, other = net.linear(net.x), net.linear(net.x)
    twice, two = (net.build.finish(net.sum(one, last)) for last in (one, other))

    assert simplified(twice) != simplified(two)
    assert fingerprint(twice, DECLARED) == fingerprint(two, DECLARED)
