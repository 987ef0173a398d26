"""The tree of a search space: what a person writes.

A node is a frozen description. Walking it with a builder and a value asks its decisions and gives the value
that leaves it; it keeps no state, so one tree serves any number of searches at once. Decisions are named by
their path::

    block = residual(chain(op("conv2d", out=16, kernel=choose(3, 5), padding="same"), op("relu")))
    net = space(chain(op("conv2d", out=16, kernel=3), repeat(block, choose(1, 2, 3))), input=(1, 8, 8))
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Scalar, Value
from archsmith.spaces.decisions import Decision, Label, Steps


class Node(Protocol):
    """A part of a space's tree: a value goes in, decisions are asked, a value comes out."""

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        """Grow the builder's graph from ``x``; ``path`` names this place in the tree."""
        ...

    def lines(self) -> Iterator[str]:
        """The subtree as text, a line a node, children indented."""
        ...

    def check(self, book: RuleBook) -> None:
        """``UserError`` if the subtree names an operator or an attribute that does not exist."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values: of an operator's attribute, or of a repeat's count.

    ``name`` replaces the attribute's, or the repeat's, in the path.
    """

    options: tuple[Label, ...]
    ordered: bool
    name: str | None = None

    def ask(self, path: str) -> Steps[Label]:
        return (yield Decision(path, self.options, self.ordered))

    def __str__(self) -> str:
        told = [f"ordered={self.ordered}"] if self.ordered != _sizes(self.options) else []
        named = [f"name={self.name!r}"] if self.name is not None else []
        return f"choose({', '.join([*map(repr, self.options), *told, *named])})"


@dataclass(frozen=True, slots=True)
class Op:
    """An operator of the rule book, its attributes fixed or chosen."""

    operator: str
    attributes: tuple[tuple[str, Scalar | Choice], ...]

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        values: dict[str, Scalar] = {}
        for name, given in self.attributes:
            if isinstance(given, Choice):
                values[name] = yield from given.ask(_join(path, given.name or f"{self.operator}.{name}"))
            else:
                values[name] = given
        if values.get("dim", values.get("first")) == 0:
            raise Infeasible(f"{self.operator} along dimension 0 would mix the samples of a batch")
        return builder.apply(self.operator, (x,), values)[0]

    def lines(self) -> Iterator[str]:
        yield str(self)

    def check(self, book: RuleBook) -> None:
        fixed = {name: given.options[0] if isinstance(given, Choice) else given for name, given in self.attributes}
        book.complete(self.operator, fixed)
        for name, given in self.attributes:
            for option in given.options if isinstance(given, Choice) else ():
                book.complete(self.operator, {**fixed, name: option})

    def __str__(self) -> str:
        settings = [f"{k}={v if isinstance(v, Choice) else repr(v)}" for k, v in self.attributes]
        return f"{self.operator}({', '.join(settings)})"


@dataclass(frozen=True, slots=True)
class Chain:
    """Parts one after another."""

    parts: tuple[Node, ...]

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        for place, part in enumerate(self.parts):
            x = yield from part.walk(builder, x, _join(path, str(place)))
        return x

    def lines(self) -> Iterator[str]:
        yield "chain"
        for part in self.parts:
            yield from _indented(part)

    def check(self, book: RuleBook) -> None:
        for part in self.parts:
            part.check(book)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several parts, by label."""

    branches: tuple[tuple[str, Node], ...]
    name: str = "any_of"

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        here = _join(path, self.name)
        label = yield Decision(here, tuple(label for label, _ in self.branches))
        return (yield from dict(self.branches)[str(label)].walk(builder, x, f"{here}={label}"))

    def lines(self) -> Iterator[str]:
        yield _titled("any_of", self.name)
        for label, branch in self.branches:
            first, *rest = branch.lines()
            yield f"  {label}:" if first == label else f"  {label}: {first}"
            yield from (f"  {line}" for line in rest)

    def check(self, book: RuleBook) -> None:
        for _, branch in self.branches:
            branch.check(book)


@dataclass(frozen=True, slots=True)
class Optional:
    """A part that may be left out."""

    body: Node
    name: str = "optional"

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        here = _join(path, self.name)
        taken = yield Decision(here, (False, True))
        return (yield from self.body.walk(builder, x, here)) if taken else x

    def lines(self) -> Iterator[str]:
        yield _titled("optional", self.name)
        yield from _indented(self.body)

    def check(self, book: RuleBook) -> None:
        self.body.check(book)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part several times over, each time with decisions of its own."""

    body: Node
    times: int | Choice
    name: str = "repeat"

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        here = _join(path, self.name)
        times: Label
        if isinstance(self.times, Choice):
            times = yield from self.times.ask(_join(path, self.times.name or f"{self.name}.times"))
        else:
            times = self.times
        for turn in range(int(times)):
            x = yield from self.body.walk(builder, x, _join(here, str(turn)))
        return x

    def lines(self) -> Iterator[str]:
        yield f"{_titled('repeat', self.name)} {self.times} times"
        yield from _indented(self.body)

    def check(self, book: RuleBook) -> None:
        self.body.check(book)


@dataclass(frozen=True, slots=True)
class Residual:
    """A part whose result is added to what went in (He et al. 2016); both must have one shape."""

    body: Node

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        y = yield from self.body.walk(builder, x, _join(path, "residual"))
        # An addition would broadcast, and a residual connection that broadcasts is a mistake, never a wish.
        if builder.type_of(x) != builder.type_of(y):
            types = f"{builder.type_of(x)} and {builder.type_of(y)}"
            raise Infeasible(f"a residual connection adds values of one type; its ends are {types}")
        return builder.add("add", x, y)

    def lines(self) -> Iterator[str]:
        yield "residual"
        yield from _indented(self.body)

    def check(self, book: RuleBook) -> None:
        self.body.check(book)


def op(operator: str, /, **attributes: Scalar | Choice) -> Op:
    """An operator of the rule book by name; an attribute is a value or a ``choose(...)``."""
    return Op(operator, tuple(attributes.items()))


def choose(*options: Label, ordered: bool | None = None, name: str | None = None) -> Choice:
    """One of the values, simplest first. Numbers count as ordered unless told otherwise."""
    if not options:
        raise UserError("choose needs at least one option; got none")
    given = ", ".join(map(repr, options))
    if not all(isinstance(option, int | float | str) and option == option for option in options):
        raise UserError(f"choose takes numbers, words and booleans one by one: choose(3, 5); got {given}")
    if len(set(options)) < len(options):
        raise UserError(f"choose needs options that differ; got {given}")
    return Choice(options, _sizes(options) if ordered is None else ordered, name)


def chain(*parts: Node) -> Chain:
    """Parts one after another."""
    return Chain(_nodes("chain", parts))


def any_of(*branches: Node, name: str = "any_of", **named: Node) -> AnyOf:
    """One of several parts. A branch is labelled by its keyword; without one, by its own first line."""
    if not branches and not named:
        raise UserError("any_of needs at least one branch; got none")
    labelled: dict[str, Node] = {}
    for branch in _nodes("any_of", branches):
        label = next(iter(branch.lines()))
        count = sum(1 for taken in labelled if taken == label or taken.startswith(f"{label} #"))
        labelled[f"{label} #{count + 1}" if count else label] = branch
    for label, branch in _labelled(named, labelled):
        labelled[label] = branch
    return AnyOf(tuple(labelled.items()), name)


def optional(body: Node, *, name: str = "optional") -> Optional:
    """A part that may be left out."""
    return Optional(_nodes("optional", (body,))[0], name)


def repeat(body: Node, times: int | Choice, *, name: str = "repeat") -> Repeat:
    """A part several times over; ``times`` is a count of at least 0 or a choice of counts."""
    counts = times.options if isinstance(times, Choice) else (times,)
    if any(not isinstance(count, int) or isinstance(count, bool) or count < 0 for count in counts):
        raise UserError(f"repeat needs counts that are integers of at least 0; got {', '.join(map(repr, counts))}")
    return Repeat(_nodes("repeat", (body,))[0], times, name)


def residual(body: Node) -> Residual:
    """A part whose result is added to what went in."""
    return Residual(_nodes("residual", (body,))[0])


def _sizes(options: tuple[Label, ...]) -> bool:
    return all(isinstance(option, int | float) and not isinstance(option, bool) for option in options)


def _nodes(where: str, parts: tuple[Node, ...]) -> tuple[Node, ...]:
    for part in parts:
        if not all(hasattr(part, method) for method in ("walk", "lines", "check")):
            raise UserError(f"{where} takes nodes such as op(...) or chain(...); got {part!r}")
    return parts


def _labelled(named: Mapping[str, Node], taken: Mapping[str, Node]) -> Iterator[tuple[str, Node]]:
    _nodes("any_of", tuple(named.values()))
    for label, branch in named.items():
        if label in taken:
            raise UserError(f"any_of has two branches labelled {label!r}; name one of them otherwise")
        yield label, branch


def _titled(kind: str, name: str) -> str:
    """Names are in the text too: two spaces whose decisions have different names are different spaces."""
    return kind if name == kind else f"{kind} {name!r}"


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _indented(node: Node) -> Iterator[str]:
    return (f"  {line}" for line in node.lines())
