"""The space of DARTS: a normal and a reduction cell, stacked, for CIFAR-10.

Source: Liu, Simonyan & Yang 2019, *DARTS: Differentiable Architecture Search* (ICLR 2019, arXiv 1806.09055), sections
2.1 and 3.1.1 and the appendix, and the authors' code (quark0/darts), which says what the operations are and how the
cells are stacked.

A cell takes the values that the two cells before it gave, each mapped to the channels of its own, and has four nodes.
A node is the sum of two different earlier ones, each with one of seven operations on the way; all four nodes leave the
cell, end to end. That is 1 * 3 * 6 * 10 ways to choose what the nodes take and 7**8 to choose operations, for each of
the two kinds of cell: (180 * 7**8)**2 networks, about 1.1e18. The paper says 1e18, and counts an eighth
operation, none, which no network found by it has.

At a third and two thirds of the depth stands a reduction cell: what it takes of its inputs is halved in size, and its
channels are doubled.

Deviations:

* Means count the padding at the border as zeros; the authors' leave it out.
* There is no auxiliary head and no drop path, which are part of the training of the network that was found.
* Weights start as PyTorch draws them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Value
from archsmith.spaces.decisions import Steps
from archsmith.spaces.node import Enter, Make, Node, Plan, indented, joined
from archsmith.spaces.nodes import cell, chain, op
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.values import Meanings

NODES = 4
STEM = 3
"""How many times as many channels as those of the first cells the stem has."""
HALVINGS = 2


def darts(*, input: Sequence[int] = (3, 32, 32), classes: int = 10, layers: int = 20, channels: int = 36) -> TreeSpace:
    """The space for images of that shape, channels first: networks of that many ``layers``, which are cells.

    ``channels`` are those of each node in the first cells.

    Raises:
        UserError: there are fewer than three layers, an odd number of channels, or the image cannot be halved twice.
    """
    if layers < HALVINGS + 1:
        raise UserError(f"darts takes at least {HALVINGS + 1} layers, to have cells of both kinds; got {layers}")
    if channels < 2 or channels % 2:
        raise UserError(f"darts takes an even number of channels, of which a half is mapped by itself; got {channels}")
    if len(input) != 3 or any(side < 1 or side % 2**HALVINGS for side in input[1:]):
        raise UserError(f"darts takes images with sides that are multiples of {2**HALVINGS}; got input={input!r}")
    stem = chain(op("conv2d", out=STEM * channels, kernel=3, padding="same", bias=False), op("batch_norm2d"))
    return search_space(
        chain(stem, Stack(_cell(1), _cell(2), layers, channels), op("global_avg_pool"), op("linear", out=classes)),
        input=input,
    )


def _cell(stride: int) -> Node:
    """A cell with operations of that stride on what it takes of its inputs, and of stride 1 elsewhere."""
    inside = _operations(1)
    entering = {} if stride == 1 else _operations(stride)
    return cell(nodes=NODES, inputs=2, degree=2, output="cat", gaps=False, entering=entering, name="node", **inside)


def _operations(stride: int) -> dict[str, Node]:
    return {
        "max_pool_3x3": op("max_pool2d", kernel=3, stride=stride, padding="same"),
        "avg_pool_3x3": op("avg_pool2d", kernel=3, stride=stride, padding="same"),
        "skip_connect": op("identity") if stride == 1 else Mapped(halved),
        "sep_conv_3x3": Mapped(separable, (3, stride)),
        "sep_conv_5x5": Mapped(separable, (5, stride)),
        "dil_conv_3x3": Mapped(dilated, (3, stride)),
        "dil_conv_5x5": Mapped(dilated, (5, stride)),
    }


@dataclass(frozen=True, slots=True)
class Mapped:
    """An operation that keeps the channels of what comes in, whatever they are: ``function(builder, values, ...)``."""

    function: Callable[..., Value]
    arguments: tuple[Any, ...] = ()

    def plan(self, path: str) -> Steps[Plan]:
        yield from ()
        return (Make(self.function, (0,), self.arguments),)

    def lines(self) -> Iterator[str]:
        yield f"{self.function.__name__}({', '.join(map(str, self.arguments))})"

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Stack:
    """Cells one behind another, each of the two before it; the decisions of a kind of cell are made once."""

    normal: Node
    reduction: Node
    layers: int
    channels: int

    def plan(self, path: str) -> Steps[Plan]:
        yield from ()
        steps: list[Enter | Make] = []
        before, last, channels, halves = 0, 0, self.channels, False
        for layer in range(self.layers):
            was_halved, halves = halves, layer in (self.layers // 3, 2 * self.layers // 3)
            channels *= 2 if halves else 1
            # What came before a reduction cell is twice as large as what came out of it.
            steps.append(Make(halved if was_halved else mapped, (before,), (channels,)))
            steps.append(Make(mapped, (last,), (channels,)))
            name, node = ("reduction", self.reduction) if halves else ("normal", self.normal)
            steps.append(Enter(node, joined(path, name), (len(steps) - 1, len(steps)), again=True))
            before, last = last, len(steps)
        return tuple(steps)

    def lines(self) -> Iterator[str]:
        yield f"{self.layers} cells of {self.channels} channels, each of the two before it"
        for name, node in (("normal", self.normal), ("reduction", self.reduction)):
            yield f"  {name}"
            yield from (f"  {line}" for line in indented(node))

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        for name, node in (("normal", self.normal), ("reduction", self.reduction)):
            node.check(book, meanings, joined(path, name))


def mapped(builder: Builder, values: Sequence[Value], channels: int) -> Value:
    """ReLU, a convolution of kernel 1 and a normalisation."""
    y = builder.add("conv2d", builder.add("relu", values[0]), out=channels, kernel=1, bias=False)
    return builder.add("batch_norm2d", y)


def halved(builder: Builder, values: Sequence[Value], channels: int | None = None) -> Value:
    """The same at half the size: half of the channels are of the even pixels, half of those one down and right."""
    y = builder.add("relu", values[0])
    _, entering, height, width = builder.type_of(y).shape
    odd = builder.add("narrow", y, dim=2, start=1, length=height - 1)
    odd = builder.add("narrow", odd, dim=3, start=1, length=width - 1)
    out = (entering if channels is None else channels) // 2
    halves = [builder.add("conv2d", part, out=out, kernel=1, stride=2, bias=False) for part in (y, odd)]
    return builder.add("batch_norm2d", builder.add("cat", *halves, dim=1))


def separable(builder: Builder, values: Sequence[Value], kernel: int, stride: int) -> Value:
    """Twice ReLU, a convolution of each channel by itself, one of kernel 1, a normalisation (Chollet 2017)."""
    return _by_channel(builder, _by_channel(builder, values[0], kernel, stride, 1), kernel, 1, 1)


def dilated(builder: Builder, values: Sequence[Value], kernel: int, stride: int) -> Value:
    """The same once, with a dilation of 2."""
    return _by_channel(builder, values[0], kernel, stride, 2)


def _by_channel(builder: Builder, x: Value, kernel: int, stride: int, dilation: int) -> Value:
    channels = builder.type_of(x).shape[1]
    y = builder.apply(
        "conv2d",
        [builder.add("relu", x)],
        {
            "out": channels,
            "kernel": kernel,
            "stride": stride,
            "padding": "same",
            "dilation": dilation,
            "groups": "depthwise",
            "bias": False,
        },
    )[0]
    return builder.add("batch_norm2d", builder.add("conv2d", y, out=channels, kernel=1, bias=False))


space = darts()
