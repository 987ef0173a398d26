"""A task's data: the digits are what their task says, and what is not is refused."""

from typing import Any

import numpy as np
import pytest
import torch

from archsmith.evaluate.digits import DIGITS
from archsmith.evaluate.task import Data, Task
from archsmith.evaluate.tensors import tensors
from archsmith.graph.errors import UserError

X, CLASSES = np.ones((3, 2), np.float32), np.array([0, 1, 1])


def task_of(inputs: Any, targets: Any, kind: str = "classification", outputs: int = 2) -> Task:
    part = (inputs, targets)
    return Task("mine", (2,), outputs, kind, lambda: Data(part, part, part))


def test_the_digits_are_split_in_proportion_and_never_overlap() -> None:
    data = tensors(DIGITS)
    parts = (data.train, data.val, data.test)
    images = {image.numpy().tobytes() for part in parts for image in part.inputs}

    assert [tuple(part.inputs.shape) for part in parts] == [(1077, 1, 8, 8), (360, 1, 8, 8), (360, 1, 8, 8)]
    assert len(images) == 1797
    assert all(33 <= count <= 38 for part in parts[1:] for count in part.targets.bincount().tolist())
    assert data.train.inputs.mean().item() == pytest.approx(0, abs=1e-5)
    assert data.train.inputs.std().item() == pytest.approx(1, abs=1e-4)


def test_data_is_read_once() -> None:
    calls = []

    def load() -> Data:
        calls.append(1)
        return Data((X, CLASSES), (X, CLASSES), (X, CLASSES))

    task = Task("mine", (2,), 2, "classification", load)

    assert tensors(task) is tensors(task)
    assert calls == [1]


def test_arrays_and_tensors_serve_alike() -> None:
    found = tensors(task_of(torch.ones(3, 2, dtype=torch.float64), np.array([1, 0, 1], np.uint8)))

    assert found.train.targets.tolist() == [1, 0, 1]
    assert found.train.targets.dtype == torch.int64


def test_one_number_a_sample_needs_no_second_dimension() -> None:
    found = tensors(task_of(X, np.array([1.0, 2.0, 3.0]), "regression", 1))

    assert found.val.targets.tolist() == [[1.0], [2.0], [3.0]]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (task_of(X[:, :1], CLASSES), r"mine, train data: inputs must be \[N, 2\]; got \[3, 1\]"),
        (task_of(X, CLASSES[:2]), "one target for each of at least 1 inputs; got 3 inputs and 2 targets"),
        (task_of(X[:0], CLASSES[:0]), "got 0 inputs"),
        (task_of(X * np.nan, CLASSES), "inputs must be finite"),
        (task_of(X, CLASSES + 1), r"class numbers \[N\] from 0 to 1; got int64\[3\] from 1 to 2"),
        (task_of(X, CLASSES * 1.0), r"class numbers .* got float64\[3\] from 0 to 1"),
        (task_of(X, X, "regression", 1), r"finite numbers \[N, 1\]; got float32\[3, 2\] from 1 to 1"),
        (task_of(X, X * np.inf, "regression", 2), "finite numbers"),
        (task_of(X, X, "regression", 2), r"val data: targets must differ, .* all are \[1.0, 1.0\]"),
    ],
)
def test_data_that_is_not_what_the_task_says_is_refused(task: Task, message: str) -> None:
    with pytest.raises(UserError, match=message):
        tensors(task)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "ranking"}, "task t: kind must be classification or regression; got 'ranking'"),
        ({"outputs": 1}, "task t: outputs must be at least 2; got 1"),
        ({"input_shape": [2]}, r"task t: input_shape .* a tuple of sizes of at least 1; got \[2\]"),
        ({"input_shape": (0, 8)}, r"task t: input_shape .* at least 1; got \(0, 8\)"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused(changed: dict[str, Any], message: str) -> None:
    usual: dict[str, Any] = {"name": "t", "input_shape": (2,), "outputs": 2, "kind": "classification"}

    with pytest.raises(UserError, match=message):
        Task(**usual | changed, load=DIGITS.load)
