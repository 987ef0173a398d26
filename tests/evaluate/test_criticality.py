"""Criticality: what the theory of wide networks says of a deep one."""

from math import log

import pytest

from archsmith.evaluate.criticality import layers
from archsmith.graph.builder import Builder
from archsmith.graph.graph import Value
from archsmith.graph.ops import DECLARED
from tests.evaluate.probed import deep, numbers, of
from tests.evaluate.toys import graph


@pytest.mark.parametrize(
    ("activation", "variance", "change"),
    [("relu", 2.0, 1.0), ("relu", 1.0, 0.5), ("relu", 4.0, 2.0), ("identity", 1.0, 1.0), ("identity", 0.5, 0.5)],
)
def test_criticality_is_what_the_theory_of_wide_networks_says(activation: str, variance: float, change: float) -> None:
    found = of("criticality", deep(8, 160, variance, activation), numbers(64, 160, outputs=160))

    assert found == pytest.approx(-abs(log(change)), abs=0.06)


def test_criticality_does_not_depend_on_the_depth_of_a_plain_network() -> None:
    shallow, far = (of("criticality", deep(d, 160, 1.0, "relu"), numbers(64, 160, outputs=160)) for d in (3, 12))

    assert shallow == pytest.approx(far, abs=0.08)


def test_criticality_does_not_see_the_first_layer_nor_what_goes_around_it() -> None:
    def around(builder: Builder, x: Value) -> Value:
        return builder.add("add", builder.add("linear", x, out=4), x)

    assert of("criticality", graph(4, of=around), numbers(8, 4, outputs=4)) == 0


def test_layers_are_counted_along_the_longest_path() -> None:
    def branches(builder: Builder, x: Value) -> Value:
        short = builder.add("linear", x, out=4)
        long = builder.add("linear", builder.add("relu", builder.add("linear", x, out=3)), out=4)
        return builder.add("add", short, long)

    watched, depth = layers(graph(4, of=branches), DECLARED)
    first = [watched.nodes[value.node].attribute["out"] for value in watched.outputs[1:]]

    assert depth == 2
    assert sorted(map(int, first)) == [3, 4]
