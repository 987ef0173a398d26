"""A task's data as tensors, checked once and kept: every trial of a worker trains on the same ones."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from archsmith.evaluate.task import Task, batched
from archsmith.graph.errors import UserError

if TYPE_CHECKING:
    from archsmith.evaluate.task import Array


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Inputs ``[N, *input_shape]``; targets int64 ``[N]`` (classes) or float32 ``[N, outputs]`` (numbers)."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def to(self, device: torch.device, dtype: torch.dtype) -> "Samples":
        """The same samples on a device, inputs in the dtype that a network takes."""
        return Samples(self.inputs.to(device, dtype), self.targets.to(device))


@dataclass(frozen=True, slots=True, eq=False)
class Tensors:
    """The three parts of a task's data."""

    train: Samples
    val: Samples
    test: Samples


@lru_cache(maxsize=4)
def tensors(task: Task) -> Tensors:
    """The task's data, read at the first call.

    Raises:
        UserError: the data is not what the task says it is.
    """
    data = task.load()
    return Tensors(*(_samples(task, part, *getattr(data, part)) for part in ("train", "val", "test")))


def _samples(task: Task, part: str, inputs: "Array", targets: "Array") -> Samples:
    found = Samples(torch.as_tensor(inputs), torch.as_tensor(targets))
    where, wanted = f"task {task.name}, {part} data", (1, *task.input_shape)
    if len(found.inputs.shape) != len(wanted) or found.inputs.shape[1:] != wanted[1:]:
        raise UserError(f"{where}: inputs must be {batched(wanted)}; got {list(found.inputs.shape)}")
    if not len(found) or len(found.targets) != len(found):
        raise UserError(
            f"{where}: there must be one target for each of at least 1 inputs;"
            f" got {len(found)} inputs and {len(found.targets)} targets"
        )
    if not torch.isfinite(found.inputs).all():
        raise UserError(f"{where}: inputs must be finite; some are NaN or infinite")
    check = _classes if task.kind == "classification" else _numbers
    return Samples(found.inputs, check(task, where, found.targets))


def _classes(task: Task, where: str, targets: Tensor) -> Tensor:
    whole = not targets.is_floating_point() and not targets.is_complex()
    if targets.dim() != 1 or not whole or targets.min() < 0 or targets.max() >= task.outputs:
        raise UserError(
            f"{where}: targets must be class numbers [N] from 0 to {task.outputs - 1}; got {_described(targets)}"
        )
    return targets.long()


def _numbers(task: Task, where: str, targets: Tensor) -> Tensor:
    columns = targets.float()[:, None] if targets.dim() == 1 else targets.float()
    if list(columns.shape) != [len(targets), task.outputs] or not torch.isfinite(columns).all():
        raise UserError(
            f"{where}: targets must be finite numbers {batched((1, task.outputs))}; got {_described(targets)}"
        )
    if not where.endswith("train data") and (columns == columns[0]).all():
        raise UserError(f"{where}: targets must differ, or R^2 has no meaning; all are {columns[0].tolist()}")
    return columns


def _described(targets: Tensor) -> str:
    dtype = str(targets.dtype).removeprefix("torch.")
    return f"{dtype}{list(targets.shape)} from {targets.min().item():g} to {targets.max().item():g}"
