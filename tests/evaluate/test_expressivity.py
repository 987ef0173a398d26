"""Codes and distances of an untrained network, by hand and by theory."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from archsmith.evaluate.expressivity import ACTIVATIONS, features
from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.runtime.modules import module
from tests.evaluate.probed import deep, linear, normalised, numbers, of, task_of
from tests.evaluate.toys import graph, perceptron, signs


def on_relu(size: int) -> Graph:
    """A network whose activation codes are the signs of its inputs."""
    return graph(size, of=lambda builder, x: builder.add("linear", builder.add("relu", x), out=1))


def test_naswot_of_two_samples_is_the_determinant_written_down() -> None:
    task = task_of([[1, 1, -1], [-1, 1, -1]], [[0.0], [1.0]])  # codes 110 and 010: three bits, two of them equal

    assert of("naswot", on_relu(3), task) == pytest.approx(log((3 + 1) ** 2 - 2**2))


def test_naswot_is_the_determinant_of_how_many_bits_agree() -> None:
    task = numbers(12, 7)
    codes = task.load().train[0] > 0
    agreeing = np.equal(codes[:, None], codes[None]).sum(2)

    assert of("naswot", on_relu(7), task) == pytest.approx(np.linalg.slogdet(agreeing + np.eye(12))[1])


@given(order=st.permutations(range(8)))
@settings(max_examples=10)
def test_naswot_does_not_see_the_order_of_samples(order: list[int]) -> None:
    inputs, targets = numbers(8, 4, outputs=3).load().train

    assert of("naswot", perceptron(3), task_of(inputs[order], targets[order], outputs=3)) == pytest.approx(
        of("naswot", perceptron(3), task_of(inputs, targets, outputs=3))
    )


def test_naswot_of_a_network_without_activations_is_the_least() -> None:
    assert of("naswot", linear(4, 3), signs()) == 0
    assert of("naswot", perceptron(3), signs()) > 0


@pytest.mark.parametrize("name", sorted(ACTIVATIONS & set(DECLARED.operators)))
def test_naswot_takes_the_sign_before_any_activation(name: str) -> None:
    network = graph(4, of=lambda builder, x: builder.add("linear", builder.add(name, x), out=1))

    assert of("naswot", network, numbers(9, 4)) == of("naswot", on_relu(4), numbers(9, 4))


def test_naswot_looks_into_layers_of_ones_own() -> None:
    own = module(Rectified)
    builder = Builder(DECLARED.extended([own]))
    x = builder.add("linear", builder.add(own.name, builder.input(TensorType((1, 4)))), out=1)

    assert of("naswot", builder.finish(x), numbers(9, 4)) == of("naswot", on_relu(4), numbers(9, 4))


class Rectified(nn.Module):
    """An activation in place, as users write it."""

    def __init__(self) -> None:
        super().__init__()
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        activated: Tensor = self.activation(x + 0)
        return activated


def test_zen_of_one_layer_is_the_length_of_what_it_makes_of_the_noise() -> None:
    by_theory = log(0.01 * sqrt(80 * 60))  # |W e| of a Gaussian matrix and vector, at alpha = 0.01

    assert of("zen", linear(80, 60)) == pytest.approx(by_theory, abs=0.05)


@pytest.mark.parametrize("norm", ["batch_norm1d", "layer_norm", "group_norm"])
def test_zen_puts_back_the_scale_that_normalisation_takes_away(norm: str) -> None:
    network = graph(80, of=lambda builder, x: normalised(builder, norm, builder.add("linear", x, out=60)))

    assert of("zen", network) == pytest.approx(of("zen", linear(80, 60)), abs=0.1)


def test_zen_wants_one_sample_in_and_floats_out() -> None:
    builder = Builder(DECLARED)
    x = builder.input(TensorType((5, 4)))

    with pytest.raises(UserError, match=r"zen wants .* from float32\[5, 4\] to int64\[5\]"):
        of("zen", builder.finish(builder.add("argmax", x, dim=1)))


def test_zen_grows_with_depth_where_features_are_kept() -> None:
    found = [of("zen", deep(depth, 30, 1.0, "relu", norm="batch_norm1d")) for depth in (1, 3, 5)]

    assert found == sorted(found)
    assert found[2] > found[0] + 2


def pooled(*, gate: bool, head: bool) -> Graph:
    """A convolution, perhaps gated by what it has on average, and perhaps averaged before its head."""

    def layers(builder: Builder, x: Value) -> Value:
        x = builder.add("conv2d", x, out=4, kernel=3, padding="same")
        if gate:
            weight = builder.add("linear", builder.add("global_avg_pool", x), out=4)
            x = builder.add("mul", x, builder.add("unsqueeze", builder.add("unsqueeze", weight, dim=2), dim=3))
        x = builder.add("global_avg_pool" if head else "flatten", x)
        return builder.add("linear", x, out=10)

    return graph(1, 4, 4, of=layers)


@pytest.mark.parametrize(("gate", "end"), [(False, "conv2d"), (True, "mul")])
def test_features_are_what_enters_the_pool_that_everything_goes_through(gate: bool, end: str) -> None:
    (last,) = features(pooled(gate=gate, head=True)).outputs

    assert features(pooled(gate=gate, head=True)).nodes[last.node].operator == end
    assert features(pooled(gate=gate, head=False)) == pooled(gate=gate, head=False)
