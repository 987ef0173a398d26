"""Perceptrons and residual networks for the rows of a table.

Source: Gorishniy, Rubachev, Khrulkov & Babenko 2021, *Revisiting Deep Learning Models for Tabular Data* (NeurIPS 2021,
arXiv 2106.11959), sections 3.1 and 3.2, and the spaces in which its appendix tunes the two; the configuration files of
the authors' code (yandex-research/rtdl) have them as well. The published ones are continuous, ours is a grid in them:

=====================  ==========================  ============================
decision               there                       here
=====================  ==========================  ============================
MLP: layers            1 to 8                      1, 2, ..., 8
MLP: first, middle,    each 1 to 512               each 64, 128, 256, 512
last width
MLP: dropout           0, or between 0 and 0.5     0, 0.1, 0.3, 0.5
ResNet: blocks         1 to 8                      1, 2, ..., 8
ResNet: width          64 to 512                   64, 128, 256, 512
ResNet: hidden factor  1 to 4                      1, 2, 3, 4
ResNet: hidden and     0 to 0.5; 0, or between     each 0, 0.1, 0.3, 0.5
residual dropout       0 and 0.5
=====================  ==========================  ============================

A perceptron of one layer has the first width only, one of two the first and the last, and all layers between have the
middle one: 4 * (4 + 4**2 + 6 * 4**3) = 1616. There are 2 * 8 * 4 * 4 * 4 * 4 = 4096 residual networks, and 5712
architectures in all. The paper has no number to compare.

Deviations, besides the grid:

* Both kinds are in one space, and the kind is its first decision.
* The normalisation of a residual network is a decision, batch or layer: the paper found the first to do better, and the
  authors' code has both.
* All features are numbers. The embedding of categories, its size and the training settings are left to the task.
"""

from archsmith.spaces.node import Node
from archsmith.spaces.nodes import any_of, chain, choose, op, repeat, residual, shared
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.values import SharedValue

DEPTHS = tuple(range(1, 9))
WIDTHS = (64, 128, 256, 512)
FACTORS = (1, 2, 3, 4)
RATES = (0.0, 0.1, 0.3, 0.5)


def mlp_table(*, features: int = 8, outputs: int = 1) -> TreeSpace:
    """The space for rows of that many numbers; by default those of the paper's California housing prices."""
    return search_space(
        chain(any_of(mlp=_perceptron(), resnet=_residual_network(), name="kind"), op("linear", out=outputs)),
        input=(features,),
    )


def _perceptron() -> Node:
    layers, rate = shared("layers", choose(*DEPTHS)), shared("dropout", choose(*RATES))
    several = (layers + len(DEPTHS) - 2) // len(DEPTHS)  # 0 of one layer, 1 of more

    def layer(width: SharedValue) -> Node:
        return chain(op("linear", out=width), op("relu"), op("dropout", rate=rate))

    first, middle, last = (layer(shared(f"{name}_width", choose(*WIDTHS))) for name in ("first", "middle", "last"))
    return chain(first, repeat(middle, layers - 1 - several), repeat(last, several))


def _residual_network() -> Node:
    width, factor = shared("width", choose(*WIDTHS)), shared("hidden_factor", choose(*FACTORS))
    norm = shared("norm", any_of(batch=op("batch_norm1d"), layer=op("layer_norm"), name="kind"))
    block = chain(
        norm,
        op("linear", out=factor * width),
        op("relu"),
        op("dropout", rate=shared("hidden_dropout", choose(*RATES))),
        op("linear", out=width),
        op("dropout", rate=shared("residual_dropout", choose(*RATES))),
    )
    blocks = repeat(residual(block, project=False), shared("blocks", choose(*DEPTHS)))
    return chain(op("linear", out=width), blocks, norm, op("relu"))


space = mlp_table()
