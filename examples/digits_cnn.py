"""A small space of residual networks for handwritten digits: 97 344 architectures, a second or two each.

archsmith search run examples/digits_cnn.py --task digits --searcher evolution --trials 50 --seed 0
"""

from archsmith.spaces.nodes import Chain, Residual, any_of, chain, choose, op, repeat, residual
from archsmith.spaces.space import search_space


def block(width: int) -> Residual:
    """A convolution, full or depthwise separable, with its norm and activation, added to what went in."""
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
    return residual(chain(convolution, norm, activation))


def stage(width: int) -> Chain:
    """A change of width, then one or two blocks with decisions of their own."""
    return chain(op("conv2d", out=width, kernel=3, padding="same"), repeat(block(width), choose(1, 2)))


space = search_space(
    chain(
        any_of(narrow=stage(8), wide=stage(16), name="width"),
        op("max_pool2d", kernel=2, stride=2),
        any_of(narrow=stage(16), wide=stage(32), name="width"),
        op("global_avg_pool"),
        op("linear", out=10),
    ),
    input=(1, 8, 8),
)
