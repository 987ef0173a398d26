"""Two design spaces of residual networks with grouped bottlenecks, for CIFAR-10.

Source: Radosavovic, Johnson, Xie, Lo & Dollár 2019, *On Network Design Spaces for Visual Recognition* (ICCV 2019,
arXiv 1905.13214), the table of its design spaces: ResNeXt-A and ResNeXt-B. For each of three stages the number of
blocks, the width, the ratio of width to bottleneck and the number of groups are chosen from values that are even in
logarithm. Written there as ``[least, greatest, how many]``, they are

===========  ============  ==============  ==========  ===========  ========================
space        depth         width           ratio       groups       size
===========  ============  ==============  ==========  ===========  ========================
ResNeXt-A    [1, 16, 5]    [16, 256, 5]    [1, 4, 3]   [1, 4, 3]    (5*5*3*3)**3 = 11390625
ResNeXt-B    [1, 16, 5]    [64, 1024, 5]   [1, 4, 3]   [1, 16, 5]   (5*5*3*5)**3 = 52734375
===========  ============  ==============  ==========  ===========  ========================

All of these are powers of two, every bottleneck is a multiple of every number of groups, and both sizes are those of
the table.

Deviations:

* Stem, strides and head are those of He et al. 2016 for CIFAR-10 (section 4.2): a convolution of 16 channels, stages at
  1, 1/2 and 1/4 of the image, the mean of each channel, a linear map.
* Where a block changes size, the shortcut is a convolution of kernel 1 without a normalisation behind it.
"""

from collections.abc import Sequence

from archsmith.spaces.node import Node
from archsmith.spaces.nodes import chain, choose, op, repeat, residual, shared
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.values import SharedValue

STEM = 16
STRIDES = (1, 2, 2)


def resnext(
    *,
    input: Sequence[int] = (3, 32, 32),
    classes: int = 10,
    depths: Sequence[int] = (1, 2, 4, 8, 16),
    widths: Sequence[int] = (16, 32, 64, 128, 256),
    ratios: Sequence[int] = (1, 2, 4),
    groups: Sequence[int] = (1, 2, 4),
) -> TreeSpace:
    """The space for images of that shape, channels first; by default it is ResNeXt-A.

    Where a bottleneck, the width divided by the ratio, is not a multiple of the groups, there is a dead end.
    """
    stages = (
        _stage(
            stride,
            depth=shared(f"depth{number}", choose(*depths)),
            width=shared(f"width{number}", choose(*widths)),
            ratio=shared(f"ratio{number}", choose(*ratios)),
            groups=shared(f"groups{number}", choose(*groups)),
        )
        for number, stride in enumerate(STRIDES, start=1)
    )
    stem = op("conv2d", out=STEM, kernel=3, padding="same", bias=False)
    return search_space(
        chain(chain(stem, op("batch_norm2d"), op("relu")), *stages, op("global_avg_pool"), op("linear", out=classes)),
        input=input,
    )


def _stage(stride: int, *, depth: SharedValue, width: SharedValue, ratio: SharedValue, groups: SharedValue) -> Node:
    """Blocks of one width, of which the first changes the size."""
    bottleneck = width // ratio
    return chain(_block(stride, width, bottleneck, groups), repeat(_block(1, width, bottleneck, groups), depth - 1))


def _block(stride: int, width: SharedValue, bottleneck: SharedValue, groups: SharedValue) -> Node:
    body = chain(
        op("conv2d", out=bottleneck, kernel=1, bias=False),
        op("batch_norm2d"),
        op("relu"),
        op("conv2d", out=bottleneck, kernel=3, stride=stride, padding="same", groups=groups, bias=False),
        op("batch_norm2d"),
        op("relu"),
        op("conv2d", out=width, kernel=1, bias=False),
        op("batch_norm2d"),
    )
    return chain(residual(body), op("relu"))


space = resnext()
wide = resnext(widths=(64, 128, 256, 512, 1024), groups=(1, 2, 4, 8, 16))
