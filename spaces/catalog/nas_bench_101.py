"""The space of NAS-Bench-101: one module of at most seven vertices and nine edges, stacked nine times, for CIFAR-10.

Source: Ying, Klein, Real, Christiansen, Murphy & Hutter 2019, *NAS-Bench-101: Towards Reproducible Neural Architecture
Search* (ICML 2019, arXiv 1902.09635), section 2, and the authors' code (google-research/nasbench), which says how
channels are shared out among the vertices of a module.

A module is a directed graph from its input to its output; each of the vertices between is one of three operations. It
is decided edge by edge, and then operation by operation, of the vertices that lie on a way through the module alone:
the others are not there. Many answers lead to one module, that of fewer vertices and those in another order.
``isomorphism`` tells modules apart, and ``orbits.modules`` counts those that differ: 423624, the number of the paper.

Three stacks of three such modules, all alike, stand behind a convolution of 128 channels. Between stacks the image is
halved and the channels are doubled.

Deviations:

* Weights start as PyTorch draws them, and normalisations have PyTorch's momentum.
* An image of odd size is halved downwards; the authors' are even.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Value
from archsmith.graph.types import TensorType
from archsmith.spaces.branches import CAT_AT_ONCE
from archsmith.spaces.decisions import Decision, Steps, Trace
from archsmith.spaces.node import Enter, Labels, Make, Node, Plan, Through, answered, joined
from archsmith.spaces.nodes import chain, op
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.values import Meanings

VERTICES, EDGES = 7, 9
POOL, SMALL, LARGE = "maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu"
OPERATIONS = (POOL, SMALL, LARGE)

Edge = tuple[int, int]
"""Vertices that an edge leads from and to; 0 is the input, and the last one the output."""


def nas_bench_101(
    *,
    input: Sequence[int] = (3, 32, 32),
    classes: int = 10,
    stacks: int = 3,
    modules: int = 3,
    channels: int = 128,
    vertices: int = VERTICES,
    edges: int = EDGES,
) -> TreeSpace:
    """The space for images of that shape, channels first: that many ``stacks`` of ``modules`` modules.

    ``channels`` are those of the first stack, ``vertices`` and ``edges`` the most that a module may have.

    Raises:
        UserError: a module has less than two vertices or no edge, or fewer channels than vertices inside.
    """
    if vertices < 2 or edges < 1:
        raise UserError(f"a module has at least 2 vertices and an edge; got vertices={vertices}, edges={edges}")
    if channels < max(1, vertices - 2):
        raise UserError(f"a module of {vertices} vertices takes {vertices - 2} channels or more; got {channels}")
    net = Stacks(tuple(Module(channels * 2**stack, vertices, edges) for stack in range(stacks)), modules)
    parts: list[Node] = [op("conv2d", out=channels, kernel=3, padding="same", bias=False), op("batch_norm2d")]
    head = chain(op("global_avg_pool"), op("linear", out=classes))
    return search_space(chain(*parts, op("relu"), net, head), input=input, alike=isomorphism)


@dataclass(frozen=True, slots=True)
class Stacks:
    """Modules of the same decisions one behind another, the image halved before each but the first of these stacks."""

    stacks: tuple["Module", ...]
    modules: int

    def plan(self, path: str) -> Steps[Plan]:
        yield from ()
        steps: list[Enter | Make] = []
        for place, module in enumerate(self.stacks):
            if place:
                steps.append(Make(_half, (len(steps),)))
            for _ in range(self.modules):
                steps.append(Enter(module, joined(path, "module"), (len(steps),), again=True))
        return tuple(steps)

    def lines(self) -> Iterator[str]:
        yield f"{len(self.stacks)} stacks of {self.modules} modules, all alike"
        for module in self.stacks:
            yield from (f"  {line}" for line in module.lines())

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Module:
    """A directed graph of operations, which gives that many ``channels``."""

    channels: int
    vertices: int = VERTICES
    edges: int = EDGES

    def plan(self, path: str) -> Steps[Plan]:
        labels = yield from answered(self, path)
        edges, _ = _wired(self.vertices, self.edges, labels)
        inside = _inside(self.vertices, edges)
        names = tuple(map(str, labels[len(labels) - len(inside) :]))
        kept = {0, *inside, self.vertices - 1}
        pruned = tuple(edge for edge in edges if kept.issuperset(edge))
        return (Make(_module, (0,), (self.channels, self.vertices, pruned, tuple(zip(inside, names, strict=True)))),)

    def sealed(self, path: str, entering: tuple[TensorType, ...], through: Through) -> TensorType | None:
        """An image of the module's channels, however it is wired."""
        (x,) = entering
        if x.rank != 4 or x.dtype != "float32":
            return None
        return TensorType((x.shape[0], self.channels, *x.shape[2:]), x.dtype)

    def after(self, path: str, labels: Labels) -> Decision | None:
        """The next edge that may be there or not, or the operation of the next vertex."""
        edges, place = _wired(self.vertices, self.edges, labels)
        if place is not None:
            source, at = _order(self.vertices)[place]
            return Decision(joined(path, f"{source}-{at}"), (False, True))
        inside = _inside(self.vertices, edges)
        settled = sum(1 for label in labels if isinstance(label, str))
        return Decision(joined(path, str(inside[settled])), OPERATIONS) if settled < len(inside) else None

    def ways(self, path: str, labels: Labels) -> int:
        """How many ways there are to settle the edges and operations that are left."""
        edges, place = _wired(self.vertices, self.edges, labels)
        left = self.edges - len(edges)
        if place is None:
            settled = sum(1 for label in labels if isinstance(label, str))
            return int(len(OPERATIONS) ** (len(_inside(self.vertices, edges)) - settled))
        source, at = _order(self.vertices)[place]
        behind: tuple[int, ...] = (1,)
        for vertex in range(1, at):
            behind = (*behind, _union(behind, [u for u, v in edges if v == vertex], vertex))
        taken = tuple(u for u, v in edges if v == at)
        return sum(
            _ways(self.vertices, (*behind, _union(behind, (*taken, *more), at)), left - len(more))
            for more in _subsets(source + 1)
            if len(more) <= left
        )

    def look(self, path: str) -> tuple[frozenset[str], tuple[Enter, ...]]:
        """All edges and operations; it enters no other part."""
        edges = (f"{source}-{at}" for source, at in _order(self.vertices))
        vertices = map(str, range(1, self.vertices - 1))
        return frozenset(joined(path, name) for name in (*edges, *vertices)), ()

    def lines(self) -> Iterator[str]:
        most = f"at most {self.vertices} vertices and {self.edges} edges"
        yield f"module of {most}, {self.channels} channels out: {', '.join(OPERATIONS)}"

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        pass


@lru_cache
def _order(vertices: int) -> tuple[Edge, ...]:
    """The edges as they are asked for: by where they lead to, and of those the one from the input last."""
    return tuple((source, at) for at in range(1, vertices) for source in reversed(range(at)))


def _wired(vertices: int, most: int, labels: Labels) -> tuple[tuple[Edge, ...], int | None]:
    """The edges that are there by these answers, and the place of the first one that is not settled by them.

    Only what can be one way or the other is asked: there are at most so many edges, and a way through the module.
    """
    edges: list[Edge] = []
    reached, through, given = {0}, False, 0
    for place, (source, at) in enumerate(_order(vertices)):
        if len(edges) == most:
            break
        ends = at == vertices - 1 and source in reached
        taken = True
        # The last edge of all is from the input to the output: it is the last way through.
        may_be_left, may_be_there = (
            through or place < len(_order(vertices)) - 1,
            through or ends or len(edges) + 1 < most,
        )
        if may_be_left and may_be_there:
            if given == len(labels):
                return tuple(edges), place
            taken, given = bool(labels[given]), given + 1
        if taken and may_be_there:
            edges.append((source, at))
            through = through or ends
            reached |= {at} if source in reached else set()
    return tuple(edges), None


def _inside(vertices: int, edges: Sequence[Edge]) -> tuple[int, ...]:
    """The vertices between input and output that are on a way from the one to the other."""
    reached, needed = {0}, {vertices - 1}
    for source, at in sorted(edges, key=lambda edge: edge[1]):
        reached |= {at} if source in reached else set()
    for source, at in sorted(edges, key=lambda edge: -edge[1]):
        needed |= {source} if at in needed else set()
    return tuple(sorted(reached & needed - {0, vertices - 1}))


@lru_cache
def _subsets(count: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(u for u in range(count) if bits >> u & 1) for bits in range(1 << count))


def _union(behind: Sequence[int], sources: Sequence[int], at: int) -> int:
    """The vertices on ways from the input to ``at``, as bits; 0 if there is no way. ``behind`` are those of others."""
    found = 0
    for source in sources:
        found |= behind[source]
    return found | 1 << at if found else 0


@lru_cache(maxsize=1 << 16)
def _ways(vertices: int, behind: tuple[int, ...], left: int) -> int:
    """How many ways there are to go on behind the vertices that are settled, with so many edges left.

    What matters of each vertex are the vertices ``behind`` it, as ``_union`` has them: of what comes out in the end,
    they are the ones that have operations.
    """
    if len(behind) == vertices:
        # neither the input, bit 0, nor the output has an operation
        return int(len(OPERATIONS) ** (behind[-1].bit_count() - 2)) if behind[-1] else 0
    at = len(behind)
    return sum(
        _ways(vertices, (*behind, _union(behind, more, at)), left - len(more))
        for more in _subsets(at)
        if len(more) <= left
    )


def _half(builder: Builder, values: Sequence[Value]) -> Value:
    return builder.add("max_pool2d", values[0], kernel=2, stride=2)


def _module(
    builder: Builder,
    values: Sequence[Value],
    channels: int,
    vertices: int,
    edges: tuple[Edge, ...],
    operations: tuple[tuple[int, str], ...],
) -> Value:
    (x,) = values
    widths = shares(channels, vertices, edges)
    made: dict[int, Value] = {}
    for vertex, operation in operations:
        width = widths[vertex]
        terms = [_first_channels(builder, made[source], width) for source, at in edges if at == vertex and source]
        if (0, vertex) in edges:
            terms.append(_convolved(builder, x, width, 1))
        made[vertex] = _operated(builder, _added(builder, terms), width, operation)
    out = [made[source] for source, at in sorted(edges) if at == vertices - 1 and source]
    terms = [_end_to_end(builder, out)] if out else []
    if (0, vertices - 1) in edges:
        terms.append(_convolved(builder, x, channels, 1))
    return _added(builder, terms)


def shares(channels: int, vertices: int, edges: Sequence[Edge]) -> dict[int, int]:
    """The channels of each vertex inside: those before the output share its channels out, the first ones the rest.

    Any other vertex has as many as the widest one that it leads to.
    """
    last = vertices - 1
    inside = sorted({vertex for edge in edges for vertex in edge} - {0, last})
    ending = [vertex for vertex in inside if (vertex, last) in edges]
    widths = {v: channels // len(ending) + (place < channels % len(ending)) for place, v in enumerate(ending)}
    for vertex in reversed(inside):
        if vertex not in widths:
            widths[vertex] = max(widths[at] for source, at in edges if source == vertex)
    return widths


def _operated(builder: Builder, x: Value, channels: int, operation: str) -> Value:
    if operation == POOL:
        return builder.add("max_pool2d", x, kernel=3, padding="same")
    return _convolved(builder, x, channels, 1 if operation == SMALL else 3)


def _convolved(builder: Builder, x: Value, channels: int, kernel: int) -> Value:
    """A convolution, its normalisation, and ReLU."""
    y = builder.add("conv2d", x, out=channels, kernel=kernel, padding="same", bias=False)
    return builder.add("relu", builder.add("batch_norm2d", y))


def _first_channels(builder: Builder, x: Value, channels: int) -> Value:
    if builder.type_of(x).shape[1] == channels:
        return x
    return builder.add("narrow", x, dim=1, start=0, length=channels)


def _added(builder: Builder, terms: Sequence[Value]) -> Value:
    whole, *others = terms
    for term in others:
        whole = builder.add("add", whole, term)
    return whole


def _end_to_end(builder: Builder, parts: Sequence[Value]) -> Value:
    whole, *others = parts
    while others:
        taken, others = others[: CAT_AT_ONCE - 1], others[CAT_AT_ONCE - 1 :]
        whole = builder.add("cat", whole, *taken, dim=1)
    return whole


def isomorphism(trace: Trace) -> Hashable:
    """The same for two traces whose modules differ in nothing but the order of their vertices."""
    answers = {name.rpartition("/")[2]: label for name, label in trace.answers}
    operations = {int(name): str(label) for name, label in answers.items() if isinstance(label, str)}
    if not operations:
        return ()  # there is one module without them: an edge from the input to the output
    ends = {name: tuple(map(int, name.split("-"))) for name in answers if "-" in name}
    # The edge that ends the way through the last of the operations was asked for.
    kept = {0: 0, max(at for _, at in ends.values()): len(operations) + 1}
    edges = [ends[name] for name in ends if answers[name]]
    forms: list[tuple[object, ...]] = []
    for order in permutations(operations):
        places = kept | {vertex: place for place, vertex in enumerate(order, start=1)}
        inside = sorted((places[u], places[v]) for u, v in edges if u in places and v in places)
        forms.append((inside, [operations[vertex] for vertex in order]))
    return repr(min(forms))


space = nas_bench_101()
