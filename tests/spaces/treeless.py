"""A space without a tree, which nothing can look through but a walk."""

from dataclasses import dataclass

from archsmith.graph.builder import Builder
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Decision, Steps


@dataclass(frozen=True)
class Shrinking:
    """Poolings one after another, of which all options are offered and few fit an image of ``size``."""

    size: int
    kernels: tuple[int, ...]
    depths: tuple[int, ...] = (1,)
    ordered: bool = True

    def walk(self) -> Steps[Graph]:
        builder = Builder(DECLARED)
        x = builder.input(TensorType((1, 1, self.size, self.size)))
        depth = yield Decision("depth", self.depths, ordered=True)
        for layer in range(int(depth)):
            kernel = yield Decision(f"kernel{layer}", self.kernels, self.ordered)
            x = builder.add("max_pool2d", x, kernel=int(kernel), stride=1)
        return builder.finish(x)

    def text(self) -> str:
        return str(self)
