"""How good a network's outputs are: the numbers that a search maximises."""

import torch
from torch import Tensor, nn

from archsmith.evaluate.evaluator import NotFinite
from archsmith.evaluate.tensors import Samples

CHUNK = 1024
"""Samples in one forward pass while measuring; it bounds memory and changes no result."""

WORDS = {"classification": "accuracy", "regression": "r2"}
"""What the quality is called in metrics, by the kind of the task."""


def quality(module: nn.Module, samples: Samples, kind: str) -> float:
    """Accuracy in 0 to 1, or R^2 of all outputs together (1 is perfect, 0 as good as the mean).

    Raises:
        NotFinite: an output is NaN or infinite.
    """
    module.eval()
    with torch.inference_mode():
        outputs = torch.cat([module(chunk) for chunk in torch.split(samples.inputs, CHUNK)])
    if not torch.isfinite(outputs).all():
        raise NotFinite("the network's outputs became NaN or infinite")
    return _accuracy(outputs, samples.targets) if kind == "classification" else _r2(outputs, samples.targets)


def _accuracy(outputs: Tensor, targets: Tensor) -> float:
    return (outputs.argmax(1) == targets).double().mean().item()


def _r2(outputs: Tensor, targets: Tensor) -> float:
    """The share of the targets' variance, summed over outputs, that the network explains."""
    wanted = targets.double()
    unexplained = (wanted - outputs.double()).square().sum()
    return (1 - unexplained / (wanted - wanted.mean(0)).square().sum()).item()
