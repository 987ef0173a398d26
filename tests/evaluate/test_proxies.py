"""What holds of all proxies: numbers or a failure, the same ones again, and plain words for a caller's mistake."""

import re
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from archsmith.evaluate.evaluator import NotFinite
from archsmith.evaluate.probe import Probe
from archsmith.evaluate.proxies import METRICS, PROXIES, measure_metrics
from archsmith.evaluate.task import Task
from archsmith.graph.builder import Builder
from archsmith.graph.cost import macs, parameters
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces.catalog.mlp_table import mlp_table
from archsmith.spaces.catalog.nas_bench_201 import nas_bench_201
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import TreeSpace
from tests.evaluate.probed import numbers, of, task_of
from tests.evaluate.toys import DIGITS_NET, graph, perceptron, signs, sums

REPEATED = tuple(PROXIES)
"""All metrics but the measured latency."""


def test_parameters_and_macs_are_those_of_the_rules() -> None:
    found = measure_metrics(["parameters", "macs"], DIGITS_NET, None, 0)

    assert found == {"parameters": parameters(DIGITS_NET, DECLARED), "macs": macs(DIGITS_NET, DECLARED)}


def images() -> Task:
    """Noise of eight pixels squared in ten classes."""
    x = np.random.default_rng(2).normal(size=(96, 3, 8, 8)).astype(np.float32)
    return task_of(x, np.arange(96) % 10, outputs=10)


@pytest.mark.parametrize(
    ("space", "task"),
    [
        (nas_bench_201(input=(3, 8, 8), cells=1, channels=4), images()),
        (mlp_table(features=8, outputs=1), numbers(80, 8)),
    ],
    ids=["nas-bench-201", "tabular"],
)
def test_all_metrics_are_numbers_on_spaces_of_the_catalogue(space: TreeSpace, task: Task) -> None:
    networks = [network for n in range(6) if (network := sample(space, Random(n)).graph) and costs_little(network)]
    found = [measure_metrics(METRICS, network, task, 0) for network in networks]

    assert len(found) >= 3
    assert all(list(numbers) == list(METRICS) for numbers in found)
    assert all(type(value) is float for numbers in found for value in numbers.values())


def costs_little(network: Graph) -> bool:
    return parameters(network, DECLARED) < 300_000


def test_the_same_seed_gives_the_same_numbers_whatever_else_is_asked_for() -> None:
    together = measure_metrics(REPEATED, perceptron(3), signs(), 3)
    alone = {name: of(name, perceptron(3), signs(), 3) for name in reversed(REPEATED)}
    other = measure_metrics(REPEATED, perceptron(3), signs(), 4)

    assert together == alone
    assert all(together[name] != other[name] for name in REPEATED if name not in ("parameters", "macs"))


def test_the_generator_of_the_caller_is_left_alone_and_without_effect() -> None:
    torch.manual_seed(11)
    before, state = measure_metrics(METRICS[:-1], perceptron(3), signs(), 0), torch.random.get_rng_state()
    torch.manual_seed(12)

    assert torch.equal(state, torch.Generator().manual_seed(11).get_state())
    assert measure_metrics(METRICS[:-1], perceptron(3), signs(), 0) == before


def test_networks_of_regression_have_all_metrics() -> None:
    found = measure_metrics(METRICS, perceptron(2), sums(), 0)

    assert list(found) == list(METRICS)


def whole() -> Graph:
    """A network of whole numbers in."""
    builder = Builder(DECLARED)
    x = builder.add("cast", builder.input(TensorType((1, 4), "int64")), dtype="float32")
    hidden = builder.add("relu", builder.add("linear", x, out=6))
    return builder.finish(builder.add("linear", hidden, out=3))


def test_networks_of_whole_numbers_have_all_that_need_no_slope_at_the_inputs() -> None:
    names = [name for name in METRICS if name not in ("jacob_cov", "zen")]

    assert list(measure_metrics(names, whole(), signs(), 0)) == names
    with pytest.raises(UserError, match="by the network's inputs, so they must be floats; got int64"):
        of("jacob_cov", whole(), signs())
    with pytest.raises(UserError, match="noise to the network's inputs, so they must be floats"):
        of("zen", whole(), signs())


def exploding() -> Graph:
    """Outputs are infinite, and so is the flow."""

    def layers(builder: Builder, x: Value) -> Value:
        for _ in range(4):
            x = builder.add("exp", builder.add("exp", x))
        return builder.add("linear", x, out=3)

    return graph(4, of=layers)


@pytest.mark.parametrize("name", [name for name in REPEATED if name not in ("parameters", "macs")])
def test_a_metric_that_is_not_finite_is_a_failure_and_no_number(name: str) -> None:
    with pytest.raises(NotFinite, match=name):
        of(name, exploding(), signs())


def test_a_network_without_weights_has_no_flow_and_no_depth() -> None:
    bare = graph(4, of=lambda builder, x: builder.add("relu", x))
    task = numbers(8, 4, outputs=4)

    assert measure_metrics(["grad_norm", "snip"], bare, task, 0) == {"grad_norm": 0, "snip": 0}
    with pytest.raises(NotFinite, match="synflow: the flow along weights .* must be positive and finite; it is 0"):
        of("synflow", bare)
    with pytest.raises(NotFinite, match="criticality: no layer with weights"):
        of("criticality", bare, task)


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"one of parameters, macs, .*, latency_ms; got sinflow"):
        measure_metrics(["macs", "sinflow"], perceptron(3), signs(), 0)


@pytest.mark.parametrize("name", ["grad_norm", "naswot", "zen", "criticality"])
def test_a_network_that_does_not_fit_its_task_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"task signs wants networks from \[N, 4\] to \[N, 3\]"):
        of(name, perceptron(7), signs())


def test_what_looks_at_data_says_so_where_there_is_none() -> None:
    with pytest.raises(UserError, match="looks at a minibatch: use a task with data"):
        of("snip", perceptron(3), None)
    with pytest.raises(UserError, match="at least 2 training samples; task signs has 1"):
        of("snip", perceptron(3), signs(1))


def test_a_network_that_mixes_samples_is_refused() -> None:
    def mixed(builder: Builder, x: Value) -> Value:
        swapped = builder.add("transpose", builder.add("linear", x, out=1), first=0, second=1)
        return builder.add("repeat", swapped, dim=1, factor=3)

    with pytest.raises(UserError, match=r"wants \[64, 3\] for 64 samples; .* no operator may touch the batch"):
        of("snip", graph(4, of=mixed), signs())


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(UserError, match="device is 'cuda', but torch sees no GPU"):
        measure_metrics(["synflow"], perceptron(3), None, 0, device="cuda")


def test_the_names_are_known_without_torch() -> None:
    code = "import sys; from archsmith.evaluate.proxies import METRICS, PROXIES; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_minibatch_is_the_same_for_every_network_and_seed_and_of_all_parts_of_the_data() -> None:
    inputs = np.repeat(np.arange(4.0), 50)[:, None] * np.ones(4)  # sorted by class
    task = task_of(inputs, np.repeat(np.arange(4), 50), outputs=4)
    one, other = Probe.of(perceptron(4), task, 0).batch(), Probe.of(graph(4, of=plain), task, 7).batch()

    assert one.inputs.shape == (64, 4)
    assert torch.equal(one.inputs, other.inputs)
    assert set(one.targets.tolist()) == {0, 1, 2, 3}


def plain(builder: Builder, x: Value) -> Value:
    return builder.add("linear", x, out=4)


@pytest.mark.parametrize("name", ["grad_norm", "naswot", "criticality"])
def test_dropout_is_off(name: str) -> None:
    def dropping(rate: float) -> Graph:
        def layers(builder: Builder, x: Value) -> Value:
            hidden = builder.add("relu", builder.add("linear", x, out=8))
            return builder.add("linear", builder.add("dropout", hidden, rate=rate), out=3)

        return graph(4, of=layers)

    assert of(name, dropping(0.9), signs()) == of(name, dropping(0.0), signs())


def test_batch_norm_takes_the_statistics_of_the_minibatch() -> None:
    network = graph(4, of=lambda builder, x: builder.add("linear", builder.add("batch_norm1d", x), out=3))
    inputs, targets = signs().load().train

    assert of("snip", network, task_of(inputs * 100, targets, outputs=3)) == pytest.approx(
        of("snip", network, task_of(inputs, targets, outputs=3)), rel=1e-3
    )


def test_every_metric_has_its_row_in_the_page_about_proxies() -> None:
    page = (Path(__file__).parents[2] / "docs" / "proxies.md").read_text(encoding="utf-8")

    assert set(METRICS) <= set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
