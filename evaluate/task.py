"""Tasks: the data that an architecture is trained and measured on, and what it must map to what.

A task is light: its data is read by ``load`` in the process that trains, so a task can be named, shown and
compared with a space where torch is not even imported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.types import FLOATS, TensorType

if TYPE_CHECKING:
    import numpy
    import torch

    Array = numpy.ndarray[Any, Any] | torch.Tensor

KINDS = ("classification", "regression")


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Inputs and targets of each part, the first dimension counting samples.

    Inputs are ``[N, *input_shape]``. Targets are class numbers ``[N]`` from 0, or numbers ``[N, outputs]``
    (``[N]`` will do for one output). A search is led by the validation part, and by the test part never.
    """

    train: "tuple[Array, Array]"
    val: "tuple[Array, Array]"
    test: "tuple[Array, Array]"


@dataclass(frozen=True, slots=True)
class Task:
    """Data by name. ``input_shape`` is that of one sample; ``outputs`` are classes, or predicted numbers."""

    name: str
    input_shape: tuple[int, ...]
    outputs: int
    kind: str
    load: Callable[[], Data]

    @property
    def objective(self) -> str:
        """The name of the number that a study of this task maximises."""
        return "val_accuracy" if self.kind == "classification" else "val_r2"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(f"task {self.name}: kind must be {' or '.join(KINDS)}; got {self.kind!r}")
        least = 2 if self.kind == "classification" else 1
        if not isinstance(self.outputs, int) or self.outputs < least:
            raise UserError(f"task {self.name}: outputs must be at least {least}; got {self.outputs!r}")
        if not isinstance(self.input_shape, tuple) or any(
            not isinstance(size, int) or size < 1 for size in self.input_shape
        ):
            raise UserError(
                f"task {self.name}: input_shape is the shape of one sample, a tuple of sizes of at least 1;"
                f" got {self.input_shape!r}"
            )


def check_space_fits(task: Task, graph: Graph) -> None:
    """Raise a ``UserError`` that names both shapes unless the network maps the samples to the outputs."""
    taken, given = graph.input_types, graph.output_types
    wanted_in, wanted_out = (1, *task.input_shape), (1, task.outputs)
    fits_in = [found.shape for found in taken] == [wanted_in]
    fits_out = [found.shape for found in given] == [wanted_out] and given[0].dtype in FLOATS
    if fits_in and fits_out:
        return
    hint = (
        f'end the network with op("linear", out={task.outputs}) on one row of numbers a sample'
        if fits_in
        else f"make the space for input={task.input_shape}"
    )
    raise UserError(
        f"task {task.name} wants networks from {batched(wanted_in)} to {batched(wanted_out)};"
        f" this network goes from {_listed(taken)} to {_listed(given)}: {hint}"
    )


def batched(shape: tuple[int, ...]) -> str:
    """A shape with its batch dimension as a letter: ``[N, 1, 8, 8]``."""
    return f"[{', '.join(['N', *map(str, shape[1:])])}]"


def _listed(types: tuple[TensorType, ...]) -> str:
    return " and ".join(map(_shown, types)) or "nothing"


def _shown(given: TensorType) -> str:
    prefix = "" if given.dtype in FLOATS else given.dtype
    return prefix + (batched(given.shape) if given.shape[:1] == (1,) else str(list(given.shape)))
