"""A space of questions only: as quick as a walk can be, for tests of the algorithms."""

from dataclasses import dataclass

from archsmith.graph.builder import Builder
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Decision, Steps

_BUILDER = Builder(DECLARED)
GRAPH = _BUILDER.finish(_BUILDER.add("relu", _BUILDER.input(TensorType((1, 2)))))


@dataclass(frozen=True)
class Questions:
    """``count`` decisions among ``options`` values each; every answer leads to the same graph."""

    count: int
    options: int

    def walk(self) -> Steps[Graph]:
        for place in range(self.count):
            yield Decision(f"d{place}", tuple(range(self.options)))
        return GRAPH

    def text(self) -> str:
        return repr(self)
