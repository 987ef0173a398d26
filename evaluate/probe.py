"""What a proxy looks at: an untrained network, a fixed minibatch of its task, and the seed of all that is random."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archsmith.evaluate.task import Task, check_space_fits
from archsmith.evaluate.tensors import Samples, tensors
from archsmith.graph import cost
from archsmith.graph.book import RuleBook
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.runtime.lower import DTYPES, lower
from archsmith.runtime.modules import book_of

BATCH = 64
"""Samples in the minibatch, if the task has as many; drawn from the training part, the same for every network."""

BatchNorm = nn.modules.batchnorm._BatchNorm


@dataclass(frozen=True, slots=True)
class Probe:
    """An architecture to be probed; ``task`` is None where there is no data, ``device`` is that of torch."""

    graph: Graph
    book: RuleBook
    task: Task | None
    seed: int
    device: torch.device

    @staticmethod
    def of(graph: Graph, task: Task | None, seed: int, device: str = "cpu") -> "Probe":
        """A probe with the book of the graph (``UserError`` for a device that is not there)."""
        if device != "cpu" and not torch.cuda.is_available():
            raise UserError(f"device is {device!r}, but torch sees no GPU on this machine; use cpu")
        return Probe(graph, book_of(graph), task, seed, torch.device(device))

    def network(self, graph: Graph | None = None) -> nn.Module:
        """The network, or that of another graph, in evaluation mode with the seed's initial weights: new at every call.

        Weights are drawn on the CPU, and so are the same on every device.
        """
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            module = lower(graph or self.graph, self.book)
        return module.to(self.device).eval()

    def batch(self) -> Samples:
        """``BATCH`` samples of the training part, or all of fewer, inputs in the dtype that the network takes.

        Raises:
            UserError: there is no task, its training part is a single sample, or the network does not fit it.
        """
        if self.task is None:
            raise UserError("this proxy looks at a minibatch: use a task with data, as digits, or another proxy")
        check_space_fits(self.task, self.graph)
        train = tensors(self.task).train
        if len(train) < 2:
            raise UserError(f"a proxy wants at least 2 training samples; task {self.task.name} has {len(train)}")
        # Not the first ones: a user's data may be sorted by class.
        chosen = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:BATCH]
        samples = Samples(train.inputs[chosen], train.targets[chosen])
        return samples.to(self.device, DTYPES[self.graph.input_types[0].dtype])

    def differentiable_batch(self) -> Tensor:
        """The minibatch's inputs, by which outputs can be differentiated (``UserError`` if they are no floats)."""
        inputs = self.batch().inputs
        if not inputs.is_floating_point():
            raise UserError(
                "this proxy differentiates by the network's inputs, so they must be floats;"
                f" got {self.graph.input_types[0].dtype}"
            )
        return inputs.requires_grad_()

    def noise(self) -> torch.Generator:
        """A generator of the CPU with the seed: what it draws is not what the weights were drawn from."""
        return torch.Generator().manual_seed(self.seed + 1)


def parameters(probe: Probe) -> float:
    """Trainable numbers in the whole network, by its rules."""
    return float(cost.parameters(probe.graph, probe.book))


def macs(probe: Probe) -> float:
    """Multiply-accumulates of one sample, by its rules; see ``archsmith.graph.cost.macs``."""
    return float(cost.macs(probe.graph, probe.book))


def normalising_by_batch(module: nn.Module) -> nn.Module:
    """The module in evaluation mode but for batch norm, which takes the statistics of the minibatch.

    An untrained batch norm has no others. Dropout stays off, so that nothing is random.
    """
    module.eval()
    for part in module.modules():
        if isinstance(part, BatchNorm):
            part.train()
    return module


def weights(module: nn.Module) -> list[Tensor]:
    """The trainable parameters of at least two dimensions: no biases, and no scales and shifts of normalisation."""
    return [p for p in module.parameters() if p.requires_grad and p.dim() >= 2 and p.is_floating_point()]


class InDouble(TorchFunctionMode):
    """Within it, casts to float32 become casts to float64, so that a network made ``double()`` stays that.

    ``cast`` operators and layers of a user's own name the dtype themselves. Deriving is how torch lets one see calls.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        wide: Any = Tensor.double if func is Tensor.float else func
        return wide(*map(_widened, args), **{name: _widened(value) for name, value in (kwargs or {}).items()})


def _widened(argument: object) -> object:
    return torch.float64 if argument is torch.float32 else argument
