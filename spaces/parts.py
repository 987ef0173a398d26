"""The parts of a space's tree: frozen descriptions that are walked. ``nodes`` has the words to write them with.

Walking a part with a builder and a value asks its decisions and gives the value that leaves it; a part keeps no state,
so one tree serves any number of searches at once. Decisions are named by their path in the tree.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from archsmith.graph.book import Operator, RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Scalar, Value
from archsmith.graph.own import placed, short
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Decision, Steps
from archsmith.spaces.values import Choice, Given, Meanings, SharedValue, note, settled, values_of


class Node(Protocol):
    """A part of a space's tree: a value goes in, decisions are asked, a value comes out."""

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        """Grow the builder's graph from ``x``; ``path`` names this place in the tree."""
        ...

    def lines(self) -> Iterator[str]:
        """The subtree as text, a line a node, children indented."""
        ...

    def check(self, book: RuleBook, meanings: Meanings) -> None:
        """Look for mistakes in the subtree, and add what its shared names stand for.

        Raises:
            UserError: an operator or an attribute does not exist, or a shared name has two meanings.
        """
        ...


@dataclass(frozen=True, slots=True)
class Op:
    """An operator of the rule book, its attributes fixed, chosen or computed; ``own`` is one of a user's own."""

    operator: str
    attributes: tuple[tuple[str, Given], ...]
    own: Operator | None = None

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        values: dict[str, Scalar] = {}
        for name, given in self.attributes:
            own = given.name if isinstance(given, Choice) else None
            values[name] = yield from settled(given, joined(path, own or f"{short(self.operator)}.{name}"))
        if self.own is None and values.get("dim", values.get("first")) == 0:
            raise Infeasible(f"{short(self.operator)} along dimension 0 would mix the samples of a batch")
        return builder.apply(self.operator, (x,), values)[0]

    def lines(self) -> Iterator[str]:
        yield str(self)

    def check(self, book: RuleBook, meanings: Meanings) -> None:
        for _, given in self.attributes:
            if isinstance(given, SharedValue):
                given.note(meanings)
        plain = {name: values_of(given) for name, given in self.attributes}
        # A computed value is known only in a walk: any whole number stands for it here.
        fixed = {name: values[0] if values else 1 for name, values in plain.items()}
        book.complete(self.operator, fixed)
        for name, values in plain.items():
            for value in values:
                book.complete(self.operator, {**fixed, name: value})

    def __str__(self) -> str:
        settings = [f"{k}={v if isinstance(v, Choice | SharedValue) else repr(v)}" for k, v in self.attributes]
        return f"{placed(self.operator)}({', '.join(settings)})"


@dataclass(frozen=True, slots=True)
class Chain:
    """Parts one after another."""

    parts: tuple[Node, ...]

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        for place, part in enumerate(self.parts):
            x = yield from part.walk(builder, x, joined(path, str(place)))
        return x

    def lines(self) -> Iterator[str]:
        yield "chain"
        for part in self.parts:
            yield from indented(part)

    def check(self, book: RuleBook, meanings: Meanings) -> None:
        for part in self.parts:
            part.check(book, meanings)


@dataclass(frozen=True, slots=True)
class Optional:
    """A part that may be left out; ``weights`` are those of leaving it out and of taking it."""

    body: Node
    name: str = "optional"
    weights: tuple[float, ...] | None = None

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        here = joined(path, self.name)
        taken = yield Decision(here, (False, True), weights=self.weights)
        return (yield from self.body.walk(builder, x, here)) if taken else x

    def lines(self) -> Iterator[str]:
        yield titled("optional", self.name, self.weights)
        yield from indented(self.body)

    def check(self, book: RuleBook, meanings: Meanings) -> None:
        self.body.check(book, meanings)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part several times over: each time with decisions of its own, or ``tied``, with the same ones every time."""

    body: Node
    times: int | Choice | SharedValue
    name: str = "repeat"
    tied: bool = False

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        for here in (yield from self.turns(path)):
            x = yield from self.body.walk(builder, x, here)
        return x

    def turns(self, path: str) -> Steps[tuple[str, ...]]:
        """Ask how often, and give the path of the body at each turn."""
        own = self.times.name if isinstance(self.times, Choice) else None
        times = yield from settled(self.times, joined(path, own or f"{self.name}.times"))
        if int(times) < 0:
            raise Infeasible(f"{self.name} takes a count of at least 0; got {self.times} as {times}")
        here = joined(path, self.name)
        return tuple(joined(here, "each" if self.tied else str(turn)) for turn in range(int(times)))

    def lines(self) -> Iterator[str]:
        yield f"{titled('repeat', self.name)} {self.times} times{', tied' if self.tied else ''}"
        yield from indented(self.body)

    def check(self, book: RuleBook, meanings: Meanings) -> None:
        if isinstance(self.times, SharedValue):
            self.times.note(meanings)
        self.body.check(book, meanings)


@dataclass(frozen=True, slots=True)
class Residual:
    """A part whose result is added to what went in (He et al. 2016).

    Where the two differ in channels or size, ``project`` has what went in pass a linear map first: a convolution of
    kernel 1 with the stride that fits, or a linear layer.
    """

    body: Node
    project: bool = True

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        y = yield from self.body.walk(builder, x, joined(path, "residual"))
        return self.connect(builder, x, y)

    def connect(self, builder: Builder, x: Value, y: Value) -> Value:
        """What went in, added to the body's result; ``Infeasible`` if the two do not fit."""
        if self.project and builder.type_of(x) != builder.type_of(y):
            x = _projected(builder, x, builder.type_of(y))
        # An addition would broadcast, and a residual connection that broadcasts is a mistake, never a wish.
        demand_equal(builder, (x, y), "a residual connection")
        return builder.add("add", x, y)

    def lines(self) -> Iterator[str]:
        yield "residual" if self.project else "residual, not projected"
        yield from indented(self.body)

    def check(self, book: RuleBook, meanings: Meanings) -> None:
        self.body.check(book, meanings)


@dataclass(frozen=True, slots=True)
class Shared:
    """A part whose decisions are asked once, under its own name, and hold wherever it is used."""

    name: str
    body: Node

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        return (yield from self.body.walk(builder, x, self.name))

    def lines(self) -> Iterator[str]:
        yield f"shared {self.name!r}"
        yield from indented(self.body)

    def check(self, book: RuleBook, meanings: Meanings) -> None:
        note(meanings, self.name, "\n".join(self.body.lines()))
        self.body.check(book, meanings)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the user's own that grows the graph: ``function(builder, x)`` gives the value that leaves it."""

    function: Callable[[Builder, Value], Value]

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        yield from ()
        made = self.function(builder, x)
        if not isinstance(made, Value):
            raise UserError(f"a called function must return a value of the builder; {self} returned {made!r}")
        return made

    def lines(self) -> Iterator[str]:
        yield str(self)

    def check(self, book: RuleBook, meanings: Meanings) -> None:
        pass

    def __str__(self) -> str:
        return f"call {self.function.__module__}:{self.function.__qualname__}"


def demand_equal(builder: Builder, values: tuple[Value, ...], where: str) -> None:
    """``Infeasible`` unless all the values are of one type."""
    types = tuple(dict.fromkeys(map(builder.type_of, values)))
    if len(types) > 1:
        raise Infeasible(f"{where} adds values of one type; it has {' and '.join(map(str, types))}")


def _projected(builder: Builder, x: Value, wanted: TensorType) -> Value:
    """``x`` mapped to the channels and sizes of ``wanted``, if a convolution of kernel 1 or a linear layer can."""
    given = builder.type_of(x)
    if given.rank != wanted.rank or given.rank not in (2, 3, 4):
        raise Infeasible(f"a residual connection cannot project {given} to {wanted}")
    if given.rank == 2:
        return builder.add("linear", x, out=wanted.shape[1], bias=False)
    stride = -(-given.shape[2] // wanted.shape[2])
    return builder.add(f"conv{given.rank - 2}d", x, out=wanted.shape[1], kernel=1, stride=stride, bias=False)


def titled(kind: str, name: str, weights: tuple[float, ...] | None = None) -> str:
    """Names and weights are in the text too: two spaces that differ in them are different spaces."""
    weighed = "" if weights is None else f" weights={weights}"
    return (kind if name == kind else f"{kind} {name!r}") + weighed


def joined(path: str, name: str) -> str:
    """The path of something called ``name`` at ``path``."""
    return f"{path}/{name}" if path else name


def indented(node: Node) -> Iterator[str]:
    return (f"  {line}" for line in node.lines())
