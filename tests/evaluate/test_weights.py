"""Weights in files: complete or absent, and the same network when they are read."""

from pathlib import Path
from typing import Any

import pytest
import torch

from archsmith.evaluate.evaluator import NotWritten
from archsmith.evaluate.quality import quality
from archsmith.evaluate.settings import Budget, TrainingSettings
from archsmith.evaluate.tensors import tensors
from archsmith.evaluate.training import TrainingEvaluator
from archsmith.evaluate.weights import save_weights, trained_module
from archsmith.graph.errors import UserError
from tests.evaluate.toys import perceptron, signs

NET = perceptron(3)


def test_saved_weights_reproduce_the_test_accuracy(tmp_path: Path) -> None:
    task, path = signs(), tmp_path / "kept" / "weights.pt"
    evaluator = TrainingEvaluator(task, TrainingSettings(), weights=path)
    found = evaluator.measure(NET, Budget(epochs=6), 3, lambda epoch, metrics: None)

    assert quality(trained_module(NET, path), tensors(task).test, task.kind) == found.metrics["test_accuracy"]
    assert [entry.name for entry in path.parent.iterdir()] == ["weights.pt"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"old")

    def fails(weights: Any, where: Path) -> None:
        where.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", fails)

    with pytest.raises(NotWritten, match=r"cannot be written \(no space"):
        save_weights(torch.nn.Linear(2, 2), path)
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("weights.pt", b"old")]


def test_weights_that_are_not_there_or_not_these_are_refused(tmp_path: Path) -> None:
    text, other, more = tmp_path / "text", tmp_path / "other", tmp_path / "more"
    torch.save({"path": more}, more)
    text.write_text("not weights", encoding="utf-8")
    save_weights(torch.nn.Linear(2, 2), other)

    for path, message in (
        (tmp_path / "none", "there is none"),
        (text, "not one"),
        (other, "this architecture"),
        (more, "holds more than weights"),
    ):
        with pytest.raises(UserError, match=message):
            trained_module(NET, path)


def test_memory_that_runs_out_while_weights_are_saved_is_no_fault_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(weights: Any, where: Path) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")

    monkeypatch.setattr(torch, "save", fails)

    with pytest.raises(RuntimeError, match="can't allocate memory"):
        save_weights(torch.nn.Linear(2, 2), tmp_path / "weights.pt")
