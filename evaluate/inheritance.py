"""Weight inheritance: a network begins with the trained weights of the one that it was mutated from.

Layers are paired by ``archsmith.evaluate.alignment``. Where the shapes of a pair agree, weights and statistics are
copied. Where only widths and kernels grew, they are widened so that the layer computes what it did. A layer that
became narrower, has a smaller kernel or other groups, or follows one whose units are unknown and has another number of
inputs, keeps its random weights, and so does one that has no pair.

A network of linear layers, convolutions, batch norm, element-wise operators and pooling gives the outputs of its
parent, in evaluation mode, if only widths and kernels with "same" padding grew. So does one with sums and
concatenations whose parts grew alike. Not so in general: where the two sides of a sum were widened from different
widths; behind a layer norm whose width is no multiple of the old one, or a group norm; inside attention; and where the
parent has a bias that the child has not. There the weights are a place to begin, and no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor, nn

from archsmith.evaluate.alignment import aligned
from archsmith.evaluate.descent import passed
from archsmith.evaluate.weights import trained_module
from archsmith.evaluate.widening import Units, grown, padded, unchanged, widened
from archsmith.graph.graph import INPUT, Graph, Node, Value
from archsmith.graph.own import short

State: TypeAlias = Mapping[str, Tensor]
"""A layer's parameters and buffers by their names within it; one that is a parameter itself has the name ""."""

AXES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"linear": (0, 1), "conv1d": (0, 1), "conv2d": (0, 1), "conv3d": (0, 1), "conv_transpose2d": (1, 0)}
)
"""Layers that map units to units: the axes of their weight for units that leave and that enter."""

LAST = frozenset({"layer_norm", "class_token", "position_embedding"})
"""Layers with a number for each unit of the last dimension."""

CHANNELS = frozenset({"batch_norm1d", "batch_norm2d", "batch_norm3d", "group_norm"})
"""Layers with a number for each channel."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A trained network: its graph, and the file that its weights were kept in."""

    graph: Graph
    weights: Path


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """A layer of the child and the parent's layer that it takes after."""

    node: Node
    state: State
    old_node: Node
    old: State


def inherit(module: nn.Module, graph: Graph, parent: Parent, seed: int) -> float:
    """Give the parent's weights to ``module``, which computes ``graph``; the share of its parameters that have them.

    Zeros around a kernel that grew do not count. The seed decides which units are copied and how their weight is
    shared; nothing is drawn from torch's global generator.

    Raises:
        UserError: there is no such file of weights, or its weights are not those of the parent's graph.
    """
    with torch.random.fork_rng(devices=[]):
        trained = trained_module(parent.graph, parent.weights)
    ours, theirs = _states(graph, module), _states(parent.graph, trained)
    pairs = aligned(graph, parent.graph, sorted(ours), sorted(theirs))
    source = torch.Generator().manual_seed(seed)
    units: dict[Value, Units | None] = {}
    count = 0
    with torch.no_grad():
        for position, node in enumerate(graph.nodes):
            given = [units.get(value) for value in node.inputs]
            leaving = None if node.operator in AXES else passed(graph, node, given)
            if node.operator == INPUT and len(node.types[0].shape) > 1:
                leaving = unchanged(1, node.types[0].shape[1])
            if position in pairs:
                other = pairs[position]
                pair = _Pair(node, ours[position], parent.graph.nodes[other], theirs[other])
                taken, widths = _taken(pair, given[0] if given else None, seed, source)
                leaving = widths or leaving
                count += _written(pair, taken)
            units[Value(position)] = leaving
    total = sum(entry.numel() for entry in module.parameters())
    return count / total if total else 0.0


def _states(graph: Graph, module: nn.Module) -> dict[int, State]:
    """The parameters and buffers of every layer that has any, by its position."""
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        layer, _, within = name.partition(".")
        if isinstance(tensor, Tensor):  # a user's own layer may keep anything else as its extra state
            layers.setdefault(layer, {})[within] = tensor
    names = {position: f"{short(node.operator)}_{position}" for position, node in graph.operators()}
    return {position: layers[name] for position, name in names.items() if name in layers}


def _written(pair: _Pair, taken: State) -> int:
    """Put the weights into the child's layer; how many of its trainable numbers are the parent's."""
    count = 0
    for name, tensor in taken.items():
        ours, theirs = pair.state[name], pair.old.get(name)
        ours.copy_(tensor)
        if isinstance(ours, nn.Parameter) and theirs is not None:
            count += ours.numel() // prod(ours.shape[2:]) * prod(theirs.shape[2:])  # zeros around a kernel are not
    return count


def _taken(pair: _Pair, given: Units | None, seed: int, source: torch.Generator) -> tuple[State, Units | None]:
    """The weights for the child's layer, none where it stays as it is, and the units that leave it."""
    operator = pair.node.operator
    if operator in AXES:
        if pair.node.attribute.get("groups", 1) == pair.old_node.attribute.get("groups", 1) == 1:
            return _dense(pair, given, seed, source)
        if _is_depthwise(pair.node, pair.state) and _is_depthwise(pair.old_node, pair.old):
            return _depthwise(pair, given)
    if operator in LAST or operator in CHANNELS:
        return _each(pair, given), None
    same = {name: tensor.shape for name, tensor in pair.state.items()} == {n: t.shape for n, t in pair.old.items()}
    agree = same and pair.node.attribute.get("groups") == pair.old_node.attribute.get("groups")
    return (pair.old if agree else {}), None


def _dense(pair: _Pair, given: Units | None, seed: int, source: torch.Generator) -> tuple[State, Units | None]:
    leave, enter = AXES[pair.node.operator]
    new, old = pair.state["weight"].shape, pair.old["weight"].shape
    dim = len(pair.node.types[0].shape) - 1 if pair.node.operator == "linear" else 1
    incoming = _fitting(given, dim, old[enter], new[enter])
    if incoming is None or new[leave] < old[leave] or _shrinks(old[2:], new[2:]):
        return {}, None
    outgoing = widened(dim, old[leave], new[leave], seed)
    taken = {"weight": grown(pair.old["weight"], new[2:], outgoing, incoming, (leave, enter), source)}
    return taken | _bias(pair, outgoing), outgoing


def _shrinks(old: Sequence[int], new: Sequence[int]) -> bool:
    return any(now < then for now, then in zip(new, old, strict=True))


def _is_depthwise(node: Node, state: State) -> bool:
    """Whether each channel that enters has kernels of its own."""
    weight = state["weight"].shape
    if node.operator == "conv_transpose2d":
        return weight[0] == node.attribute.get("groups")
    return weight[1] == 1


def _depthwise(pair: _Pair, given: Units | None) -> tuple[State, Units | None]:
    """Kernels go with the channels that enter; nothing is shared out, for no two channels meet."""
    new, old = pair.state["weight"].shape, pair.old["weight"].shape
    channels, before = (int(node.attribute["groups"]) for node in (pair.node, pair.old_node))
    several = new[0] * new[1] // channels
    incoming = _fitting(given, 1, before, channels)
    if incoming is None or old[0] * old[1] // before != several or _shrinks(old[2:], new[2:]):
        return {}, None
    index = (incoming.index[:, None] * several + torch.arange(several)).flatten()
    outgoing = Units(1, index, before * several)
    along = incoming if pair.node.operator == "conv_transpose2d" else outgoing
    taken = {"weight": padded(pair.old["weight"].index_select(0, along.index), new[2:])}
    return taken | _bias(pair, outgoing), outgoing


def _bias(pair: _Pair, outgoing: Units) -> dict[str, Tensor]:
    """The units' biases; zeros where the parent has none."""
    if "bias" not in pair.state:
        return {}
    old = pair.old.get("bias")
    return {"bias": torch.zeros(len(outgoing)) if old is None else old.index_select(0, outgoing.index)}


def _each(pair: _Pair, given: Units | None) -> State:
    """What a layer has for each unit goes with the units."""
    name = next(iter(pair.state))
    new, old = pair.state[name].shape, pair.old[name].shape
    dim = 1 if pair.node.operator in CHANNELS else len(pair.node.types[0].shape) - 1
    incoming = _fitting(given, dim, old[-1], new[-1])
    if incoming is None or new[:-1] != old[:-1]:
        return {}
    return {key: entry.index_select(-1, incoming.index) if entry.dim() else entry for key, entry in pair.old.items()}


def _fitting(given: Units | None, dim: int, old: int, new: int) -> Units | None:
    """The units that enter, if they are as many as the two layers take; each from itself if nothing is known."""
    if given is not None and (given.dim, given.width, len(given)) == (dim, old, new):
        return given
    return unchanged(dim, old) if old == new else None
