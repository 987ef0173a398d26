"""Pooling and resampling of images and sequences."""

from archsmith.graph.book import Attribute, Operator
from archsmith.graph.expr import parse
from archsmith.graph.rules import rule

_KERNEL = Attribute("kernel", int, None, (2, 3, 1))
_STRIDE = Attribute("stride", int, 1, (1, 2, 3))
_PADDING = Attribute("padding", int, 0, (0, 1), named=(("same", parse("(kernel - 1)//2")),))
_SCALE = Attribute("scale", int, 2, (1, 2, 3))


def _pool(name: str, rank: int, summary: str) -> Operator:
    directions = ["D", "H", "W"][3 - rank :]
    sizes = ", ".join(f"({size} + 2*padding - kernel)//stride + 1" for size in directions)
    requires = [
        "kernel >= 1",
        "stride >= 1",
        "padding >= 0",
        "2*padding <= kernel",
        *(f"{size} + 2*padding >= kernel" for size in directions),
    ]
    rules = (rule(name, [f"Float[N, C, {', '.join(directions)}]"], [f"Float[N, C, {sizes}]"], requires=requires),)
    return Operator(name, summary, (_KERNEL, _STRIDE, _PADDING), rules)


POOLING = (
    _pool("max_pool1d", 1, "greatest of each window"),
    _pool("max_pool2d", 2, "greatest of each window"),
    _pool("avg_pool1d", 1, "mean of each window, padding counted"),
    _pool("avg_pool2d", 2, "mean of each window, padding counted"),
    Operator(
        "global_avg_pool",
        "mean over all positions of each channel",
        (),
        (
            rule("global_avg_pool", ["Float[N, C, W]"], ["Float[N, C]"]),
            rule("global_avg_pool", ["Float[N, C, H, W]"], ["Float[N, C]"]),
            rule("global_avg_pool", ["Float[N, C, D, H, W]"], ["Float[N, C]"]),
        ),
    ),
    Operator(
        "upsample_nearest2d",
        "each pixel repeated in both directions",
        (_SCALE,),
        (
            rule(
                "upsample_nearest2d",
                ["Float[N, C, H, W]"],
                ["Float[N, C, H*scale, W*scale]"],
                requires=["scale >= 1"],
            ),
        ),
    ),
    Operator(
        "pixel_shuffle",
        "moves blocks of channels into space (Shi et al. 2016)",
        (_SCALE,),
        (
            rule(
                "pixel_shuffle",
                ["Any[N, C, H, W]"],
                ["Any[N, C//(scale*scale), H*scale, W*scale]"],
                requires=["scale >= 1", "C % (scale*scale) == 0"],
            ),
        ),
    ),
)
