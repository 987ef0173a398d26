"""Latency: what is timed, by a clock that the test moves."""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

import pytest

from archsmith.evaluate.latency import PASSES, latency
from archsmith.evaluate.probe import Probe
from archsmith.evaluate.proxies import measure_metrics
from archsmith.graph.builder import Builder
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from tests.evaluate.toys import perceptron


def clock(passes: Iterable[float]) -> Callable[[], float]:
    """A clock by which the passes take so many seconds, with five seconds between them."""
    ticks: Iterator[float] = accumulate(step for taken in passes for step in (5.0, taken))
    return lambda: next(ticks)


def test_latency_is_the_median_of_the_timed_passes_in_milliseconds() -> None:
    passes = [0.002] * (PASSES // 2 - 1) + [9.0] + [0.004] * (PASSES // 2)
    found = latency(Probe.of(perceptron(3), None, 0), clock(passes))

    assert found.low == pytest.approx(2)
    assert found.median == pytest.approx(4)
    assert found.high == pytest.approx(4)


def test_warming_up_is_not_timed() -> None:
    reads: list[float] = []

    def counting() -> float:
        reads.append(0.001 * len(reads))
        return reads[-1]

    found = latency(Probe.of(perceptron(3), None, 0), counting)

    assert len(reads) == 2 * PASSES
    assert found.median == pytest.approx(1)


def test_the_metric_is_the_median_and_needs_no_task() -> None:
    found = measure_metrics(["latency_ms"], perceptron(3), None, 0, clock=clock([0.003] * PASSES))

    assert found == {"latency_ms": pytest.approx(3)}


def mixed() -> Graph:
    """Two inputs, one of them of truth values, and two outputs."""
    builder = Builder(DECLARED)
    numbers, truths = (builder.input(TensorType((2, 3), dtype)) for dtype in ("float32", "bool"))
    return builder.finish(builder.add("where", truths, numbers, builder.add("relu", numbers)), truths)


def test_any_graph_has_a_latency() -> None:
    found = latency(Probe.of(mixed(), None, 0), clock([0.001] * PASSES))

    assert [found.low, found.median, found.high] == pytest.approx([1, 1, 1])


def test_the_measured_latency_is_positive_and_in_order() -> None:
    ticking = (0.001 * n**2 for n in range(2 * PASSES))
    found = latency(Probe.of(perceptron(3), None, 0), lambda: next(ticking))

    assert 0 < found.low < found.median < found.high
