"""The spaces of the tables: real trees, small enough that a network is built in less than a millisecond.

Every table's row is an architecture of its own, whatever graphs they lead to.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from archsmith.graph.builder import Builder
from archsmith.graph.graph import Value
from archsmith.spaces.catalog.nas_bench_201 import convolution_of_1, convolution_of_3
from archsmith.spaces.decisions import Label, Trace
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import any_of, call, cell, chain, choose, op, parallel, repeat, residual, shared
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.values import SharedValue


def own_answers(trace: Trace) -> Hashable:
    """Every row is an architecture of its own."""
    return frozenset(trace.answers)


EDGES = ("0-1", "0-2", "1-2", "0-3", "1-3", "2-3")
"""In the order of op0 to op5."""

CELL_OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def cell_space() -> TreeSpace:
    """The cell of NAS-Bench-201, once and narrow: what is around it is the same in all rows."""
    body = cell(
        nodes=3,
        gaps=True,
        name="edge",
        skip_connect=op("identity"),
        nor_conv_1x1=call(convolution_of_1),
        nor_conv_3x3=call(convolution_of_3),
        avg_pool_3x3=op("avg_pool2d", kernel=3, padding="same"),
    )
    return search_space(body, input=(2, 4, 4), alike=own_answers)


MACRO_OPERATIONS = ("identity", "mb3_k3", "mb6_k5")
STAGE_ENDS = (2, 5)
"""Layers in front of which the image is halved and the channels doubled, as in the paper."""


def macro_space(layers: int) -> TreeSpace:
    """Layers that each are left out or one of two inverted residuals, in three stages; very narrow."""
    parts: list[Node] = [op("conv2d", out=2, kernel=3, padding="same")]
    channels = 2
    for layer in range(layers):
        if layer in STAGE_ENDS:
            channels *= 2
            parts.append(op("conv2d", out=channels, kernel=3, stride=2, padding=1))
        small, large = _inverted(channels, 3, 3), _inverted(channels, 6, 5)
        parts.append(any_of(identity=op("identity"), mb3_k3=small, mb6_k5=large, name=f"layer{layer}"))
    return search_space(chain(*parts), input=(3, 8, 8), alike=own_answers)


def _inverted(channels: int, expansion: int, kernel: int) -> Node:
    wide = channels * expansion
    depthwise = op("conv2d", out=wide, kernel=kernel, padding="same", groups=wide)
    return residual(chain(op("conv2d", out=wide, kernel=1), depthwise, op("conv2d", out=channels, kernel=1)))


UNITS = (16, 32, 64, 128, 256, 512)
SETTINGS: Mapping[str, tuple[Label, ...]] = {
    "activation_fn_1": ("relu", "tanh"),
    "activation_fn_2": ("relu", "tanh"),
    "batch_size": (8, 16, 32, 64),
    "dropout_1": (0.0, 0.3, 0.6),
    "dropout_2": (0.0, 0.3, 0.6),
    "init_lr": (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1),
    "lr_schedule": ("cosine", "const"),
    "n_units_1": UNITS,
    "n_units_2": UNITS,
}
"""What the codes stand for."""

RECIPE = ("batch_size", "init_lr", "lr_schedule")


def perceptron_space() -> TreeSpace:
    """A perceptron of two layers with the settings of its training."""
    parts: list[Node] = []
    for layer in (1, 2):
        units = shared(f"n_units_{layer}", choose(*UNITS))
        activation = any_of(relu=op("relu"), tanh=op("tanh"), name=f"activation_fn_{layer}")
        rate = shared(f"dropout_{layer}", choose(*SETTINGS[f"dropout_{layer}"]))
        parts += [op("linear", out=units), activation, op("dropout", rate=rate)]
    recipe = {name: choose(*SETTINGS[name]) for name in RECIPE}
    return search_space(chain(*parts, op("linear", out=1)), input=(9,), recipe=recipe, alike=own_answers)


LINKS = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
"""Of the four nodes, which one each takes: 0 is what comes in, k the node k."""

GRAPH_OPERATIONS: Mapping[str, str | None] = {
    "gat": "gelu",
    "gcn": "relu",
    "gin": "silu",
    "cheb": "tanh",
    "sage": "elu",
    "arma": "sigmoid",
    "graph": "softplus",
    "fc": None,
}
"""Layers on graphs are no operators of ours: a linear layer stands for each, with another nonlinearity."""


def wired_space() -> TreeSpace:
    """Four nodes, each of which takes what comes in or an earlier node; what no node takes is added up.

    A network of nothing but skips was not measured; it is the only kind without parameters.
    """
    wirings: Any = {link: _below(link, 0) for link in LINKS}
    space = any_of(name="link", **wirings)
    return search_space(space, input=(4,), require="parameters >= 1", alike=own_answers)


def _below(link: str, place: int) -> Node:
    """The node at a place with all that take it."""
    takers = [_below(link, node) for node, taken in enumerate(link, start=1) if int(taken) == place]
    own = [_graph_layer(place - 1)] if place else []
    return chain(*own, *([parallel(*takers)] if len(takers) > 1 else takers))


def _graph_layer(node: int) -> Node:
    layers: Any = {
        name: chain(op("linear", out=4), op(after)) if after else op("linear", out=4)
        for name, after in GRAPH_OPERATIONS.items()
    }
    return shared(f"op{node}", any_of(name="layer", **layers, skip=op("identity")))


def nothing(builder: Builder, x: Value) -> Value:
    """Zeros: the operation of an edge that is not there."""
    return builder.add("sub", x, x)


def wider(builder: Builder, x: Value) -> Value:
    """A module that doubles the channels."""
    return _module(builder, x, 2, 1)


def smaller(builder: Builder, x: Value) -> Value:
    """A module that halves the image."""
    return _module(builder, x, 1, 2)


def wider_and_smaller(builder: Builder, x: Value) -> Value:
    """A module that does both."""
    return _module(builder, x, 2, 2)


def plain_module(builder: Builder, x: Value) -> Value:
    """A module that keeps the type."""
    return _module(builder, x, 1, 1)


def _module(builder: Builder, x: Value, wider: int, stride: int) -> Value:
    y = builder.add("conv2d", x, out=builder.type_of(x).shape[1] * wider, kernel=3, padding=1, stride=stride)
    return builder.add("relu", y)


def _if(value: SharedValue, code: int, codes: int, part: Node) -> Node:
    """The part where the value is that code, nothing otherwise.

    Over ``codes**2`` the square of the difference is rounded up: 0 where there is none, 1 where there is any.
    """
    apart = ((value - code) * (value - code) + codes**2 - 1) // codes**2
    return repeat(part, 1 - apart)


def _branch(place: int, codes: Sequence[Label], parts: Mapping[int, Node]) -> Node:
    """What a shared value says is there; a choice of parts is none that a predicate could speak of."""
    value = shared(f"at{place}", choose(*codes, ordered=False))
    return chain(*(_if(value, code, max(parts) + 1, part) for code, part in parts.items() if code in codes))


def _edges_tree(codes: Sequence[Sequence[Label]]) -> Node:
    """A cell of four nodes: 0 nothing, 1 what comes in, 2 and 3 convolutions of kernel 1 and 3.

    The node before the last takes two edges, and what leaves it is written once for each.
    """
    parts: Mapping[int, Node] = {0: call(nothing), 2: call(convolution_of_1), 3: call(convolution_of_3)}
    e01, e02, e12, e03, e13, e23 = (_branch(place, options, parts) for place, options in enumerate(codes))
    return parallel(e03, chain(e01, parallel(e13, chain(e12, e23))), chain(e02, e23))


def _modules_tree(codes: Sequence[Sequence[Label]]) -> Node:
    parts: Mapping[int, Node] = {
        1: call(plain_module),
        2: call(wider),
        3: call(smaller),
        4: call(wider_and_smaller),
    }
    return chain(*(_branch(place, options, parts) for place, options in enumerate(codes)))


def task_space(kind: str, codes: Sequence[Sequence[Label]], require: Sequence[Callable[..., bool]]) -> TreeSpace:
    """The space of TransNAS-Bench-101, ``micro`` or ``macro``, with these codes at each place."""
    tree = _edges_tree(codes) if kind == "micro" else _modules_tree(codes)
    return search_space(tree, input=(2, 32, 32), require=require, alike=own_answers)
