"""AutoFormer's three spaces of vision transformers for ImageNet.

Source: Chen, Peng, Fu & Ling 2021, *AutoFormer: Searching Transformers for Visual Recognition* (ICCV 2021, arXiv
2107.00651), the table of its search space: the supernets tiny, small and base. The width is one for the whole network;
each layer has a number of heads of 64 features each, and a ratio of hidden features to width, of its own.

========  ===============  ============  ============  ============  ==========================================
supernet  width            heads         ratio         depth         size
========  ===============  ============  ============  ============  ==========================================
tiny      192, 216, 240    3, 4          3.5, 4        12, 13, 14    3*(4**12 + 4**13 + 4**14), about 1.1e9
small     320, 384, 448    5, 6, 7       3, 3.5, 4     12, 13, 14    3*(9**12 + 9**13 + 9**14), about 7.7e13
base      528, 576, 624    8, 9, 10      3, 3.5, 4     14, 15, 16    3*(9**14 + 9**15 + 9**16), about 6.3e15
========  ===============  ============  ============  ============  ==========================================

The paper says that its supernets hold more than 1.7e16 candidates, and not how it counts. It would be 9**17: base's
sixteen layers, times its three widths and three depths. An architecture of 14 layers decides nothing about a fifteenth,
so there are 6.3e15 in base.

DeiT's tiny and small networks (Touvron et al. 2021) are in the spaces of these names, to the last parameter.

Deviations:

* Positions are a learned vector for each token (Dosovitskiy et al. 2021). The authors add, in each layer, an embedding
  of relative positions to keys and values.
* There is no dropout and no stochastic depth, which belong to training. As in the authors' runs the classifier sees the
  mean of the patches' features (their option ``--gp``), and the class token takes part in attention only.
* Queries, keys and values come from one linear map, whose 3 * 64 features for each head are what is decided.
* The ratio is a choice between named branches and so has no order: of a width that is shared, 3.5 times it is computed
  as 7 halves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Value
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import any_of, call, chain, choose, op, repeat, residual, shared
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.values import SharedValue

HEAD = 64
"""Features of a head."""


@dataclass(frozen=True, slots=True)
class Supernet:
    """What a row of the table leaves open."""

    widths: tuple[int, ...]
    heads: tuple[int, ...]
    ratios: tuple[str, ...]
    depths: tuple[int, ...]


SUPERNETS: Mapping[str, Supernet] = MappingProxyType(
    {
        "tiny": Supernet((192, 216, 240), (3, 4), ("3.5", "4"), (12, 13, 14)),
        "small": Supernet((320, 384, 448), (5, 6, 7), ("3", "3.5", "4"), (12, 13, 14)),
        "base": Supernet((528, 576, 624), (8, 9, 10), ("3", "3.5", "4"), (14, 15, 16)),
    }
)


def autoformer(
    *,
    input: Sequence[int] = (3, 224, 224),
    classes: int = 1000,
    patch: int = 16,
    supernet: str = "tiny",
) -> TreeSpace:
    """The space for images of that shape, channels first, cut into squares of ``patch`` pixels a side.

    Raises:
        UserError: there is no such supernet, or the image is no whole number of patches.
    """
    if supernet not in SUPERNETS:
        raise UserError(f"autoformer has the supernets {', '.join(SUPERNETS)}; got {supernet!r}")
    if len(input) != 3 or patch < 1 or any(side < 1 or side % patch for side in input[1:]):
        raise UserError(f"autoformer takes images of whole patches of {patch} pixels a side; got input={input!r}")
    chosen = SUPERNETS[supernet]
    width = shared("width", choose(*chosen.widths))
    patches = (input[1] // patch) * (input[2] // patch)
    return search_space(
        chain(
            _tokens(width, patch, patches),
            repeat(_layer(width, chosen), choose(*chosen.depths)),
            op("layer_norm"),
            chain(op("narrow", dim=1, start=1, length=patches), op("mean", dim=1)),
            op("linear", out=classes),
        ),
        input=input,
    )


def _tokens(width: SharedValue, patch: int, patches: int) -> Node:
    """A vector for each patch and one in front, of shape ``(patches + 1, width)``."""
    return chain(
        op("conv2d", out=width, kernel=patch, stride=patch),
        chain(op("flatten"), op("unflatten", dim=1, factor=patches), op("transpose", first=1, second=2)),
        op("class_token"),
        op("position_embedding"),
    )


def _layer(width: SharedValue, chosen: Supernet) -> Node:
    """Attention, then a hidden layer, each normalised before and added to what went in."""
    attention = chain(
        op("layer_norm"),
        op("linear", out=choose(*(3 * HEAD * heads for heads in chosen.heads), name="attention")),
        call(attend),
        op("linear", out=width),
    )
    hidden = {ratio: op("linear", out=_times(ratio, width)) for ratio in chosen.ratios}
    perceptron = chain(
        op("layer_norm"), any_of(name="ratio", weights=None, **hidden), op("gelu"), op("linear", out=width)
    )
    return chain(residual(attention, project=False), residual(perceptron, project=False))


def _times(ratio: str, width: SharedValue) -> SharedValue:
    exact = Fraction(ratio)
    return exact.numerator * width // exact.denominator


def attend(builder: Builder, x: Value) -> Value:
    """Self-attention (Vaswani et al. 2017) by heads of 64 features, of queries, keys and values laid end to end."""
    features = builder.type_of(x).shape[-1]
    if features % (3 * HEAD):
        raise Infeasible(f"attention takes {3 * HEAD} features for each head; got {features}")
    length = features // 3
    parts = [builder.add("narrow", x, dim=2, start=start, length=length) for start in (0, length, 2 * length)]
    heads = [
        builder.add("transpose", builder.add("unflatten", part, dim=2, factor=HEAD), first=1, second=2)
        for part in parts
    ]
    seen = builder.add("transpose", builder.add("scaled_dot_product_attention", *heads), first=1, second=2)
    return builder.add("unflatten", builder.add("flatten", seen), dim=1, factor=length)


space = autoformer()
small = autoformer(supernet="small")
base = autoformer(supernet="base")
