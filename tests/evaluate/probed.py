"""Networks and data for proxies: small enough to compute by hand, or plain enough for theory."""

from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from archsmith.evaluate.probe import Probe
from archsmith.evaluate.proxies import measure_metrics
from archsmith.evaluate.task import Data, Task
from archsmith.graph.builder import Builder
from archsmith.graph.graph import Graph, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.runtime.modules import module
from tests.evaluate.toys import graph


class Gaussian(nn.Module):
    """A linear layer without bias whose weights have the variance C / fan-in, some of them turned in sign."""

    def __init__(self, given: int, out: int, variance: float, turned: int = 0) -> None:
        super().__init__()
        weight = torch.randn(out, given) * sqrt(variance / given)
        sign = torch.randint(0, 2, weight.shape, generator=torch.Generator().manual_seed(turned)) * 2 - 1
        self.weight = nn.Parameter(weight * sign if turned else weight)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight)


GAUSSIAN = module(Gaussian)
BOOK = DECLARED.extended([GAUSSIAN])


def of(name: str, network: Graph, task: Task | None = None, seed: int = 0) -> float:
    return measure_metrics([name], network, task, seed)[name]


def task_of(inputs: Any, targets: Any, *, outputs: int = 1) -> Task:
    """A task whose every part is these samples."""
    x, y = np.asarray(inputs, dtype=np.float32), np.asarray(targets)
    kind = "classification" if y.dtype.kind == "i" else "regression"
    return Task("toy", tuple(x.shape[1:]), outputs, kind, lambda: Data((x, y), (x, y), (x, y)))


def numbers(count: int, size: int, *, outputs: int = 1) -> Task:
    """Gaussian inputs and targets."""
    draw = np.random.default_rng(1).normal
    return task_of(draw(size=(count, size)), draw(size=(count, outputs)).astype(np.float32), outputs=outputs)


def deep(depth: int, width: int, variance: float, activation: str, *, turned: int = 0, norm: str = "") -> Graph:
    """Gaussian layers of one width with an activation between them."""
    builder = Builder(BOOK)
    x = builder.input(TensorType((1, width)))
    for place in range(depth):
        if place:
            x = builder.add(norm, x) if norm else x
            x = builder.add(activation, x)
        x = builder.add(GAUSSIAN.name, x, given=width, out=width, variance=variance, turned=turned)
    return builder.finish(x)


def linear(given: int, out: int, *, bias: bool = True) -> Graph:
    return graph(given, of=lambda builder, x: builder.add("linear", x, out=out, bias=bias))


def normalised(builder: Builder, norm: str, x: Value) -> Value:
    """A row of numbers, normalised; group norm takes places behind the channels."""
    if norm != "group_norm":
        return builder.add(norm, x)
    return builder.add("flatten", builder.add(norm, builder.add("unsqueeze", x, dim=2)))


def weight_of(network: Graph, seed: int = 0) -> list[Tensor]:
    """The weights of a probe's network, in order."""
    return [p.detach() for p in Probe.of(network, None, seed).network().parameters()]
