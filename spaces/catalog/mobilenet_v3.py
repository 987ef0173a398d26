"""Once-for-all's space of MobileNetV3 networks for ImageNet.

Source: Cai, Gan, Wang, Zhang & Han 2020, *Once-for-All: Train One Network and Specialize it for Efficient Deployment*
(ICLR 2020, arXiv 1908.09791), its architecture space, and ``OFAMobileNetV3`` in the authors' code
(mit-han-lab/once-for-all), which says where squeeze-and-excitation and h-swish stand: about where Howard et al. 2019,
*Searching for MobileNetV3*, had them.

Five stages of 2, 3 or 4 inverted residual blocks; each block expands its channels by 3, 4 or 6 and has a kernel of 3,
5 or 7: 9 ways. A stage has 9**2 + 9**3 + 9**4 = 7371 ways, all five have 7371**5, about 2.2e19; the paper rounds it to
2e19. The number is of one width multiplier, which is an argument here as it is in the paper, and of one
image size, which the paper also searches (128 to 224 in steps of 4): give ``input``.

Deviations:

* The last hidden layer is a linear map of the pooled features, which computes what the authors' convolution of kernel
  1 does on the pooled image. It has no bias, as theirs.
* The two maps of squeeze-and-excitation are linear ones for the same reason.
* Every architecture has weights of its own; in the paper all share those of the largest, and smaller kernels are
  mapped from larger ones.
"""

from collections.abc import Sequence

from archsmith.graph.builder import Builder
from archsmith.graph.graph import Value
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import call, chain, choose, op, repeat, residual, shared
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.values import Given, SharedValue

STEM = 16
STAGES = (
    (24, 2, "relu", False),
    (40, 2, "relu", True),
    (80, 2, "hardswish", False),
    (112, 1, "hardswish", True),
    (160, 2, "hardswish", True),
)
"""Of each stage the channels, the stride of its first block, the activation, and whether it squeezes and excites."""
LAST, HIDDEN = 960, 1280
REDUCTION = 4


def mobilenet_v3(*, input: Sequence[int] = (3, 224, 224), classes: int = 1000, width: float = 1.0) -> TreeSpace:
    """The space for images of that shape, channels first; ``width`` multiplies all channels (1.0 or 1.2 in the paper).

    The image is made smaller by 32, so sides of at least 17 leave a size of their own to every stage.
    """
    entering = divisible_by_8(STEM * width)
    stages = []
    for number, (channels, stride, activation, squeezes) in enumerate(STAGES, start=1):
        leaving = divisible_by_8(channels * width)
        stages.append(_stage(f"stage{number}", entering, leaving, stride, activation, squeezes=squeezes))
        entering = leaving
    stem = divisible_by_8(STEM * width)
    return search_space(
        chain(
            _convolution(stem, 3, 2),
            op("hardswish"),
            residual(chain(_depthwise(stem, 3, 1), op("relu"), _convolution(stem, 1, 1)), project=False),
            *stages,
            _convolution(divisible_by_8(LAST * width), 1, 1),
            op("hardswish"),
            op("global_avg_pool"),
            op("linear", out=divisible_by_8(HIDDEN * width), bias=False),
            op("hardswish"),
            op("dropout", rate=0.1),
            op("linear", out=classes),
        ),
        input=input,
    )


def _stage(name: str, entering: int, leaving: int, stride: int, activation: str, *, squeezes: bool) -> Node:
    """Two blocks, and a third and a fourth where the depth says so: a shared depth is one decision."""
    depth = shared(f"{name}_depth", choose(2, 3, 4))
    sizes = [(entering, stride), *[(leaving, 1)] * 3]
    first, second, third, fourth = (
        _block(f"{name}_block{number}", channels, leaving, step, activation, squeezes=squeezes)
        for number, (channels, step) in enumerate(sizes, start=1)
    )
    return chain(first, second, repeat(third, depth // 3), repeat(fourth, depth // 4))


def _block(name: str, entering: int, leaving: int, stride: int, activation: str, *, squeezes: bool) -> Node:
    """An inverted residual block (Sandler et al. 2018): wide inside, and connected past where its sizes are equal."""
    hidden = entering * shared(f"{name}_expansion", choose(3, 4, 6))
    kernel = shared(f"{name}_kernel", choose(3, 5, 7))
    body = chain(
        _convolution(hidden, 1, 1),
        op(activation),
        _depthwise(hidden, kernel, stride),
        op(activation),
        *([call(squeeze_and_excite)] if squeezes else []),
        _convolution(leaving, 1, 1),
    )
    return residual(body, project=False) if stride == 1 and entering == leaving else body


def _convolution(out: int | SharedValue, kernel: int, stride: int) -> Node:
    """A convolution and its normalisation."""
    convolution = op("conv2d", out=out, kernel=kernel, stride=stride, padding="same", bias=False)
    return chain(convolution, op("batch_norm2d"))


def _depthwise(channels: int | SharedValue, kernel: int | SharedValue, stride: int) -> Node:
    """The same, each channel by itself."""
    attributes: dict[str, Given] = {"kernel": kernel, "stride": stride, "padding": "same", "bias": False}
    return chain(op("conv2d", out=channels, groups="depthwise", **attributes), op("batch_norm2d"))


def squeeze_and_excite(builder: Builder, x: Value) -> Value:
    """Each channel times a number in 0 to 1 that is made from the means of all of them (Hu et al. 2018)."""
    channels = builder.type_of(x).shape[1]
    means = builder.add("global_avg_pool", x)
    squeezed = builder.add("relu", builder.add("linear", means, out=divisible_by_8(channels // REDUCTION)))
    weights = builder.add("hardsigmoid", builder.add("linear", squeezed, out=channels))
    return builder.add("mul", x, builder.add("unsqueeze", builder.add("unsqueeze", weights, dim=2), dim=3))


def divisible_by_8(channels: float) -> int:
    """The nearest multiple of 8 that is at least 8 and at least nine tenths of the number."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


space = mobilenet_v3()
