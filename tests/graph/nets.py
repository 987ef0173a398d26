"""Graphs that are worth a picture."""

from archsmith.graph.builder import Builder
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType


def small_net(width: int, depth: int, pool: str = "max_pool2d") -> Graph:
    """A residual network for 8×8 images: enough rows and skips to be worth a picture."""
    build = Builder(DECLARED)
    x = build.add("conv2d", build.input(TensorType((1, 1, 8, 8))), out=width, kernel=3, padding="same")
    for block in range(depth):
        y = build.add("relu", build.add("batch_norm2d", x))
        y = build.add("conv2d", y, out=width, kernel=3 + 2 * (block % 2), padding="same")
        x = build.add("add", x, build.add("gelu", y) if block % 3 == 2 else y)
    x = build.add(pool, x, kernel=2, stride=2)
    x = build.add("global_avg_pool", build.add("conv2d", x, out=2 * width, kernel=1))
    return build.finish(build.add("linear", build.add("flatten", x), out=10))


def odd_graph() -> Graph:
    """A graph as a campaign makes it: two inputs, two outputs, one operator with two outputs of its own."""
    build = Builder(DECLARED)
    a, b = build.input(TensorType((2, 6, 5))), build.input(TensorType((2, 6, 5)))
    left, right = build.apply("split_in_two", [build.add("mul", a, b)], {"dim": 1, "size": 2})
    wide = build.add("cat", build.add("sin", right), left, dim=1)
    return build.finish(build.add("amax", build.add("sub", wide, a), dim=2), build.add("softmax", left, dim=2))
