"""Criticality: whether gradients keep their size through the depth of an untrained network."""

import torch
from torch import Tensor

from archsmith.evaluate.evaluator import NotFinite
from archsmith.evaluate.expressivity import features
from archsmith.evaluate.gradients import logarithm, slopes_of
from archsmith.evaluate.probe import InDouble, Probe, normalising_by_batch
from archsmith.graph.book import RuleBook
from archsmith.graph.cost import applications
from archsmith.graph.graph import Graph, Value, canonical

DRAWS = 4
"""Random combinations of the outputs by which the norm is estimated."""


def criticality(probe: Probe) -> float:
    """How little gradients grow or shrink per layer: -abs(ln J) / (L - 1), at most 0, which is critical.

    J = (1 / N_L) sum over i, j of (dh_i / dh'_j)^2 is the partial Jacobian norm, averaged over the minibatch, from the
    outputs h' of the first layers to the features h, N_L of them, that enter the last ``global_avg_pool`` (the outputs,
    if there is none). A layer is an operator with a weight; the first ones are those that no other precedes; L counts
    layers along the longest path to h. In wide plain networks J = c^(L - 1), so this is -abs(ln c): minus the inverse
    of the depth over which gradients change e-fold. ReLU layers with weights of variance C / fan-in have c = C / 2,
    tanh and linear ones c = C; an activation behind the last layer adds its own factor. J is estimated by ``DRAWS``
    random signs, on one draw of the weights, in double precision, batch norm taking the minibatch's statistics.

    Doshi, He & Gromov, "Critical Initialization of Wide and Deep Neural Networks using Partial Jacobians", NeurIPS
    2023; Roberts, Yaida & Hanin, "The Principles of Deep Learning Theory", 2022.

    Raises:
        NotFinite: there are no weights, no gradient gets through, or features are NaN or infinite.
    """
    inputs = probe.batch().inputs
    watched, depth = layers(features(probe.graph), probe.book)
    if depth == 0:
        raise NotFinite("criticality: no layer with weights leads to the network's features")
    module = normalising_by_batch(probe.network(watched).double())
    with InDouble():
        last, *first = module(inputs.double() if inputs.is_floating_point() else inputs)
    if not torch.isfinite(last).all():
        raise NotFinite("criticality: the network's features became NaN or infinite")
    source = probe.noise()
    found = torch.stack([_squared(last, first, source) for _ in range(DRAWS)]).mean().item() / last.numel()
    return -abs(logarithm(found, "criticality: the partial Jacobian norm")) / max(1, depth - 1)


def _squared(last: Tensor, first: list[Tensor], source: torch.Generator) -> Tensor:
    """An unbiased estimate of the sum of all squared derivatives of ``last``: E |s J|^2 = |J|^2 for random signs s."""
    signs = torch.randint(0, 2, last.shape, generator=source).to(last) * 2 - 1
    slopes = slopes_of((last * signs).sum(), first)
    return torch.stack([slope.square().sum() for slope in slopes]).sum()


def layers(graph: Graph, book: RuleBook) -> tuple[Graph, int]:
    """The graph with the outputs of its first layers as further outputs, and the layers along its longest path."""
    weighted = {
        position
        for position, call in applications(graph, book)
        if any(len(sizes) >= 2 for _, sizes in call.rule.parameters)
    }
    depths: list[int] = []
    for position, node in enumerate(graph.nodes):
        before = max((depths[value.node] for value in node.inputs), default=0)
        depths.append(before + (position in weighted))
    first = [Value(position) for position in sorted(weighted) if depths[position] == 1]
    return canonical(graph.nodes, (graph.outputs[0], *first)), depths[graph.outputs[0].node]
