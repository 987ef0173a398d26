"""Small graphs and tasks that train in milliseconds."""

from collections.abc import Callable
from typing import Any

import numpy as np

from archsmith.evaluate.task import Data, Task
from archsmith.graph.builder import Builder
from archsmith.graph.graph import Graph, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType


def graph(*shape: int, of: Callable[[Builder, Value], Value]) -> Graph:
    """The network that ``of`` builds on samples of this shape."""
    builder = Builder(DECLARED)
    return builder.finish(of(builder, builder.input(TensorType((1, *shape)))))


def convolutional(builder: Builder, x: Value) -> Value:
    """Two convolutions with batch norm, for the digits."""
    for width in (8, 16):
        x = builder.add("conv2d", x, out=width, kernel=3, padding="same", stride=2 if width == 16 else 1)
        x = builder.add("relu", builder.add("batch_norm2d", x))
    return builder.add("linear", builder.add("flatten", x), out=10)


DIGITS_NET = graph(1, 8, 8, of=convolutional)


def perceptron(outputs: int) -> Graph:
    """Four numbers in, batch norm and dropout on the way."""

    def layers(builder: Builder, x: Value) -> Value:
        hidden = builder.add("batch_norm1d", builder.add("linear", x, out=16))
        return builder.add("linear", builder.add("dropout", builder.add("relu", hidden), rate=0.1), out=outputs)

    return graph(4, of=layers)


def samples(count: int, seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)


def signs(count: int = 96) -> Task:
    """Which of three intervals the sum of the inputs lies in."""

    def load() -> Data:
        parts = [samples(count, seed) for seed in range(3)]
        return Data(*((x, np.digitize(x.sum(1), [-1, 1])) for x in parts))

    return Task("signs", (4,), 3, "classification", load)


def sums() -> Task:
    """The sum of the inputs, and their difference from each other in pairs."""

    def load() -> Data:
        parts = [samples(256, seed) for seed in range(3)]
        return Data(*((x, np.stack([x.sum(1), x[:, 0] - x[:, 1]], 1)) for x in parts))

    return Task("sums", (4,), 2, "regression", load)
