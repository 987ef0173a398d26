"""Proxies by gradients: their formulas on networks small enough to compute by hand, and what they do not see."""

from math import log

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.evaluate.evaluator import NotFinite
from archsmith.evaluate.gradients import RIDGE
from archsmith.evaluate.proxies import measure_metrics
from archsmith.graph.builder import Builder
from archsmith.graph.graph import Graph, Value
from tests.evaluate.probed import deep, linear, normalised, numbers, of, task_of, weight_of
from tests.evaluate.toys import graph, perceptron, signs


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_grad_norm_and_snip_are_what_the_gradient_of_one_layer_gives_by_hand(kind: str) -> None:
    network, draw = linear(3, 2), np.random.default_rng(0).normal
    x = draw(size=(5, 3)).astype(np.float32)
    y = np.array([0, 1, 1, 0, 1]) if kind == "classification" else draw(size=(5, 2)).astype(np.float32)
    weight, bias = (tensor.double().numpy() for tensor in weight_of(network, seed=4))
    z = x.astype(float) @ weight.T + bias
    if kind == "classification":
        slope = (np.exp(z) / np.exp(z).sum(1, keepdims=True) - np.eye(2)[y]).T @ x / 5
    else:
        slope = 2 * (z - y).T @ x / 10
    found = measure_metrics(["grad_norm", "snip"], network, task_of(x, y, outputs=2), 4)

    assert found["grad_norm"] == pytest.approx(np.linalg.norm(slope), rel=1e-5)
    assert found["snip"] == pytest.approx(np.abs(weight * slope).sum(), rel=1e-5)


def test_synflow_of_two_layers_is_the_product_of_absolute_weights_along_all_paths() -> None:
    def two(builder: Builder, x: Value) -> Value:
        hidden = builder.add("relu", builder.add("linear", x, out=5, bias=False))
        return builder.add("linear", hidden, out=2, bias=False)

    first, second = (weight.double().abs() for weight in weight_of(graph(3, of=two)))

    assert of("synflow", graph(3, of=two)) == pytest.approx(log(2 * (second @ first).sum().item()), abs=1e-9)


def test_synflow_lets_biases_flow_and_counts_weights_only() -> None:
    def two(builder: Builder, x: Value) -> Value:
        return builder.add("linear", builder.add("linear", x, out=5), out=2)

    w1, b1, w2, _ = (tensor.double().abs() for tensor in weight_of(graph(3, of=two)))
    through_both, from_bias = (w2 @ w1).sum().item(), (w2 @ b1).sum().item()

    assert of("synflow", graph(3, of=two)) == pytest.approx(log(2 * through_both + from_bias), abs=1e-9)


@pytest.mark.parametrize("norm", ["batch_norm1d", "layer_norm", "group_norm"])
def test_synflow_takes_normalisation_out(norm: str) -> None:
    def built(*between: str) -> Graph:
        def layers(builder: Builder, x: Value) -> Value:
            x = builder.add("linear", x, out=6, bias=False)
            for name in between:
                x = normalised(builder, name, x)
            return builder.add("linear", x, out=2, bias=False)

        return graph(3, of=layers)

    assert of("synflow", built(norm)) == of("synflow", built())


@given(turned=st.integers(1, 1000), seed=st.integers(0, 1000))
@settings(max_examples=3)
def test_synflow_does_not_see_the_signs_of_weights(turned: int, seed: int) -> None:
    plain, other = (deep(3, 6, 1.0, "relu", turned=which) for which in (0, turned))

    assert of("synflow", other, seed=seed) == of("synflow", plain, seed=seed)


def test_synflow_does_not_see_data() -> None:
    assert of("synflow", perceptron(3), signs()) == of("synflow", perceptron(3), None)


def test_synflow_of_a_deep_network_is_beyond_single_precision() -> None:
    found = of("synflow", deep(60, 32, 30.0, "relu"))

    assert found > log(torch.finfo(torch.float32).max)


def test_synflow_stays_in_double_precision_through_a_cast() -> None:
    def layers(builder: Builder, x: Value) -> Value:
        x = builder.add("linear", x, out=4, bias=False)
        return builder.add("linear", builder.add("cast", x, dtype="float32"), out=2, bias=False)

    first, second = (weight.double().abs() for weight in weight_of(graph(3, of=layers)))

    assert of("synflow", graph(3, of=layers)) == pytest.approx(log(2 * (second @ first).sum().item()), abs=1e-12)


def test_jacob_cov_of_a_linear_network_has_one_eigenvalue_that_is_not_zero() -> None:
    n, network = 6, linear(4, 3)
    by_hand = -(log(n + RIDGE) + 1 / (n + RIDGE) + (n - 1) * (log(RIDGE) + 1 / RIDGE))

    assert of("jacob_cov", network, numbers(n, 4, outputs=3)) == pytest.approx(by_hand, rel=1e-6)


def test_jacob_cov_needs_gradients_that_vary_over_the_inputs() -> None:
    with pytest.raises(NotFinite, match="gradient by the inputs is constant"):
        of("jacob_cov", linear(1, 1), numbers(4, 1))
