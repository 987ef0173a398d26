"""The parts of a space's tree: frozen descriptions with a plan. ``nodes`` has the words to write them with.

A part keeps no state, so one tree serves any number of searches at once. Decisions are named by their path in the tree.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from archsmith.graph.book import Operator, RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Scalar, Value
from archsmith.graph.own import placed, short
from archsmith.graph.types import TensorType
from archsmith.spaces.batches import demand_samples_apart
from archsmith.spaces.decisions import Decision, Label, Steps
from archsmith.spaces.node import Enter, Make, Node, Plan, indented, joined, named_by, titled
from archsmith.spaces.values import Choice, Given, Meanings, SharedValue, note, settled, values_of


@dataclass(frozen=True, slots=True)
class Op:
    """An operator of the rule book, its attributes fixed, chosen or computed; ``own`` is one of a user's own."""

    operator: str
    attributes: tuple[tuple[str, Given], ...]
    own: Operator | None = None

    def plan(self, path: str) -> Steps[Plan]:
        values: list[tuple[str, Scalar]] = []
        for name, given in self.attributes:
            values.append((name, (yield from settled(given, self.path_of(name, given, path)))))
        function = _applied if self.own is None or self.own.learned else _called_on
        return (Make(function, (0,), (self.operator, tuple(values))),)

    def path_of(self, name: str, given: Given, path: str) -> str:
        """The name of the decision about an attribute, where it is a choice."""
        own = given.name if isinstance(given, Choice) else None
        return joined(path, own or f"{short(self.operator)}.{name}")

    def domains(self, path: str, answers: Mapping[str, Label]) -> dict[str, tuple[Scalar, ...]]:
        """The values that are left for each attribute after these answers; none for one that is not computed yet."""
        left: dict[str, tuple[Scalar, ...]] = {}
        for name, given in self.attributes:
            left[name] = values_of(given)
            if isinstance(given, Choice) and self.path_of(name, given, path) in answers:
                left[name] = (answers[self.path_of(name, given, path)],)
            elif isinstance(given, SharedValue) and all(name in answers for name, _ in given.choices):
                left[name] = (given.computed(answers),)
        return left

    def lines(self) -> Iterator[str]:
        yield str(self)

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        with named_by(path):
            for _, given in self.attributes:
                if isinstance(given, SharedValue):
                    given.note(meanings)
            self._check_values(book)

    def _check_values(self, book: RuleBook) -> None:
        plain = {name: values_of(given) for name, given in self.attributes}
        # A computed value is known only in a walk: any whole number stands for it here.
        learned = book.partial(self.operator)
        some = {name: 1 if learned is None else learned.number(name) for name in plain}
        fixed = {name: values[0] if values else some[name] for name, values in plain.items()}
        book.complete(self.operator, fixed)
        for name, values in plain.items():
            for value in values:
                book.complete(self.operator, {**fixed, name: value})

    def __str__(self) -> str:
        settings = [f"{k}={v if isinstance(v, Choice | SharedValue) else repr(v)}" for k, v in self.attributes]
        return f"{placed(self.operator)}({', '.join(settings)})"


def _applied(
    builder: Builder, values: Sequence[Value], operator: str, attributes: tuple[tuple[str, Scalar], ...]
) -> Value:
    if builder.book.partial(operator) is not None:
        demand_samples_apart(builder.book, operator, tuple(map(builder.type_of, values)), dict(attributes))
        return _called_on(builder, values, operator, attributes)
    given = dict(attributes)
    if given.get("dim", given.get("first")) == 0:
        raise Infeasible(f"{operator} along dimension 0 would mix the samples of a batch")
    return _called_on(builder, values, operator, attributes)


def _called_on(
    builder: Builder, values: Sequence[Value], operator: str, attributes: tuple[tuple[str, Scalar], ...]
) -> Value:
    return builder.apply(operator, values, dict(attributes))[0]


@dataclass(frozen=True, slots=True)
class Chain:
    """Parts one after another."""

    parts: tuple[Node, ...]

    def plan(self, path: str) -> Steps[Plan]:
        yield from ()
        return tuple(Enter(part, joined(path, str(place)), of=(place,)) for place, part in enumerate(self.parts))

    def lines(self) -> Iterator[str]:
        yield "chain"
        for part in self.parts:
            yield from indented(part)

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        for place, part in enumerate(self.parts):
            part.check(book, meanings, joined(path, str(place)))


@dataclass(frozen=True, slots=True)
class Optional:
    """A part that may be left out; ``weights`` are those of leaving it out and of taking it."""

    body: Node
    name: str = "optional"
    weights: tuple[float, ...] | None = None

    def plan(self, path: str) -> Steps[Plan]:
        here = joined(path, self.name)
        taken = yield Decision(here, (False, True), weights=self.weights)
        return (Enter(self.body, here),) if taken else ()

    def lines(self) -> Iterator[str]:
        yield titled("optional", self.name, self.weights)
        yield from indented(self.body)

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        self.body.check(book, meanings, joined(path, self.name))


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part several times over: each time with decisions of its own, or ``tied``, with the same ones every time."""

    body: Node
    times: int | Choice | SharedValue
    name: str = "repeat"
    tied: bool = False

    def plan(self, path: str) -> Steps[Plan]:
        own = self.times.name if isinstance(self.times, Choice) else None
        times = yield from settled(self.times, joined(path, own or f"{self.name}.times"))
        if int(times) < 0:
            raise Infeasible(f"{self.name} takes a count of at least 0; got {self.times} as {times}")
        here = joined(path, self.name)
        turns = ("each" if self.tied else str(turn) for turn in range(int(times)))
        return tuple(
            Enter(self.body, joined(here, turn), of=(place,), again=self.tied) for place, turn in enumerate(turns)
        )

    def lines(self) -> Iterator[str]:
        yield f"{titled('repeat', self.name)} {self.times} times{', tied' if self.tied else ''}"
        yield from indented(self.body)

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        if isinstance(self.times, SharedValue):
            with named_by(path):
                self.times.note(meanings)
        self.body.check(book, meanings, joined(path, self.name))


@dataclass(frozen=True, slots=True)
class Residual:
    """A part whose result is added to what went in (He et al. 2016).

    Where the two differ in channels or size, ``project`` has what went in pass a linear map first: a convolution of
    kernel 1 with the stride that fits, or a linear layer.
    """

    body: Node
    project: bool = True

    def plan(self, path: str) -> Steps[Plan]:
        yield from ()
        return (Enter(self.body, joined(path, "residual")), Make(_projected_sum if self.project else _sum, (0, 1)))

    def lines(self) -> Iterator[str]:
        yield "residual" if self.project else "residual, not projected"
        yield from indented(self.body)

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        self.body.check(book, meanings, joined(path, "residual"))


def _projected_sum(builder: Builder, values: Sequence[Value]) -> Value:
    x, y = values
    if builder.type_of(x) != builder.type_of(y):
        x = _projected(builder, x, builder.type_of(y))
    return _sum(builder, (x, y))


def _sum(builder: Builder, values: Sequence[Value]) -> Value:
    # An addition would broadcast, and a residual connection that broadcasts is a mistake, never a wish.
    return added(builder, values, "a residual connection")


def added(builder: Builder, values: Sequence[Value], where: str) -> Value:
    """The sum of two values; ``Infeasible`` unless they are of one type."""
    types = tuple(dict.fromkeys(map(builder.type_of, values)))
    if len(types) > 1:
        raise Infeasible(f"{where} adds values of one type; it has {' and '.join(map(str, types))}")
    return builder.add("add", *values)


def _projected(builder: Builder, x: Value, wanted: TensorType) -> Value:
    """``x`` mapped to the channels and sizes of ``wanted``, if a convolution of kernel 1 or a linear layer can."""
    given = builder.type_of(x)
    if given.rank != wanted.rank or given.rank not in (2, 3, 4):
        raise Infeasible(f"a residual connection cannot project {given} to {wanted}")
    if given.rank == 2:
        return builder.add("linear", x, out=wanted.shape[1], bias=False)
    stride = -(-given.shape[2] // wanted.shape[2])
    return builder.add(f"conv{given.rank - 2}d", x, out=wanted.shape[1], kernel=1, stride=stride, bias=False)


@dataclass(frozen=True, slots=True)
class Shared:
    """A part whose decisions are asked once, under its own name, and hold wherever it is used."""

    name: str
    body: Node

    def plan(self, path: str) -> Steps[Plan]:
        yield from ()
        return (Enter(self.body, self.name, again=True),)

    def lines(self) -> Iterator[str]:
        yield f"shared {self.name!r}"
        yield from indented(self.body)

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        with named_by(path):
            note(meanings, self.name, "\n".join(self.body.lines()))
        self.body.check(book, meanings, self.name)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the user's own that grows the graph: ``function(builder, x)`` gives the value that leaves it."""

    function: Callable[[Builder, Value], Value]

    def plan(self, path: str) -> Steps[Plan]:
        yield from ()
        return (Make(_called, (0,), (self,)),)

    def lines(self) -> Iterator[str]:
        yield str(self)

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        pass

    def __str__(self) -> str:
        return f"call {self.function.__module__}:{self.function.__qualname__}"


def _called(builder: Builder, values: Sequence[Value], part: Call) -> Value:
    (x,) = values
    made = part.function(builder, x)
    if not isinstance(made, Value):
        raise UserError(f"a called function must return a value of the builder; {part} returned {made!r}")
    return made
