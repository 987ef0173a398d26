"""The training of one network, an epoch at a time, with all that decides how it goes on."""

from math import cos, isfinite, pi
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from archsmith.evaluate.augmentation import augmented
from archsmith.evaluate.evaluator import NotFinite
from archsmith.evaluate.settings import Budget, TrainingSettings
from archsmith.evaluate.task import Task
from archsmith.evaluate.tensors import Samples
from archsmith.graph.errors import UserError


class Learning:
    """A module on its way through a budget. What its dropout draws comes from torch's global generator."""

    def __init__(
        self, module: nn.Module, train: Samples, task: Task, settings: TrainingSettings, budget: Budget, seed: int
    ) -> None:
        """``train`` and ``module`` are on the device of the settings."""
        self.module = module
        self._train, self._task, self._settings = train, task, settings
        # Batches of at least the demanded size: a short last one would be noise to batch norm, and one of a
        # single sample an error.
        self._batches = max(1, len(train) // settings.batch_size)
        self._steps = budget.steps or self._batches * (budget.epochs or 0)
        self._optimizer, self._schedule = _optimizer(module, settings, self._steps)
        self._shuffle = torch.Generator().manual_seed(seed)
        self._vary = torch.Generator().manual_seed(seed + 1)  # one of its own: the order of samples is the same with it
        self.done = 0
        """Epochs behind it."""

    @property
    def epochs(self) -> int:
        """How many epochs the budget has; of a budget of steps, the last may be a part of one."""
        return -(-self._steps // self._batches)

    def epoch(self) -> float:
        """Train for one more epoch; its mean loss.

        Raises:
            NotFinite: the loss became NaN or infinite.
            UserError: the network gives another number of samples than it is given.
        """
        self.module.train()
        losses: list[float] = []
        step = self.done * self._batches
        for chosen in torch.randperm(len(self._train), generator=self._shuffle).tensor_split(self._batches):
            if step == self._steps:
                break
            step += 1
            inputs = augmented(self._train.inputs[chosen], self._settings.augmentation, self._vary)
            loss = self._loss(inputs, self._train.targets[chosen])
            losses.append(loss.item())
            if not isfinite(losses[-1]):
                raise NotFinite(f"the training loss became {losses[-1]} in step {step} of {self._steps}")
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
            self._optimizer.step()
            self._schedule.step()
        self.done += 1
        return sum(losses) / len(losses)

    def state(self) -> dict[str, Any]:
        """All that the epochs to come depend on: tensors, numbers and containers of them.

        It shares its tensors with the module, so it is to be written before the next epoch.
        """
        device = next(self.module.parameters(), torch.empty(0)).device
        return {
            "done": self.done,
            "module": self.module.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "shuffle": self._shuffle.get_state(),
            "vary": self._vary.get_state(),
            "dropout": torch.get_rng_state(),
            "dropout on the device": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there: a ``state`` of the same module, settings, budget and data."""
        self.done = state["done"]
        self.module.load_state_dict(state["module"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self._shuffle.set_state(state["shuffle"])
        self._vary.set_state(state["vary"])
        torch.set_rng_state(state["dropout"])
        if state["dropout on the device"] is not None:
            torch.cuda.set_rng_state(state["dropout on the device"], self._settings.device)

    def _loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        outputs: Tensor = self.module(inputs)
        if outputs.shape != (len(inputs), self._task.outputs):
            raise UserError(
                f"task {self._task.name} wants {[len(inputs), self._task.outputs]} for {len(inputs)} samples;"
                f" the network gives {list(outputs.shape)}: no operator may touch the batch dimension"
            )
        if self._task.kind == "classification":
            return functional.cross_entropy(outputs, targets)
        return functional.mse_loss(outputs, targets.to(outputs.dtype))


def _optimizer(module: nn.Module, settings: TrainingSettings, steps: int) -> tuple[Optimizer, LambdaLR]:
    rate, decay = settings.learning_rate, settings.weight_decay
    optimizer: Optimizer
    if settings.optimizer == "adamw":
        optimizer = AdamW(module.parameters(), lr=rate, weight_decay=decay)
    else:
        optimizer = SGD(module.parameters(), lr=rate, weight_decay=decay, momentum=0.9, nesterov=True)
    return optimizer, LambdaLR(optimizer, lambda step: rate_at(settings.schedule, step, steps))


def rate_at(schedule: str, step: int, steps: int) -> float:
    """The learning rate in a step (from 0) of ``steps``, as a share of the highest."""
    return (1 + cos(pi * step / steps)) / 2 if schedule == "cosine" else 1.0
