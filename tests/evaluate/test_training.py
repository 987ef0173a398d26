"""Training: it learns, repeats itself to the last bit, and says plainly what does not fit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from archsmith.evaluate.digits import DIGITS
from archsmith.evaluate.evaluator import Measurement, NotFinite
from archsmith.evaluate.learning import rate_at
from archsmith.evaluate.settings import Budget, TrainingSettings
from archsmith.evaluate.task import Task
from archsmith.evaluate.training import TrainingEvaluator
from archsmith.graph.builder import Builder
from archsmith.graph.cost import macs, parameters
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph, Value
from archsmith.graph.ops import DECLARED
from tests.evaluate.toys import DIGITS_NET, graph, perceptron, signs, sums

Reports = list[tuple[int, Mapping[str, float]]]


def train(
    task: Task,
    network: Graph,
    budget: Budget,
    *,
    seed: int = 0,
    weights: Path | None = None,
    **settings: Any,
) -> tuple[Measurement, Reports]:
    reports: Reports = []
    evaluator = TrainingEvaluator(task, TrainingSettings.from_json(settings), weights=weights)
    found = evaluator.measure(network, budget, seed, lambda epoch, metrics: reports.append((epoch, metrics)))
    return found, reports


def timeless(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name != "seconds"}


def test_digits_are_learnt_in_a_few_epochs() -> None:
    found, reports = train(DIGITS, DIGITS_NET, Budget(epochs=4))

    assert found.value > 0.9
    assert found.value == found.metrics["val_accuracy"] == reports[-1][1]["val_accuracy"]
    assert abs(found.metrics["test_accuracy"] - found.value) < 0.05
    assert found.metrics["parameters"] == parameters(DIGITS_NET, DECLARED)
    assert found.metrics["macs"] == macs(DIGITS_NET, DECLARED)
    assert [epoch for epoch, _ in reports] == [1, 2, 3, 4]
    assert all({"train_loss", "val_accuracy", "seconds"} == metrics.keys() for _, metrics in reports)
    assert reports[-1][1]["train_loss"] < 0.5 * reports[0][1]["train_loss"]


def test_regression_explains_what_is_linear() -> None:
    found, _ = train(sums(), perceptron(2), Budget(epochs=60), learning_rate=0.02)

    assert found.value == found.metrics["val_r2"] > 0.8
    assert found.metrics["test_r2"] > 0.8


@pytest.mark.parametrize("settings", [{"optimizer": "sgd", "learning_rate": 0.1}, {"schedule": "constant"}])
def test_other_optimizers_and_schedules_learn_too(settings: dict[str, Any]) -> None:
    found, reports = train(signs(), perceptron(3), Budget(epochs=40), **settings)
    usual, _ = train(signs(), perceptron(3), Budget(epochs=40))

    assert reports[-1][1]["train_loss"] < 0.6 * reports[0][1]["train_loss"]
    assert timeless(found.metrics) != timeless(usual.metrics)


def test_the_cosine_schedule_falls_to_zero_at_the_end_of_the_budget() -> None:
    assert [rate_at("cosine", step, 4) for step in range(5)] == pytest.approx([1, 0.854, 0.5, 0.146, 0], abs=1e-3)
    assert [rate_at("constant", step, 4) for step in range(5)] == [1] * 5


def test_the_same_seed_gives_the_same_weights_to_the_last_bit(tmp_path: Path) -> None:
    runs = []
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        path = tmp_path / name
        found, reports = train(signs(), perceptron(3), Budget(epochs=5), seed=seed, weights=path)
        weights = torch.load(path, weights_only=True)
        runs.append((timeless(found.metrics), [timeless(m) for _, m in reports], weights))
    first, again, other = runs

    assert first[:2] == again[:2]
    assert all(torch.equal(first[2][name], again[2][name]) for name in first[2])
    assert first[:2] != other[:2]


def test_training_leaves_the_generator_of_the_caller_alone() -> None:
    state = torch.random.get_rng_state()
    train(signs(), perceptron(3), Budget(epochs=1))

    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_budget_of_steps_ends_within_an_epoch() -> None:
    _, reports = train(signs(96), perceptron(3), Budget(steps=7), batch_size=32)  # three batches an epoch

    assert [epoch for epoch, _ in reports] == [1, 2, 3]


@pytest.mark.parametrize("count", [2, 33, 63, 65])
def test_no_batch_is_too_small_for_batch_norm(count: int) -> None:
    _, reports = train(signs(count), perceptron(3), Budget(epochs=1), batch_size=32)

    assert len(reports) == 1


def test_a_loss_that_explodes_is_not_finite() -> None:
    with pytest.raises(NotFinite, match=r"the training loss became (nan|inf) in step \d+ of 48"):
        train(DIGITS, DIGITS_NET, Budget(epochs=3), optimizer="sgd", learning_rate=1e30)


def test_outputs_that_explode_after_the_last_loss_are_not_finite() -> None:
    with pytest.raises(NotFinite, match="outputs became NaN or infinite"):
        train(signs(), perceptron(3), Budget(steps=1), optimizer="sgd", learning_rate=1e38)


def ends_in(*shape: int) -> Graph:
    return graph(*shape, of=lambda builder, x: builder.add("relu", x))


def undecided(builder: Builder, x: Value) -> Value:
    return builder.add("argmax", builder.add("linear", x, out=3), dim=1)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            perceptron(7),
            r"task signs wants networks from \[N, 4\] to \[N, 3\]; this network goes from \[N, 4\] to"
            r' \[N, 7\]: end the network with op\("linear", out=3\)',
        ),
        (
            ends_in(2, 4),
            r"goes from \[N, 2, 4\] to \[N, 2, 4\]: make the space for input=\(4,\)",
        ),
        (graph(4, of=undecided), r"from \[N, 4\] to int64\[N\]"),
        (Graph(perceptron(3).nodes, perceptron(3).outputs * 2), r"to \[N, 3\] and \[N, 3\]"),
    ],
)
def test_a_network_that_does_not_fit_its_task_is_refused(network: Graph, message: str) -> None:
    with pytest.raises(UserError, match=message):
        train(signs(), network, Budget(epochs=1))


def test_a_network_that_mixes_samples_is_refused() -> None:
    def mixed(builder: Builder, x: Value) -> Value:
        swapped = builder.add("transpose", builder.add("linear", x, out=1), first=0, second=1)
        return builder.add("repeat", swapped, dim=1, factor=3)

    with pytest.raises(UserError, match=r"wants \[96, 3\] for 96 samples; .* \[1, 288\]: no operator may touch"):
        train(signs(), graph(4, of=mixed), Budget(epochs=1))


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(UserError, match="setting device is 'cuda', but torch sees no GPU"):
        train(signs(), perceptron(3), Budget(epochs=1), device="cuda")
