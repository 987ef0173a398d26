"""Checkpoints: a training that stops and goes on is the one that runs through, and no file is taken on trust."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.evaluate.checkpoint import Checkpoint, Facts, Rung, load_checkpoint, save_checkpoint
from archsmith.evaluate.digits import DIGITS
from archsmith.evaluate.entry import measure
from archsmith.evaluate.evaluator import BadCheckpoint, Measurement, NotWritten
from archsmith.evaluate.inheritance import Parent
from archsmith.evaluate.settings import TrainingSettings
from archsmith.evaluate.task import Task
from archsmith.evaluate.training import TrainingEvaluator
from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.loading import load_object
from archsmith.graph.ops import DECLARED
from archsmith.graph.text import to_json
from archsmith.graph.types import TensorType
from archsmith.runtime.modules import module
from tests.evaluate.toys import DIGITS_NET, perceptron, signs

NET = perceptron(3)
OF: Facts = {"graph": "abc", "seed": 3}
Reports = list[tuple[int, Mapping[str, float]]]


def trained(
    settings: TrainingSettings,
    weights: Path,
    *rungs: Rung,
    task: Task | None = None,
    network: Graph = NET,
    seed: int = 5,
    parent: Parent | None = None,
) -> tuple[list[Measurement], Reports]:
    """A training in one run for each rung, each with torch's global generator somewhere else."""
    found, reports, task = [], Reports(), task or signs()
    for number, rung in enumerate(rungs):
        torch.manual_seed(100 + number)
        run = TrainingEvaluator(task, settings, weights=weights, rung=rung, parent=parent)
        found.append(run.measure(network, settings.budget, seed, lambda n, metrics: reports.append((n, metrics))))
    return found, reports


def timeless(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name != "seconds"}


def same_weights(one: Path, other: Path) -> bool:
    first, second = (torch.load(path, weights_only=True) for path in (one, other))
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@settings(max_examples=25)
@given(
    stops=st.sets(st.integers(1, 5)),
    optimizer=st.sampled_from(["adamw", "sgd"]),
    schedule=st.sampled_from(["cosine", "constant"]),
    budget=st.sampled_from([{"epochs": 6}, {"steps": 17}]),  # three batches an epoch, so six epochs
    seed=st.integers(0, 3),
)
def test_pausing_anywhere_changes_nothing(
    place: Path, stops: set[int], optimizer: str, schedule: str, budget: dict[str, int], seed: int
) -> None:
    given = TrainingSettings.from_json(
        {"batch_size": 32, "optimizer": optimizer, "schedule": schedule, "learning_rate": 0.01, **budget}
    )
    through, through_reports = trained(given, place / "through.pt", Rung(), seed=seed)
    file = place / "paused"
    rungs = [Rung(stop, file, file) for stop in sorted(stops)] + [Rung(None, file, file)]
    rungs[0] = replace(rungs[0], resume=None)
    parts, reports = trained(given, place / "parts.pt", *rungs, seed=seed)

    assert [(n, timeless(metrics)) for n, metrics in reports] == [(n, timeless(m)) for n, m in through_reports]
    assert [part.complete for part in parts] == [False] * len(stops) + [True]
    assert [part.epochs for part in parts] == [*sorted(stops), 6]
    assert timeless(parts[-1].metrics) == timeless(through[0].metrics)
    assert parts[-1].value == through[0].value
    assert same_weights(place / "through.pt", place / "parts.pt")


def test_augmentation_and_inheritance_go_on_where_they_stopped(tmp_path: Path) -> None:
    given = TrainingSettings.from_json({"epochs": 2, "augmentation": "crop+flip", "batch_size": 256})
    trained(given, tmp_path / "parent.pt", Rung(), task=DIGITS, network=DIGITS_NET, seed=1)
    parent, file = Parent(DIGITS_NET, tmp_path / "parent.pt"), tmp_path / "paused"
    rungs = Rung(1, checkpoint=file), Rung(resume=file)

    through, _ = trained(given, tmp_path / "one.pt", Rung(), task=DIGITS, network=DIGITS_NET, parent=parent)
    first, _ = trained(given, tmp_path / "two.pt", rungs[0], task=DIGITS, network=DIGITS_NET, parent=parent)
    second, _ = trained(given, tmp_path / "two.pt", rungs[1], task=DIGITS, network=DIGITS_NET)  # the parent may be gone

    assert first[0].metrics["inherited"] == second[0].metrics["inherited"] == 1
    assert timeless(second[0].metrics) == timeless(through[0].metrics)
    assert same_weights(tmp_path / "one.pt", tmp_path / "two.pt")


def test_a_fresh_process_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    (tmp_path / "my_task.py").write_text("from tests.evaluate.toys import signs\ntask = signs()\n", encoding="utf-8")
    base = {"graph": to_json(NET), "task": f"{tmp_path}/my_task.py", "settings": {"epochs": 4}, "seed": 5}
    one, other, file = (str(tmp_path / name) for name in ("one.pt", "other.pt", "paused"))
    code = (
        "import json, sys\n"
        "from archsmith.evaluate.entry import measure\n"
        "print(json.dumps(measure(json.loads(sys.argv[1]), lambda report: None)))\n"
    )
    through = measure({**base, "weights": one}, lambda report: None)
    paused = measure({**base, "weights": other, "until": 3, "checkpoint": file}, lambda report: None)
    command = [sys.executable, "-c", code, json.dumps({**base, "weights": other, "resume": file})]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])
    finished = json.loads(result.stdout)

    assert (paused["state"], paused["epochs"]) == ("paused", 3)
    assert timeless(through.pop("metrics")) == timeless(finished.pop("metrics"))
    assert through == finished == {"state": "complete", "epochs": 4, "value": through["value"]}
    assert same_weights(Path(one), Path(other))


def test_a_rung_has_the_value_of_its_epoch_and_is_not_tested(tmp_path: Path) -> None:
    given = TrainingSettings.from_json({"epochs": 4})
    (paused,), reports = trained(given, tmp_path / "w.pt", Rung(2, tmp_path / "paused"))

    assert paused.value == paused.metrics["val_accuracy"] == reports[1][1]["val_accuracy"]
    assert {"train_loss", "val_accuracy", "seconds", "parameters", "macs"} == paused.metrics.keys()
    assert [entry.name for entry in tmp_path.iterdir()] == ["paused"]


def test_a_rung_that_was_reached_before_is_answered_again_without_training(tmp_path: Path) -> None:
    given, file = TrainingSettings.from_json({"epochs": 4}), tmp_path / "paused"
    found, reports = trained(given, tmp_path / "w.pt", Rung(2, file), Rung(2, file, file), Rung(None, file, file))

    assert found[0] == found[1]
    assert [number for number, _ in reports] == [1, 2, 3, 4]


def test_seconds_count_those_before_the_checkpoint(tmp_path: Path) -> None:
    given, file, now = TrainingSettings.from_json({"epochs": 4}), tmp_path / "paused", 0.0

    def clock() -> float:
        nonlocal now
        now += 10.0
        return now

    seconds = []
    for rung in (Rung(2, file), Rung(3, file, file)):
        run = TrainingEvaluator(signs(), given, rung=rung, clock=clock)
        seconds.append(run.measure(NET, given.budget, 0, lambda n, metrics: None).metrics["seconds"])

    assert seconds == [20.0, 30.0]


@pytest.mark.parametrize(
    ("rung", "message"),
    [
        ({"until": 5}, "until must not exceed the budget, which is 4 epochs; got 5"),
        ({"until": 1, "resume": True}, "until counts all epochs, and .* has had 2; got 1"),
        ({"until": 0}, "until must be a number of epochs, at least 1; got 0"),
        ({"until": True}, "until must be a number of epochs, at least 1; got True"),
        ({"until": 1.5}, "until must be a number of epochs, at least 1; got 1.5"),
    ],
)
def test_a_rung_that_makes_no_sense_is_refused(rung: dict[str, Any], message: str, tmp_path: Path) -> None:
    given, file = TrainingSettings.from_json({"epochs": 4}), tmp_path / "paused"
    trained(given, tmp_path / "w.pt", Rung(2, file))

    with pytest.raises(UserError, match=message):
        trained(given, tmp_path / "w.pt", Rung(rung["until"], None, file if "resume" in rung else None))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 6}, "another training: its seed is not this"),
        (
            {"network": perceptron(4), "task": Task("signs", (4,), 4, "classification", signs().load)},
            "its graph is not",
        ),
        ({"task": signs(64)}, "its training samples is not this"),
        ({"settings": {"epochs": 5}}, "its setting epochs is not this"),
        ({"settings": {"epochs": 4, "learning_rate": 0.1, "optimizer": "sgd"}}, "optimizer, setting learning_rate are"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(changed: dict[str, Any], message: str, tmp_path: Path) -> None:
    file = tmp_path / "paused"
    trained(TrainingSettings.from_json({"epochs": 4}), tmp_path / "w.pt", Rung(2, file))
    given = TrainingSettings.from_json(changed.pop("settings", {"epochs": 4}))

    with pytest.raises(BadCheckpoint, match=f"{message}.*: train from the beginning, without resume"):
        trained(given, tmp_path / "w.pt", Rung(resume=file), **changed)


OWN = """
from torch import nn

class Scale(nn.Module):
    \"\"\"Scales.\"\"\"

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Linear(4, {units})

    def forward(self, x):
        return x * self.factor(x).mean(1, keepdim=True)
"""


def test_a_checkpoint_of_a_module_that_has_changed_since_is_refused(tmp_path: Path) -> None:
    own, given, file = tmp_path / "own_scale.py", TrainingSettings.from_json({"epochs": 2}), tmp_path / "paused"

    def network(units: int) -> Graph:
        own.write_text(OWN.format(units=units), encoding="utf-8")
        sys.modules.pop("archsmith_user_own_scale", None)
        cls = load_object(f"{own}:Scale", default="Scale")
        assert isinstance(cls, type)
        builder = Builder(DECLARED.extended([module(cls)]))
        scaled = builder.apply(f"{own}:Scale", (builder.input(TensorType((1, 4))),), {})[0]
        return builder.finish(builder.add("linear", scaled, out=3))

    trained(given, tmp_path / "w.pt", Rung(1, file), network=network(2))
    with pytest.raises(BadCheckpoint, match="a module of the network has changed since"):
        trained(given, tmp_path / "w.pt", Rung(resume=file), network=network(3))


def test_a_checkpoint_that_is_missing_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(BadCheckpoint, match="cannot be read .*: train from the beginning"):
            load_checkpoint(path, OF)


def test_a_checkpoint_that_is_damaged_anywhere_is_refused(tmp_path: Path) -> None:
    path, source = tmp_path / "paused", Random(0)
    save_checkpoint(Checkpoint(OF, {"weight": torch.zeros(3)}, {"loss": 0.5}), path)
    whole = path.read_bytes()
    damaged = [b"", b"text", whole[:20], whole[:-1], whole + b"0"]
    for place in source.sample(range(len(whole)), 100):
        damaged.append(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])

    assert torch.equal(load_checkpoint(path, OF).state["weight"], torch.zeros(3))
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(BadCheckpoint, match="is damaged, or was not written by this version"):
            load_checkpoint(path, OF)


class Trap:
    """What would run code, were it unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_checkpoint_that_holds_code_runs_none(tmp_path: Path) -> None:
    path, touched = tmp_path / "paused", tmp_path / "touched"
    save_checkpoint(Checkpoint(OF, {"trap": Trap(touched)}, {}), path)

    with pytest.raises(BadCheckpoint, match="holds what no checkpoint does"):
        load_checkpoint(path, OF)
    assert not touched.exists()


def test_a_write_that_fails_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "paused"
    save_checkpoint(Checkpoint(OF, {"epoch": 1}, {}), path)

    def fails(where: Path, content: bytes) -> None:
        with where.open("wb") as file:
            file.write(content[:10])
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_bytes", fails)

    with pytest.raises(NotWritten, match=r"must take the checkpoints .* cannot be written \(no space"):
        save_checkpoint(Checkpoint(OF, {"epoch": 2}, {}), path)
    assert load_checkpoint(path, OF).state == {"epoch": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["paused"]
