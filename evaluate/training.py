"""Measuring an architecture by training it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter

import torch
from torch import nn

from archsmith.evaluate.checkpoint import Checkpoint, Facts, Rung, load_checkpoint, save_checkpoint
from archsmith.evaluate.evaluator import BadCheckpoint, Measurement, Report
from archsmith.evaluate.inheritance import Parent, inherit
from archsmith.evaluate.learning import Learning
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
from archsmith.graph.text import digest
from archsmith.runtime.lower import DTYPES, lower
from archsmith.runtime.modules import book_of
from archsmith.runtime.post_mortem import ran_out_of_memory


class TrainingEvaluator:
    """Trains a network on a task and scores it on the validation part after the last epoch.

    The same graph, budget, settings, seed and parent give the same weights to the last bit on one CPU thread, whether
    the training runs through or stops at rungs and goes on in other processes. The schedule runs over the whole
    budget, so a rung is a prefix of the full training.
    """

    def __init__(
        self,
        task: Task,
        settings: TrainingSettings,
        *,
        weights: Path | None = None,
        rung: Rung | None = None,
        parent: Parent | None = None,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """``weights`` is the file to keep the trained weights in when the budget is spent; ``clock`` counts seconds.

        A network begins with the weights of its ``parent``, as far as they serve, and otherwise with random ones.
        """
        self._task = task
        self._settings = settings
        self._weights = weights
        self._rung = rung or Rung()
        self._parent = parent
        self._clock = clock

    def measure(self, graph: Graph, budget: Budget, seed: int, report: Report) -> Measurement:
        """Train to the end of the budget, or to the rung; the value is the validation accuracy, or R^2, there.

        Only the epochs that are trained now are reported. ``seconds`` in the metrics run from the moment the data is
        at hand, those before a checkpoint included; ``macs`` are those of one sample; ``inherited`` is the share of
        the parameters that began as the parent's. A training that stops at a rung is not tested.

        Raises:
            UserError: the network or a setting does not fit the task, the device does not exist, the rung lies beyond
                the budget or before the checkpoint, or the parent's weights are not there.
            BadCheckpoint: the checkpoint to go on from is missing, damaged or of another training.
            NotFinite: the loss or an output became NaN or infinite.
            NotWritten: the weights or the checkpoint could not be kept.
        """
        check_space_fits(self._task, graph)
        check_settings_fit(self._task, self._settings)
        book = book_of(graph)  # before the seed: a file of the user's that is loaded for it may draw random numbers
        with torch.random.fork_rng(devices=[]):  # dropout and initial weights draw from the global generator
            torch.manual_seed(seed)
            return self._measure(graph, book, budget, seed, report)

    def _measure(self, graph: Graph, book: RuleBook, budget: Budget, seed: int, report: Report) -> Measurement:
        device, dtype = _device(self._settings.device), DTYPES[graph.input_types[0].dtype]
        data = tensors(self._task)
        start, module = self._clock(), lower(graph, book)
        train, val, test = (part.to(device, dtype) for part in (data.train, data.val, data.test))
        learning = Learning(module.to(device), train, self._task, self._settings, budget, seed)
        of = self._facts(graph, budget, seed, len(train))
        metrics: dict[str, float] = {"parameters": parameters(graph, book), "macs": macs(graph, book)}
        if self._rung.resume is not None:
            metrics |= _resumed(learning, self._rung.resume, of)
            start -= metrics["seconds"]
        elif self._parent is not None:
            metrics["inherited"] = inherit(module, graph, self._parent, seed)
        for _ in range(learning.done, self._last(learning)):
            epoch = {"train_loss": learning.epoch()} | self._scored(module, val, "val")
            epoch["seconds"] = self._clock() - start
            report(learning.done, epoch)
            metrics |= epoch
        if learning.done < learning.epochs:
            if self._rung.checkpoint is not None:
                save_checkpoint(Checkpoint(of, learning.state(), metrics), self._rung.checkpoint)
        else:
            metrics |= self._scored(module, test, "test")
            if self._weights is not None:
                save_weights(module, self._weights)
            metrics["seconds"] = self._clock() - start
        value = metrics[f"val_{WORDS[self._task.kind]}"]
        return Measurement(value, metrics, learning.done, complete=learning.done == learning.epochs)

    def _scored(self, module: nn.Module, samples: Samples, part: str) -> dict[str, float]:
        return {f"{part}_{WORDS[self._task.kind]}": quality(module, samples, self._task.kind)}

    def _last(self, learning: Learning) -> int:
        """The epoch to stop after."""
        until = learning.epochs if self._rung.until is None else self._rung.until
        if until > learning.epochs:
            raise UserError(f"until must not exceed the budget, which is {learning.epochs} epochs; got {until}")
        if until < learning.done:
            raise UserError(f"until counts all epochs, and {self._rung.resume} has had {learning.done}; got {until}")
        return until

    def _facts(self, graph: Graph, budget: Budget, seed: int, samples: int) -> Facts:
        """What a checkpoint must agree with for the training to go on from it."""
        settings = self._settings.to_json() | {"epochs": budget.epochs, "steps": budget.steps}
        names: dict[str, str | int | float | None] = {
            "graph": digest(graph),
            "task": self._task.name,
            "seed": seed,
            "training samples": samples,
        }
        return names | {f"setting {name}": value for name, value in settings.items()}


def _resumed(learning: Learning, path: Path, of: Facts) -> Mapping[str, float]:
    """Have ``learning`` go on from the checkpoint; the metrics of the last epoch before it."""
    checkpoint = load_checkpoint(path, of)
    try:
        learning.restore(checkpoint.state)
    except (RuntimeError, ValueError) as error:  # torch's words for keys and shapes that do not match
        if ran_out_of_memory(error):
            raise
        raise BadCheckpoint(
            f"checkpoint {path} is of another training: a module of the network has changed since;"
            " train from the beginning, without resume"
        ) from error
    return checkpoint.metrics


def _device(name: str) -> torch.device:
    if name != "cpu" and not torch.cuda.is_available():
        raise UserError(f"setting device is {name!r}, but torch sees no GPU on this machine; use cpu")
    return torch.device(name)
