"""A search space: a tree, the type that goes in, and the rule book that judges every step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.cost import macs, parameters
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import ITEM_BYTES, TensorType
from archsmith.spaces.constraints import Constraint, read_constraint
from archsmith.spaces.course import Course, draw, mutate, offered
from archsmith.spaces.decisions import Answered, Label, Space, Steps, Trace, once
from archsmith.spaces.diagram import Diagram
from archsmith.spaces.node import Node, build
from archsmith.spaces.reach import Reach
from archsmith.spaces.values import Meanings

METHODS = ("plan", "lines", "check")
"""What makes an object a part of a tree."""


@dataclass(frozen=True, slots=True)
class TreeSpace:
    """All architectures of a tree that meet its constraints.

    ``input`` has a batch size of 1 in front; the networks take any, since no operator works along dimension
    0. A walk offers only options that lead to an architecture, unless it is not to look ``ahead``.
    """

    root: Node
    input: TensorType
    book: RuleBook
    constraints: tuple[Constraint, ...] = ()
    ahead: bool = True
    reach: Reach = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reach", Reach(Diagram(self.root, self.input, self.book, self.constraints)))

    def walk(self) -> Steps[Graph]:
        return (yield from offered(self._grow(), Course(self.reach))) if self.ahead else (yield from self._grow())

    def _grow(self) -> Steps[Graph]:
        builder = Builder(self.book)
        answered: Answered = {}
        out = yield from once(build(self.root, builder, (builder.input(self.input),), ""), answered)
        graph = builder.finish(out)
        self._demand(graph, {name: label for name, (_, label) in answered.items()})
        return graph

    def _demand(self, graph: Graph, values: dict[str, Label]) -> None:
        """``Infeasible`` with the first constraint that is not met."""
        if any(entry.of_cost for entry in self.constraints):
            values |= {"parameters": parameters(graph, self.book), "macs": macs(graph, self.book)}
        for entry in self.constraints:
            if entry.names <= values.keys() and not entry.met(values):
                raise Infeasible(f"the space demands {entry}; got {entry.shown(values)}")

    def draw(self, rng: Random) -> Trace:
        """The trace of a valid architecture, every option of every decision as likely as its weight; builds nothing."""
        return draw(self.reach, rng)

    def mutated(self, trace: Trace, rng: Random) -> Trace:
        """A valid trace with one decision answered otherwise, and the others kept where they can be; builds nothing."""
        return mutate(self.reach, trace, rng)

    def text(self) -> str:
        demands = [f"require {entry}" for entry in self.constraints]
        return "\n".join([f"input {self.input}", *demands, *self.root.lines()])

    def __str__(self) -> str:
        return self.text()


def search_space(
    root: Node,
    *,
    input: Sequence[int],
    dtype: str = "float32",
    require: Sequence[str | Callable[..., bool]] = (),
) -> TreeSpace:
    """The space of a tree for samples of shape ``input``, without the batch: ``(channels, height, width)``.

    ``require`` are constraints that every architecture must meet: ``"parameters <= 1e6"``, ``"width * depth <= 64"``
    over shared values by name, or functions of such values.

    Raises:
        UserError: the root is no node, names an operator or attribute that does not exist, gives a shared name two
            meanings, or the input is no shape and dtype.
    """
    if not all(hasattr(root, method) for method in METHODS):
        raise UserError(f"a space's tree is a node such as op(...) or chain(...); got {root!r}")
    if not isinstance(input, Sequence) or not input or not all(map(_size, input)):
        raise UserError(f"a space's input is the shape of one sample, sizes of at least 1; got {input!r}")
    if dtype not in ITEM_BYTES:
        raise UserError(f"a space's dtype must be one of {', '.join(ITEM_BYTES)}; got {dtype!r}")
    meanings: Meanings = {}
    root.check(DECLARED, meanings, "")
    constraints = tuple(read_constraint(given, meanings) for given in _several(require))
    return TreeSpace(root, TensorType((1, *input), dtype), DECLARED, constraints)


def _several(given: object) -> tuple[object, ...]:
    return (given,) if isinstance(given, str) or callable(given) else tuple(given)


def _size(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and given >= 1


def digest(space: Space) -> str:
    """32 hexadecimal digits that name the space: those of its text."""
    return blake2b(space.text().encode(), digest_size=16).hexdigest()
