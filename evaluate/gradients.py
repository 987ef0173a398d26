"""Proxies that differentiate an untrained network once: by its weights, or by its inputs.

Weights are what ``archsmith.evaluate.probe.weights`` says. Batch norm takes the minibatch's statistics, dropout is off.
"""

from collections.abc import Sequence
from math import log

import torch
from torch import Tensor, nn
from torch.nn import functional

from archsmith.evaluate.evaluator import NotFinite
from archsmith.evaluate.probe import BatchNorm, InDouble, Probe, normalising_by_batch, weights
from archsmith.graph.errors import UserError
from archsmith.runtime.lower import DTYPES

NORMALISATION = (BatchNorm, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, nn.modules.instancenorm._InstanceNorm)

RIDGE = 1e-5
"""Added to the eigenvalues in ``jacob_cov``, as its authors do."""


def grad_norm(probe: Probe) -> float:
    """The length of the loss's gradient: sum over weight tensors t of ||dL/dt||_2, on one minibatch.

    L is the loss of training: mean cross-entropy, or mean squared error. Higher is better: 0 where the loss does not
    depend on any weight. Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", ICLR 2021.
    """
    _, slopes = _weights_and_slopes(probe)
    return float(sum(slope.double().norm().item() for slope in slopes))


def snip(probe: Probe) -> float:
    """How much the loss depends on the presence of each weight: the sum of ``|w dL/dw|`` over all weights w.

    It is taken on one minibatch; L is the loss of training. Higher is better. Lee, Ajanthan & Torr, "SNIP: Single-shot
    Network Pruning based on Connection Sensitivity", ICLR 2019, whose division by the sum is left out: it makes every
    network's score 1.
    """
    owned, slopes = _weights_and_slopes(probe)
    return sum((weight * slope).double().abs().sum().item() for weight, slope in zip(owned, slopes, strict=True))


def synflow(probe: Probe) -> float:
    """The logarithm of what flows through all paths of weights: ln of the sum over all weights w of w dR/dw.

    R is the sum of the outputs for an input of ones, where every parameter is replaced by its absolute value and
    normalisation (batch, group, layer, instance, RMS) is taken out. Without biases and with ReLU, R is the sum over all
    paths from an input to an output of the product of ``|w|`` along the path, and the score that of L layers, ln(L R).
    No data, no loss. Computed in double precision, as R grows with the power of the depth. Higher is better.
    Activations are left as they are: a saturating one lowers the score.

    Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic flow", NeurIPS 2020.

    Raises:
        NotFinite: no path leads from an input by a weight to an output, or R is beyond double precision.
    """
    module = probe.network().double()
    for part in module.modules():
        if isinstance(part, NORMALISATION):
            part.register_forward_hook(_untouched)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.abs_()
    given = probe.graph.input_types
    ones = [torch.ones(one.shape, dtype=DTYPES[one.dtype], device=probe.device) for one in given]
    with InDouble():
        returned = module(*(one.double() if one.is_floating_point() else one for one in ones))
    several = [returned] if isinstance(returned, Tensor) else returned
    nothing = torch.zeros((), dtype=torch.float64, device=probe.device)
    flow = sum((tensor.sum() for tensor in several if tensor.is_floating_point()), start=nothing)
    owned = weights(module)
    found = sum((w * slope).sum().item() for w, slope in zip(owned, slopes_of(flow, owned), strict=True))
    return logarithm(found, "synflow: the flow along weights from inputs to outputs")


def jacob_cov(probe: Probe) -> float:
    """How uncorrelated the samples' input gradients are: - sum over i of ln(v_i + k) + 1 / (v_i + k), k = 1e-5.

    v_i are the eigenvalues of the correlation matrix of the rows J_n = d(sum of the outputs)/d(input n), one row for
    each of the N samples of the minibatch. Higher is better: nearly -N where no two samples' rows are correlated, and
    far below where some depend on others, as they must where a sample has no more numbers than N. Mellor et al.,
    "Neural Architecture Search without Training", first version, arXiv:2006.04647v1, 2020.

    Raises:
        NotFinite: a sample's gradient is constant over its inputs, so that it correlates with nothing.
        UserError: the inputs are integers.
    """
    inputs = probe.differentiable_batch()
    outputs = normalising_by_batch(probe.network())(inputs)
    (slope,) = slopes_of(outputs.sum(), [inputs])
    rows = slope.detach().double().reshape(len(inputs), -1).cpu()
    rows = rows - rows.mean(1, keepdim=True)
    rows = rows / rows.norm(dim=1, keepdim=True)
    if not torch.isfinite(rows).all():
        raise NotFinite("jacob_cov: the output's gradient by the inputs is constant or not finite for some sample")
    values = torch.linalg.eigvalsh(rows @ rows.T) + RIDGE
    return -float((values.log() + 1 / values).sum())


def slopes_of(value: Tensor, by: Sequence[Tensor]) -> list[Tensor]:
    """The gradients of a single number, one of each tensor; zeros where it does not depend on one."""
    if not by or not value.requires_grad:
        return [torch.zeros_like(tensor) for tensor in by]
    found = torch.autograd.grad(value, by, allow_unused=True, retain_graph=True)
    return [torch.zeros_like(tensor) if slope is None else slope for tensor, slope in zip(by, found, strict=True)]


def logarithm(value: float, what: str) -> float:
    """The natural logarithm; ``NotFinite`` with the words for what has none."""
    if not 0 < value < float("inf"):
        raise NotFinite(f"{what} must be positive and finite; it is {value:g}")
    return log(value)


def _weights_and_slopes(probe: Probe) -> tuple[list[Tensor], list[Tensor]]:
    samples, task = probe.batch(), probe.task
    assert task is not None  # or there were no samples
    module = normalising_by_batch(probe.network())
    outputs = module(samples.inputs)
    if outputs.shape != (len(samples), task.outputs):
        raise UserError(
            f"task {task.name} wants {[len(samples), task.outputs]} for {len(samples)} samples;"
            f" the network gives {list(outputs.shape)}: no operator may touch the batch dimension"
        )
    if task.kind == "classification":
        loss = functional.cross_entropy(outputs, samples.targets)
    else:
        loss = functional.mse_loss(outputs, samples.targets.to(outputs.dtype))
    owned = weights(module)
    return owned, slopes_of(loss, owned)


def _untouched(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """A forward hook that lets a layer give back what it was given."""
    return inputs[0]
