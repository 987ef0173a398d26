"""Proxies that tell how differently an untrained network treats different inputs."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from archsmith.evaluate.evaluator import NotFinite
from archsmith.evaluate.gradients import logarithm
from archsmith.evaluate.probe import BATCH, BatchNorm, InDouble, Probe, normalising_by_batch, weights
from archsmith.evaluate.task import check_space_fits
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph, canonical
from archsmith.graph.types import FLOATS

ACTIVATIONS = frozenset(
    {"relu", "leaky_relu", "elu", "hardtanh", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "softplus"}
    | {"sigmoid", "tanh", "abs", "_prelu_kernel"}
)
"""The element-wise functions whose inputs' signs make the codes of ``naswot``, by torch's names."""

ALPHA = 0.01
"""How far apart the two inputs of ``zen`` are, in deviations of the first."""


def naswot(probe: Probe) -> float:
    """How different the samples' activation codes are: ln det (K + 1), K_ij the activations in which i and j agree.

    The code of a sample has one bit for every element that enters an activation function: whether it is positive. K
    counts the equal bits of each two samples of the minibatch, N_A minus their Hamming distance. Higher is better.

    For ReLU a code names the linear region that a sample lies in, as in the paper. The same bits are taken of every
    other activation function, smooth ones too, where they only say on which side of zero a sample is. The unit matrix
    is ours: with it a network of fewer activations than samples has a score, and one without any has the least, 0; it
    changes the determinant of a network of thousands of activations little. Batch norm takes the minibatch's
    statistics. Layers of one's own are looked into; ``maximum``, ``clamp`` and pooling are not activations.

    Mellor et al., "Neural Architecture Search without Training", ICML 2021.

    Raises:
        NotFinite: an output is NaN or infinite, and the codes mean nothing.
    """
    inputs = probe.batch().inputs
    module = normalising_by_batch(probe.network())
    codes = _Codes()  # type: ignore[no-untyped-call]
    codes.agreements = torch.zeros(len(inputs), len(inputs), dtype=torch.float64, device=probe.device)
    with torch.no_grad(), codes:
        returned = module(inputs)
    if not torch.isfinite(returned).all():
        raise NotFinite("naswot: the network's outputs became NaN or infinite")
    unit = torch.eye(len(inputs), dtype=torch.float64)
    return float(torch.linalg.slogdet(codes.agreements.cpu() + unit).logabsdet)


class _Codes(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves its modes without types
    """Counts in how many activations each two samples agree, while a network runs within it.

    Activations are no modules here but calls, so they are seen where torch sees them; this is why it derives.
    """

    agreements: Tensor

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name: str = func.overloadpacket.__name__
        # In place it has the name with a "_" behind. Of other tensors than samples, as a weight, it makes no code.
        if name.removesuffix("_") in ACTIVATIONS and args[0].shape[:1] == self.agreements.shape[:1]:
            signs = (args[0] > 0).reshape(len(args[0]), -1).float() * 2 - 1
            # Whole numbers that float32 holds, as long as fewer than 2^24 elements of a sample enter one activation.
            self.agreements += (signs.shape[1] + signs @ signs.T) / 2
        return func(*args, **(kwargs or {}))


def zen(probe: Probe) -> float:
    """How far apart a network takes noise that is close: ln E ||f(x) - f(x + a e)||_F + sum over norms of ln s.

    x and e are Gaussian, a = 0.01, f are the features: what enters the last ``global_avg_pool``, or the outputs of a
    network without one. Every weight is drawn from N(0, 1), biases are 0. s is the root of the variance by which a
    normalisation layer (batch, group, layer) divides, averaged over its channels or groups: it puts back the scale that
    the layer takes away. ``BATCH`` samples, no data, no gradients, double precision. Higher is better.

    In the paper there is only batch norm, and residual connections are taken out; here they stay, since a graph need
    not say which of its edges are. Lin et al., "Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition",
    ICCV 2021.

    Raises:
        NotFinite: the features do not depend on the inputs, or are beyond double precision.
        UserError: the inputs are integers, or the network does not fit the task.
    """
    _demand_noise_fits(probe)
    source = probe.noise()
    module = normalising_by_batch(probe.network(features(probe.graph)).double())
    _draw_weights(module, source)
    scales: list[Tensor] = []
    for part in module.modules():
        if isinstance(part, BatchNorm | nn.GroupNorm | nn.LayerNorm):
            part.register_forward_pre_hook(partial(_note_scale, scales))
    sizes = [(BATCH, *given.shape[1:]) for given in probe.graph.input_types]
    draw = partial(torch.randn, generator=source, dtype=torch.float64)
    given = [draw(size) for size in sizes]
    near = [x + ALPHA * draw(size) for x, size in zip(given, sizes, strict=True)]
    with torch.no_grad(), InDouble():
        here = module(*(x.to(probe.device) for x in given))
        put_back = list(scales)
        there = module(*(x.to(probe.device) for x in near))
    apart = (here - there).reshape(BATCH, -1).norm(dim=1).mean().item()
    return logarithm(apart, "zen: the distance of the features") + sum(
        logarithm(scale.item(), "zen: the variance that a normalisation divides by") / 2 for scale in put_back
    )


def _demand_noise_fits(probe: Probe) -> None:
    taken, given = probe.graph.input_types, probe.graph.output_types
    if probe.task is not None:
        check_space_fits(probe.task, probe.graph)
    if any(one.dtype not in FLOATS for one in taken):
        raise UserError("zen adds noise to the network's inputs, so they must be floats; use naswot")
    if len(given) != 1 or given[0].dtype not in FLOATS or any(one.shape[:1] != (1,) for one in (*taken, *given)):
        raise UserError(
            f"zen wants a network from [1, ...], one sample, to floats [1, ...]; this one goes from"
            f" {', '.join(map(str, taken))} to {', '.join(map(str, given))}"
        )


def features(graph: Graph) -> Graph:
    """The graph up to what enters its last ``global_avg_pool``: what the network has seen, before its head.

    The whole graph, if there is none that all ways from the inputs to the output go through.
    """
    pools = [position for position, node in graph.operators() if node.operator == "global_avg_pool"]
    for pool in reversed(pools):
        around = set(graph.inputs)  # what can be reached without the pool
        for position, node in graph.operators():
            if position != pool and any(value.node in around for value in node.inputs):
                around.add(position)
        if not any(value.node in around for value in graph.outputs):
            return canonical(graph.nodes, graph.nodes[pool].inputs)
    return graph


def _draw_weights(module: nn.Module, source: torch.Generator) -> None:
    """Weights from N(0, 1) and biases of 0, drawn on the CPU."""
    with torch.no_grad():
        for weight in weights(module):
            weight.copy_(torch.randn(weight.shape, generator=source, dtype=torch.float64))
        for name, parameter in module.named_parameters():
            if name.rpartition(".")[2] == "bias":
                parameter.zero_()


def _note_scale(scales: list[Tensor], layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """A forward hook that keeps the mean variance by which a normalisation layer is about to divide."""
    (x,) = inputs
    if isinstance(layer, nn.GroupNorm):
        rows = x.reshape(len(x) * layer.num_groups, -1)
    elif isinstance(layer, nn.LayerNorm):
        rows = x.flatten(-len(layer.normalized_shape))
    else:
        rows = x.transpose(0, 1).flatten(1)
    scales.append(rows.var(-1, unbiased=False).mean())
