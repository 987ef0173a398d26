"""Zero-cost proxies: numbers of an untrained network that a search can ask for in place of a training, or beside it.

This file knows their names and starts without torch; the proxies themselves stand where ``PROXIES`` says.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from archsmith.evaluate.evaluator import NotFinite
from archsmith.evaluate.task import Task
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph

if TYPE_CHECKING:
    from archsmith.evaluate.probe import Probe

LATENCY = "latency_ms"
"""Median milliseconds of a forward pass on one sample, see ``archsmith.evaluate.latency``."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A function of a ``Probe``, as ``module:name``; what it says in a line, who published it, and which way is better.

    ``cost`` marks what a search wants less of; more is better of every other proxy.
    """

    target: str
    summary: str
    source: str
    cost: bool = False


PROXIES: Mapping[str, Proxy] = MappingProxyType(
    {
        "parameters": Proxy("archsmith.evaluate.probe:parameters", "trainable numbers", "", cost=True),
        "macs": Proxy("archsmith.evaluate.probe:macs", "multiply-accumulates of one sample", "", cost=True),
        "grad_norm": Proxy(
            "archsmith.evaluate.gradients:grad_norm",
            "how long the gradients of the loss are",
            "Abdelfattah et al. 2021",
        ),
        "snip": Proxy(
            "archsmith.evaluate.gradients:snip",
            "how much the loss depends on every weight's presence",
            "Lee et al. 2019",
        ),
        "synflow": Proxy(
            "archsmith.evaluate.gradients:synflow", "what flows through all paths of weights", "Tanaka et al. 2020"
        ),
        "jacob_cov": Proxy(
            "archsmith.evaluate.gradients:jacob_cov",
            "how uncorrelated the samples' input gradients are",
            "Mellor et al. 2020",
        ),
        "naswot": Proxy(
            "archsmith.evaluate.expressivity:naswot",
            "how different the samples' activation codes are",
            "Mellor et al. 2021",
        ),
        "zen": Proxy(
            "archsmith.evaluate.expressivity:zen", "how far the features of nearby noise lie apart", "Lin et al. 2021"
        ),
        "criticality": Proxy(
            "archsmith.evaluate.criticality:criticality",
            "how little gradients grow or shrink per layer",
            "Doshi et al. 2023",
        ),
    }
)
"""All proxies by name."""

METRICS: tuple[str, ...] = (*PROXIES, LATENCY)
"""The names of all numbers that ``measure_metrics`` can be asked for."""


def measure_metrics(
    names: Sequence[str],
    graph: Graph,
    task: Task | None,
    seed: int,
    *,
    device: str = "cpu",
    clock: Callable[[], float] = perf_counter,
) -> dict[str, float]:
    """The metrics asked for, by name, of the network as it is before any training.

    The seed gives the initial weights and the noise; the minibatch is the same for all networks and seeds. A metric
    does not depend on which others are asked for. On one CPU thread all but ``latency_ms`` are repeated to the last
    bit; the global generator of torch stays as it was. ``parameters``, ``macs``, ``synflow`` and ``latency_ms`` take
    any graph and need no task. ``clock`` counts seconds, for ``latency_ms``.

    Raises:
        UserError: a name is none of ``METRICS``, the network does not fit the task, or the device does not exist.
        NotFinite: a metric has no value for this network; the message says which and why.
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise UserError(f"a metric must be one of {', '.join(METRICS)}; got {', '.join(unknown)}")

    from archsmith.evaluate.probe import Probe

    probe = Probe.of(graph, task, seed, device)
    return {name: _measured(name, probe, clock) for name in names}


def _measured(name: str, probe: "Probe", clock: Callable[[], float]) -> float:
    import torch

    from archsmith.evaluate.latency import latency

    with torch.random.fork_rng(devices=[]):  # a user's own layer may draw random numbers in a forward pass
        torch.default_generator.manual_seed(probe.seed)
        value = latency(probe, clock).median if name == LATENCY else _function(name)(probe)
    if not isfinite(value):
        raise NotFinite(f"{name} became {value}")
    return value


def _function(name: str) -> "Callable[[Probe], float]":
    from importlib import import_module

    module, _, function = PROXIES[name].target.partition(":")
    found: Callable[[Probe], float] = getattr(import_module(module), function)
    return found
