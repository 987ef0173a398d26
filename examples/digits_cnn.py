"""A small space of residual networks for handwritten digits: 48 672 architectures, about a second each.

archsmith search run examples/digits_cnn.py --task digits --searcher evolution --trials 50 --seed 0
"""

from archsmith.spaces.node import Node
from archsmith.spaces.nodes import any_of, chain, choose, op, repeat, residual, shared
from archsmith.spaces.space import search_space
from archsmith.spaces.values import SharedValue

WIDTH = shared("width", choose(12, 16))


def stage(width: SharedValue) -> Node:
    """One or two residual blocks, each with decisions of its own; the first changes the width."""
    convolution = any_of(
        full=op("conv2d", out=width, kernel=3, padding="same", bias=False),
        separable=chain(
            op("conv2d", out=width, kernel=choose(3, 5), padding="same", groups="depthwise", bias=False),
            op("conv2d", out=width, kernel=1, bias=False),
        ),
        name="convolution",
    )
    norm = any_of(batch=op("batch_norm2d"), group=op("group_norm", groups=4), name="norm")
    activation = any_of(relu=op("relu"), silu=op("silu"), name="activation")
    return repeat(residual(chain(convolution, norm, activation)), choose(1, 2))


space = search_space(
    chain(
        op("conv2d", out=WIDTH, kernel=3, padding="same"),
        stage(WIDTH),
        op("max_pool2d", kernel=2, stride=2),
        stage(2 * WIDTH),
        op("global_avg_pool"),
        op("linear", out=10),
    ),
    input=(1, 8, 8),
)
