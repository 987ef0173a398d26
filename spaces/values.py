"""Values that a space leaves open: chosen at one place, or shared by many, and what is computed from them.

A choice is asked wherever it stands, under the name of that place. A shared value is asked once in a walk, under its
own name, and means the same wherever it is used; arithmetic on it gives further values and asks nothing::

    width = shared("width", choose(8, 16, 32))
    op("conv2d", out=2 * width, kernel=3)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.expr import Apply, Expr, Lit, Sym, Undefined, evaluate, show
from archsmith.graph.graph import Scalar
from archsmith.spaces.decisions import Decision, Label, Steps


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values: of an operator's attribute, or of a repeat's count.

    ``name`` replaces the attribute's, or the repeat's, in the path. ``weights`` are how likely random sampling takes
    each option; without them all are equally likely. ``grid`` is how the options were given where they were not listed,
    such as ``"integers(1, 9, step=2)"``.
    """

    options: tuple[Label, ...]
    ordered: bool
    name: str | None = None
    weights: tuple[float, ...] | None = None
    grid: str | None = None

    def ask(self, path: str) -> Steps[Label]:
        """Put the choice as a decision of that name."""
        return (yield Decision(path, self.options, self.ordered, self.weights))

    def __str__(self) -> str:
        told = [f"ordered={self.ordered}"] if self.ordered != _sizes(self.options) else []
        named = [f"name={self.name!r}"] if self.name is not None else []
        weighed = [f"weights={self.weights}"] if self.weights is not None else []
        if self.grid is not None:
            return f"{', '.join([self.grid.removesuffix(')'), *named])})"
        return f"choose({', '.join([*map(repr, self.options), *told, *named, *weighed])})"


@dataclass(frozen=True, slots=True)
class SharedValue:
    """A value computed from shared choices, by their names: ``expr`` is over those names. Made by ``shared``."""

    expr: Expr
    choices: tuple[tuple[str, Choice], ...]

    def ask(self) -> Steps[Scalar]:
        """Put the choices as decisions of their own names, and compute the value."""
        answers: dict[str, Label] = {}
        for name, choice in self.choices:
            answers[name] = yield from choice.ask(name)
        return self.computed(answers)

    def computed(self, answers: Mapping[str, Label]) -> Scalar:
        """The value where its choices have these answers; ``Infeasible`` if it has none there."""
        if isinstance(self.expr, Sym):
            return answers[self.expr.name]
        try:
            return evaluate(self.expr, {name: int(answers[name]) for name, _ in self.choices})
        except Undefined as error:
            raise Infeasible(str(error)) from None

    def __str__(self) -> str:
        return f"{show(self.expr)} where {', '.join(f'{name} = {choice}' for name, choice in self.choices)}"

    def __add__(self, other: "int | SharedValue") -> "SharedValue":
        return _combined("+", self, other)

    def __radd__(self, other: int) -> "SharedValue":
        return _combined("+", other, self)

    def __sub__(self, other: "int | SharedValue") -> "SharedValue":
        return _combined("-", self, other)

    def __rsub__(self, other: int) -> "SharedValue":
        return _combined("-", other, self)

    def __mul__(self, other: "int | SharedValue") -> "SharedValue":
        return _combined("*", self, other)

    def __rmul__(self, other: int) -> "SharedValue":
        return _combined("*", other, self)

    def __floordiv__(self, other: "int | SharedValue") -> "SharedValue":
        return _combined("//", self, other)

    def __rfloordiv__(self, other: int) -> "SharedValue":
        return _combined("//", other, self)

    def __truediv__(self, other: object) -> "SharedValue":
        raise UserError(f"sizes are whole numbers: write {show(self.expr)} // {other} for the quotient rounded down")

    def __mod__(self, other: "int | SharedValue") -> "SharedValue":
        return _combined("%", self, other)

    def __rmod__(self, other: int) -> "SharedValue":
        return _combined("%", other, self)

    def note(self, meanings: "Meanings") -> None:
        """Add what its names stand for (``UserError`` if one of them stands for something else)."""
        for name, choice in self.choices:
            note(meanings, name, choice)


Meanings = dict[str, "Choice | str"]
"""What the shared names of a tree stand for, as far as they have been met: a choice, or the text of a part."""

Given = Scalar | Choice | SharedValue
"""What an attribute may be given as."""


def choose(
    *options: Label, ordered: bool | None = None, name: str | None = None, weights: Sequence[float] | None = None
) -> Choice:
    """One of the values, simplest first. Numbers count as ordered unless told otherwise."""
    if not options:
        raise UserError("choose needs at least one option; got none")
    given = ", ".join(map(repr, options))
    if not all(isinstance(option, int | float | str) and option == option for option in options):
        raise UserError(f"choose takes numbers, words and booleans one by one: choose(3, 5); got {given}")
    if len(set(options)) < len(options):
        raise UserError(f"choose needs options that differ; got {given}")
    ordered = _sizes(options) if ordered is None else ordered
    return Choice(options, ordered, name, checked_weights("choose", weights, len(options)))


def checked_weights(where: str, weights: Sequence[float] | None, count: int) -> tuple[float, ...] | None:
    """The weights as a tuple, one for each option, none below 0 and some above (``UserError``)."""
    if weights is None:
        return None
    numbers = isinstance(weights, Sequence) and _sizes(tuple(weights))
    if not numbers or len(weights) != count or min(weights) < 0 or not 0 < sum(weights) < inf:
        raise UserError(f"{where} takes a list of {count} weights of at least 0, not all 0; got {weights!r}")
    return tuple(float(weight) for weight in weights)


def checked_name(name: str) -> str:
    """The name of something shared, which must read as a symbol (``UserError``)."""
    if not isinstance(name, str) or not name.isidentifier():
        raise UserError(f"what is shared has a name of letters, digits and _, such as 'width'; got {name!r}")
    return name


def note(meanings: Meanings, name: str, meaning: Choice | str) -> None:
    """Add what a shared name stands for (``UserError`` if it stands for something else)."""
    if str(meanings.setdefault(name, meaning)) != str(meaning):
        first, second = (" ".join(str(known).split()) for known in (meanings[name], meaning))
        raise UserError(f"{name!r} is shared with two meanings: {first} and {second}")


def shared_value(name: str, choice: Choice) -> SharedValue:
    """The choice, asked once under that name wherever it is used."""
    if choice.name is not None:
        raise UserError(f"what is shared as {name!r} is asked under that name alone; got {choice}")
    return SharedValue(Sym(checked_name(name)), ((name, choice),))


def settled(given: Given, path: str) -> Steps[Scalar]:
    """The value itself, its decisions asked; those of a choice under ``path``."""
    match given:
        case Choice():
            return (yield from given.ask(path))
        case SharedValue():
            return (yield from given.ask())
        case _:
            return given


def values_of(given: Given) -> tuple[Scalar, ...]:
    """Values that it can take, as far as they are plain: all of a choice, none of what is computed."""
    match given:
        case Choice(options=options):
            return options
        case SharedValue(expr=Sym(), choices=((_, choice),)):
            return choice.options
        case SharedValue():
            return ()
        case _:
            return (given,)


def _combined(operation: str, left: int | SharedValue, right: int | SharedValue) -> SharedValue:
    sides = [_term(side, operation) for side in (left, right)]
    choices: dict[str, Choice] = {}
    meanings: Meanings = {}
    for _, named in sides:
        for name, choice in named:
            note(meanings, name, choice)
            choices[name] = choice
    return SharedValue(Apply(operation, tuple(expr for expr, _ in sides)), tuple(choices.items()))


def _term(side: object, operation: str) -> tuple[Expr, tuple[tuple[str, Choice], ...]]:
    if isinstance(side, SharedValue) and all(_whole(option) for _, choice in side.choices for option in choice.options):
        return side.expr, side.choices
    if _whole(side):
        assert isinstance(side, int)
        return Lit(side), ()
    raise UserError(f"{operation} takes whole numbers and shared choices of whole numbers; got {side}")


def _whole(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)


def _sizes(options: tuple[Label, ...]) -> bool:
    return all(isinstance(option, int | float) and not isinstance(option, bool) for option in options)
