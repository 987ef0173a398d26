"""DeepArchitect's space of convolutional networks for CIFAR-10.

Source: Negrinho & Gordon 2017, *DeepArchitect: Automatically Designing and Training Deep Architectures*
(arXiv 1704.08792), the space of its experiments, ``deepconv_ss0`` in ``search_spaces.py`` of the authors' code
(negrinho/deep_architect_legacy).

A strided convolution halves the image (6 widths, 3 kernels: 18 ways); then one block, the same at every turn, stands
there 1, 2, 4, 8, 16 or 32 times (6 widths, 2 kernels, 2 orders of ReLU and batch normalisation, no dropout or one of 2
rates, 6 depths: 432 ways). Both come twice, the second blocks twice as wide: 18 * 432 * 18 * 432 = 60 466 176
architectures, which is the number that the authors' code gives too. They counted none of the training settings, and
nor do we.

Deviations:

* A convolution of stride 2 pads both sides by half the kernel. TensorFlow's ``SAME`` puts one row and column less in
  front; the sizes are equal.
* Batch normalisation learns a scale beside its shift. The authors' had the shift alone.
* Weights start as PyTorch draws them, not by He's and Glorot's rules.
"""

from collections.abc import Sequence

from archsmith.spaces.node import Node
from archsmith.spaces.nodes import chain, choose, op, optional, permutation, repeat
from archsmith.spaces.space import TreeSpace, search_space

WIDTHS = (48, 64, 80, 96, 112, 128)
DEPTHS = (1, 2, 4, 8, 16, 32)


def deepconv(*, input: Sequence[int] = (3, 32, 32), classes: int = 10) -> TreeSpace:
    """The space for images of that shape, channels first, whose networks give a number for each class."""
    return search_space(
        chain(
            _reduction(),
            _stage(WIDTHS),
            _reduction(),
            _stage(tuple(2 * width for width in WIDTHS)),
            op("flatten"),
            op("linear", out=classes),
        ),
        input=input,
    )


def _reduction() -> Node:
    return op("conv2d", out=choose(*WIDTHS), kernel=choose(3, 5, 7), stride=2, padding="same")


def _stage(widths: Sequence[int]) -> Node:
    block = chain(
        op("conv2d", out=choose(*widths), kernel=choose(3, 5), padding="same"),
        permutation(relu=op("relu"), norm=op("batch_norm2d"), name="order"),
        # The authors give the probabilities of keeping an element, 0.5 and 0.9.
        optional(op("dropout", rate=choose(0.1, 0.5)), name="dropped"),
    )
    return repeat(block, choose(*DEPTHS), tied=True)


space = deepconv()
