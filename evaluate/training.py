"""Measuring an architecture by training it."""

from collections.abc import Callable, Iterator
from math import cos, isfinite, pi
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from archsmith.evaluate.augmentation import augmented
from archsmith.evaluate.evaluator import Measurement, NotFinite, Report
from archsmith.evaluate.quality import WORDS, quality
from archsmith.evaluate.recipe import check_settings_fit
from archsmith.evaluate.settings import Budget, TrainingSettings
from archsmith.evaluate.task import Task, check_space_fits
from archsmith.evaluate.tensors import Samples, tensors
from archsmith.evaluate.weights import save_weights
from archsmith.graph.book import RuleBook
from archsmith.graph.cost import macs, parameters
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.runtime.lower import DTYPES, lower
from archsmith.runtime.modules import book_of


class TrainingEvaluator:
    """Trains a network from scratch on a task and scores it on the validation part after the last epoch.

    The same graph, budget, settings and seed give the same weights to the last bit on one CPU thread.
    """

    def __init__(
        self,
        task: Task,
        settings: TrainingSettings,
        *,
        weights: Path | None = None,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """``weights`` is the file to keep the trained weights in; ``clock`` counts seconds."""
        self._task = task
        self._settings = settings
        self._weights = weights
        self._clock = clock

    def measure(self, graph: Graph, budget: Budget, seed: int, report: Report) -> Measurement:
        """Train for the budget; the value is the validation accuracy, or R^2, after the last epoch.

        ``seconds`` in the metrics run from the moment the data is at hand; ``macs`` are those of one sample.

        Raises:
            UserError: the network or a setting does not fit the task, or the device does not exist.
            NotFinite: the loss or an output became NaN or infinite.
        """
        check_space_fits(self._task, graph)
        check_settings_fit(self._task, self._settings)
        book = book_of(graph)  # before the seed: a file of the user's that is loaded for it may draw random numbers
        with torch.random.fork_rng(devices=[]):  # dropout and initial weights draw from the global generator
            torch.manual_seed(seed)
            return self._measure(graph, book, budget, seed, report)

    def _measure(self, graph: Graph, book: RuleBook, budget: Budget, seed: int, report: Report) -> Measurement:
        device, dtype = _device(self._settings.device), DTYPES[graph.input_types[0].dtype]
        data, kind = tensors(self._task), self._task.kind
        start, module = self._clock(), lower(graph, book).to(device)
        train, val, test = (part.to(device, dtype) for part in (data.train, data.val, data.test))
        metrics: dict[str, float] = {}
        for epoch, loss in enumerate(self._epochs(module, train, budget, seed), start=1):
            metrics = {"train_loss": loss, f"val_{WORDS[kind]}": quality(module, val, kind)}
            metrics["seconds"] = self._clock() - start
            report(epoch, metrics)
        final = metrics | {f"test_{WORDS[kind]}": quality(module, test, kind)}
        final |= {"parameters": parameters(graph, book), "macs": macs(graph, book)}
        if self._weights is not None:
            save_weights(module, self._weights)
        return Measurement(final[f"val_{WORDS[kind]}"], final | {"seconds": self._clock() - start})

    def _epochs(self, module: nn.Module, train: Samples, budget: Budget, seed: int) -> Iterator[float]:
        """Train one epoch after another; yields each one's mean loss."""
        # Batches of at least the demanded size: a short last one would be noise to batch norm, and one of a
        # single sample an error.
        batches = max(1, len(train) // self._settings.batch_size)
        left = steps = budget.steps or batches * (budget.epochs or 0)
        optimizer, schedule = self._optimizer(module, steps)
        shuffle = torch.Generator().manual_seed(seed)
        vary = torch.Generator().manual_seed(seed + 1)  # one of its own: the order of samples is the same with it
        while left:
            module.train()
            losses = []
            for chosen in torch.randperm(len(train), generator=shuffle).tensor_split(batches)[:left]:
                inputs = augmented(train.inputs[chosen], self._settings.augmentation, vary)
                loss = self._loss(module, inputs, train.targets[chosen])
                losses.append(loss.item())
                if not isfinite(losses[-1]):
                    step = steps - left + len(losses)
                    raise NotFinite(f"the training loss became {losses[-1]} in step {step} of {steps}")
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
                optimizer.step()
                schedule.step()
            left -= len(losses)
            yield sum(losses) / len(losses)

    def _loss(self, module: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        outputs: Tensor = module(inputs)
        if outputs.shape != (len(inputs), self._task.outputs):
            raise UserError(
                f"task {self._task.name} wants {[len(inputs), self._task.outputs]} for {len(inputs)} samples;"
                f" the network gives {list(outputs.shape)}: no operator may touch the batch dimension"
            )
        if self._task.kind == "classification":
            return functional.cross_entropy(outputs, targets)
        return functional.mse_loss(outputs, targets.to(outputs.dtype))

    def _optimizer(self, module: nn.Module, steps: int) -> tuple[Optimizer, LambdaLR]:
        rate, decay = self._settings.learning_rate, self._settings.weight_decay
        optimizer: Optimizer
        if self._settings.optimizer == "adamw":
            optimizer = AdamW(module.parameters(), lr=rate, weight_decay=decay)
        else:
            optimizer = SGD(module.parameters(), lr=rate, weight_decay=decay, momentum=0.9, nesterov=True)
        return optimizer, LambdaLR(optimizer, lambda step: rate_at(self._settings.schedule, step, steps))


def rate_at(schedule: str, step: int, steps: int) -> float:
    """The learning rate in a step (from 0) of ``steps``, as a share of the highest."""
    return (1 + cos(pi * step / steps)) / 2 if schedule == "cosine" else 1.0


def _device(name: str) -> torch.device:
    if name != "cpu" and not torch.cuda.is_available():
        raise UserError(f"setting device is {name!r}, but torch sees no GPU on this machine; use cpu")
    return torch.device(name)
