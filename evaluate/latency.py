"""Measured latency: how long a network takes for one sample on the machine that measures."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles

import torch
from torch import Tensor

from archsmith.evaluate.probe import Probe
from archsmith.graph.types import TensorType
from archsmith.runtime.lower import DTYPES

WARM_UP = 10
"""Forward passes that are not timed: the first ones allocate memory and choose kernels."""

PASSES = 50
"""Forward passes that are timed."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one forward pass; a quarter of the passes was as fast as ``low``, three quarters as ``high``."""

    median: float
    low: float
    high: float


def latency(probe: Probe, clock: Callable[[], float]) -> Latency:
    """Time ``PASSES`` forward passes at the graph's own batch size, one sample, in evaluation mode after ``WARM_UP``.

    It needs no task: inputs are Gaussian, zeros where they are no floats. ``clock`` counts seconds. It is measured on
    as many threads as torch has, which is one in a worker, and no more exactly than the machine allows. On one core of
    a busy machine the quartiles of networks of 0.2 to 0.4 ms lay 4 to 7 % apart, and two medians 1 to 3 %.
    Workers that share caches and memory slow each other down: give a bound a margin, and compare what was measured on
    one machine under one load.
    """
    module = probe.network()
    source = probe.noise()
    inputs = [_input(given, source).to(probe.device) for given in probe.graph.input_types]
    seconds: list[float] = []
    with torch.inference_mode():
        for _ in range(WARM_UP):
            module(*inputs)
        for _ in range(PASSES):
            _wait(probe.device)
            start = clock()
            module(*inputs)
            _wait(probe.device)
            seconds.append(clock() - start)
    low, median, high = quantiles(seconds, n=4, method="inclusive")
    return Latency(1000 * median, 1000 * low, 1000 * high)


def _input(given: TensorType, source: torch.Generator) -> Tensor:
    dtype: torch.dtype = DTYPES[given.dtype]
    if dtype.is_floating_point:
        return torch.randn(given.shape, generator=source, dtype=dtype)
    return torch.zeros(given.shape, dtype=dtype)


def _wait(device: torch.device) -> None:
    """Let a GPU finish: it works on while Python goes on."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
