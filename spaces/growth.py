"""The graph-growing walk: any graph that a rule book allows, node by node.

Each step decides an operator, how far back each input lies, and the attributes; it offers only what completes
to a valid call, so the walk has no dead ends (a book without operators for some types has those). References
are counted back from the newest value: when a step disappears from a trace, the references behind it still
mean their neighbours, which lets a reducer take nodes out one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Graph, Scalar, Value
from archsmith.graph.types import TensorType
from archsmith.spaces.calls import Calls
from archsmith.spaces.decisions import Decision, Steps


@dataclass(frozen=True, slots=True)
class GrowthSpace:
    """Graphs of 1 to ``nodes`` operators on 1 to ``inputs`` tensors, none of more than ``elements`` elements.

    Raises:
        UserError: no graph is that small, or no tensor.
    """

    book: RuleBook
    nodes: int = 6
    inputs: int = 2
    ranks: tuple[int, ...] = (4, 2, 3, 1, 0)
    sizes: tuple[int, ...] = (1, 2, 3, 4, 5, 8, 17)
    dtypes: tuple[str, ...] = ("float32", "float64", "int64", "bool")
    elements: int = 1 << 16
    calls: Calls = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.nodes < 1 or self.inputs < 1:
            raise UserError(f"a graph grows to 1 node on 1 input or more; got {self.nodes} on {self.inputs}")
        if not self.ranks or not self.sizes or min(self.ranks) < 0 or min(self.sizes) < 1:
            raise UserError(f"ranks start at 0 and sizes at 1; got ranks {self.ranks}, sizes {self.sizes}")
        if min(self.sizes) ** max(self.ranks) > self.elements:
            raise UserError(f"no tensor of rank {max(self.ranks)} has at most {self.elements} elements")
        object.__setattr__(self, "calls", Calls(self.book, elements=self.elements))

    def walk(self) -> Steps[Graph]:
        builder = Builder(self.book)
        count = yield Decision("inputs", tuple(range(1, self.inputs + 1)), ordered=True)
        for place in range(int(count)):
            builder.input((yield from self._input(f"input{place}")))
        count = yield Decision("nodes", tuple(range(1, self.nodes + 1)), ordered=True)
        for place in range(int(count)):
            yield from self._step(builder, f"node{place}")
        return builder.finish(*builder.unused())

    def text(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"grow 1 to {self.nodes} nodes on 1 to {self.inputs} inputs of at most {self.elements} elements"
        yield f"  ranks {self.ranks}, sizes {self.sizes}, dtypes {self.dtypes}"
        yield f"  operators {', '.join(sorted(self.book.operators))}"

    def _input(self, path: str) -> Steps[TensorType]:
        dtype = yield Decision(f"{path}/dtype", self.dtypes)
        rank = yield Decision(f"{path}/rank", self.ranks)
        shape: list[int] = []
        for dim in range(int(rank)):
            least = prod(shape) * min(self.sizes) ** (int(rank) - dim - 1)
            fitting = tuple(size for size in self.sizes if least * size <= self.elements)
            shape.append(int((yield Decision(f"{path}/size{dim}", fitting, ordered=True))))
        return TensorType(tuple(shape), str(dtype))

    def _step(self, builder: Builder, path: str) -> Steps[tuple[Value, ...]]:
        recent = builder.values[::-1]
        types = tuple(dict.fromkeys(builder.type_of(value) for value in recent))
        operators = self.calls.operators(types)
        if not operators:
            raise Infeasible(f"no operator of the book takes any of {', '.join(map(str, types))}")
        name = str((yield Decision(f"{path}/operator", operators)))
        arity = int((yield Decision(f"{path}/arity", self.calls.arities(name, types))))
        chosen: list[Value] = []
        for slot in range(arity):
            so_far = tuple(builder.type_of(value) for value in chosen)
            back = tuple(
                distance
                for distance, value in enumerate(recent, start=1)
                if self.calls.can_start(name, (*so_far, builder.type_of(value)), arity, types)
            )
            distance = yield Decision(f"{path}/back{slot}", back, ordered=True)
            chosen.append(recent[int(distance) - 1])
        attributes = yield from self._attributes(name, tuple(map(builder.type_of, chosen)), path)
        return builder.apply(name, chosen, attributes)

    def _attributes(self, name: str, inputs: tuple[TensorType, ...], path: str) -> Steps[dict[str, Scalar]]:
        if self.book.partial(name) is not None:
            return (yield from self._learned_attributes(name, inputs, path))
        fixed: dict[str, Scalar] = {}
        for attribute in self.book.operator(name).attributes:
            options = tuple(
                value
                for value in attribute.examples
                if self.calls.is_open(name, inputs, {**fixed, attribute.name: value})
            )
            fixed[attribute.name] = yield Decision(f"{path}/{attribute.name}", options)
        return fixed

    def _learned_attributes(self, name: str, inputs: tuple[TensorType, ...], path: str) -> Steps[dict[str, Scalar]]:
        """Those of a learned operator hang on how the call is written, which is decided first."""
        ways = self.calls.ways(name, inputs)
        way = ways[str((yield Decision(f"{path}/signature", tuple(ways))))]
        fixed: dict[str, Scalar] = {}
        for attribute in way.slots:
            options = self.calls.options(name, way, inputs, fixed, attribute)
            fixed[attribute] = yield Decision(f"{path}/{attribute}", options)
        return fixed
