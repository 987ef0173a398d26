"""The space of NAS-Bench-201: one cell of four nodes, stacked fifteen times, for CIFAR-10.

Source: Dong & Yang 2020, *NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search* (ICLR 2020,
arXiv 2001.00326), its figure 1 and section 2.1, and the authors' code (D-X-Y/AutoDL-Projects), which says what the
operations are: a convolution is ReLU, convolution and normalisation.

A node of the cell takes every earlier one, and each of the six edges is one of five: left out (``none``), the value
itself, a convolution of kernel 1 or 3, or the mean over 3 by 3. That is 5**6 = 15625 cells, the same in all places.

Two cells count as one as the paper has it, by what is written for the node that comes out (``written``): that leaves
6466. By their graphs 5260 differ. What is written tells apart sums of other grouping, and those with a term that is
nothing; and it does not tell one convolution whose result is added twice from two convolutions of the same.

Deviations:

* Means count the padding at the border as zeros; the authors' leave it out.
* Edges of a cell that are on no way from its input to its output are not there. The authors' networks have them, and
  count their weights, which nothing trains: 28000 for each convolution of kernel 1 and 243040 for one of kernel 3.
* Weights start as PyTorch draws them.
"""

from collections.abc import Hashable, Sequence

from archsmith.graph.builder import Builder
from archsmith.graph.graph import Value
from archsmith.spaces.cells import ABSENT
from archsmith.spaces.decisions import Trace
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import call, cell, chain, op, parallel, repeat, shared
from archsmith.spaces.space import TreeSpace, search_space

NODES = 4
"""Of a cell, its input among them."""
STAGES = 3
SKIP = "skip_connect"


def nas_bench_201(
    *, input: Sequence[int] = (3, 32, 32), classes: int = 10, cells: int = 5, channels: int = 16
) -> TreeSpace:
    """The space for images of that shape, channels first: three stages of that many ``cells``.

    ``channels`` are those of the first stage; the image is halved, and the channels doubled, between two stages.
    """
    body = shared(
        "cell",
        cell(
            nodes=NODES - 1,
            gaps=True,
            name="edge",
            skip_connect=op("identity"),
            nor_conv_1x1=call(convolution_of_1),
            nor_conv_3x3=call(convolution_of_3),
            avg_pool_3x3=op("avg_pool2d", kernel=3, padding="same"),
        ),
    )
    stem = chain(op("conv2d", out=channels, kernel=3, padding="same", bias=False), op("batch_norm2d"))
    stages: list[Node] = [repeat(body, cells, name="cells")]
    for stage in range(1, STAGES):
        stages += [_reduction(channels * 2**stage), repeat(body, cells, name="cells")]
    last = chain(op("batch_norm2d"), op("relu"), op("global_avg_pool"), op("linear", out=classes))
    return search_space(chain(stem, *stages, last), input=input, alike=written)


def _reduction(out: int) -> Node:
    """The residual block between two stages (He et al. 2016), of half the size; its shortcut is a mean and a map."""
    body = chain(_convolution(out, 3, 2), _convolution(out, 3, 1))
    shortcut = chain(op("avg_pool2d", kernel=2, stride=2), op("conv2d", out=out, kernel=1, bias=False))
    return parallel(shortcut, body)


def _convolution(out: int, kernel: int, stride: int) -> Node:
    convolution = op("conv2d", out=out, kernel=kernel, stride=stride, padding="same", bias=False)
    return chain(op("relu"), convolution, op("batch_norm2d"))


def convolution_of_1(builder: Builder, x: Value) -> Value:
    """ReLU, a convolution of kernel 1 that keeps the channels, and a normalisation."""
    return _convolved(builder, x, 1)


def convolution_of_3(builder: Builder, x: Value) -> Value:
    """The same with a kernel of 3."""
    return _convolved(builder, x, 3)


def _convolved(builder: Builder, x: Value, kernel: int) -> Value:
    channels = builder.type_of(x).shape[1]
    y = builder.add("relu", x)
    y = builder.add("conv2d", y, out=channels, kernel=kernel, padding="same", bias=False)
    return builder.add("batch_norm2d", y)


def written(trace: Trace) -> Hashable:
    """What the authors write for the node that comes out of the cell, by which they tell cells apart.

    A node is the sum of its edges in alphabetical order. An edge is written as its source where that is skipped to, as
    nothing where it is left out or comes from nothing, and else as its source in brackets with the operation.
    """
    labels = {name.rpartition("/")[2]: str(label) for name, label in trace.answers}
    nodes = ["0"]
    for at in range(1, NODES):
        terms = (_edge(nodes[source], labels[f"{source}-{at}"]) for source in range(at))
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


def _edge(source: str, label: str) -> str:
    if label == ABSENT or source == "#":
        return "#"
    return source if label == SKIP else f"({source})@{label}"


space = nas_bench_201()
