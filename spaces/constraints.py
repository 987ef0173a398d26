"""What a space demands of its architectures beyond the operators' rules: of their cost, and of values by name.

A constraint is an expression over ``parameters``, ``macs`` and shared values (``"parameters <= 1e6"``,
``"width * depth <= 64"``), or a predicate: a function whose parameters are shared values by name. It speaks about the
architectures that have all of its values, and is met by any other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import Parameter, signature

from archsmith.graph.errors import UserError
from archsmith.graph.expr import Apply, Expr, Undefined, evaluate, parse, show, symbols
from archsmith.graph.intervals import Range, bounds
from archsmith.spaces.decisions import Label
from archsmith.spaces.values import Choice

COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "and", "or", "not"})
"""What a constraint is at its outside: anything else is a number, and whoever wrote it forgot to compare it."""

COSTS = ("parameters", "macs")
"""What a constraint may say of the whole network: trainable numbers, and multiply-accumulates for one sample."""


@dataclass(frozen=True)
class Constraint:
    """An expression, or a predicate; ``options`` are those of the values that it names, costs left out."""

    expr: Expr | None
    predicate: Callable[..., bool] | None
    options: tuple[tuple[str, tuple[Label, ...]], ...]

    @cached_property
    def names(self) -> frozenset[str]:
        """The values that it speaks of."""
        return frozenset(name for name, _ in self.options)

    @cached_property
    def of_cost(self) -> bool:
        """Whether it speaks of the network's cost."""
        return self.expr is not None and bool(symbols(self.expr) & set(COSTS))

    def met(self, values: Mapping[str, Label]) -> bool:
        """Whether it holds for these values, among them all that it names."""
        if self.predicate is not None:
            return bool(self._said({name: values[name] for name in self.names}))
        assert self.expr is not None
        try:
            return bool(evaluate(self.expr, {name: int(value) for name, value in values.items() if name in self._used}))
        except Undefined:
            return False

    def within(self, ranges: Mapping[str, Range]) -> Range:
        """(1, 1) if it holds wherever its symbols are in these ranges, (0, 0) if nowhere, (0, 1) if that is open."""
        assert self.expr is not None
        try:
            least, most = bounds(self.expr, ranges)
            defined = all(bounds(divisor, ranges)[0] > 0 for divisor in _divisors(self.expr))
        except Undefined:
            return 0, 0
        return int(defined and (least > 0 or most < 0)), int((least, most) != (0, 0))

    def _said(self, values: Mapping[str, Label]) -> object:
        assert self.predicate is not None
        try:
            return self.predicate(**values)
        except Exception as error:  # a user's own code may raise anything
            given = ", ".join(f"{name}={value!r}" for name, value in sorted(values.items()))
            raise UserError(f"the predicate {self} raised {type(error).__name__} for {given}: {error}") from error

    @cached_property
    def _used(self) -> frozenset[str]:
        return frozenset() if self.expr is None else symbols(self.expr)

    def shown(self, values: Mapping[str, Label]) -> str:
        """The values that it speaks of, as far as they are known."""
        return ", ".join(f"{name}={values[name]!r}" for name in sorted(self.names | self._used) if name in values)

    def __str__(self) -> str:
        if self.expr is not None:
            return show(self.expr)
        assert self.predicate is not None
        return f"{self.predicate.__module__}:{self.predicate.__qualname__}({', '.join(sorted(self.names))})"


def read_constraint(given: str | Callable[..., bool], values: Mapping[str, Choice | str]) -> Constraint:
    """The constraint that ``given`` writes, over values that a tree shares.

    Raises:
        UserError: the text is no expression, or a name is neither a cost nor a value that is shared.
    """
    if callable(given):
        return _predicate(given, values)
    if not isinstance(given, str):
        raise UserError(f'a constraint is text such as "parameters <= 1e6", or a function; got {given!r}')
    try:
        expr = parse(given)
    except ValueError as error:
        raise UserError(f"a constraint is an expression over whole numbers: {error}") from None
    if not symbols(expr):
        raise UserError(f"a constraint speaks of {', '.join(COSTS)} or of shared values; {given!r} speaks of none")
    if not isinstance(expr, Apply) or expr.operation not in COMPARISONS:
        raise UserError(f"a constraint compares: parameters <= 1e6, width * depth <= 64; got {given!r}")
    if ambiguous := sorted(symbols(expr) & set(COSTS) & values.keys()):
        raise UserError(f"in {given!r}, {ambiguous[0]} is the network's cost; share the value under another name")
    names = symbols(expr) - set(COSTS)
    _demand_shared(given, names, values)
    for name in sorted(names):
        if not all(isinstance(option, int) for option in _choice(values[name]).options):
            raise UserError(
                f"in {given!r}, {name} must be whole numbers; it is {values[name]}: write a function of {name} instead"
            )
    return Constraint(expr, None, _options(names, values))


def _divisors(expr: Expr) -> tuple[Expr, ...]:
    """What is divided by: where one is not positive, the expression has no value, and a constraint is not met."""
    if not isinstance(expr, Apply):
        return ()
    own = expr.arguments[1:] if expr.operation in ("//", "%") else ()
    return own + tuple(divisor for side in expr.arguments for divisor in _divisors(side))


def _predicate(given: Callable[..., bool], values: Mapping[str, Choice | str]) -> Constraint:
    name = getattr(given, "__qualname__", "<nameless>")
    try:
        taken = signature(given).parameters.values()
    except (TypeError, ValueError):  # one of Python's own, which do not tell their parameters
        raise UserError(f"a predicate is a function of shared values by name; {name} does not tell its names") from None
    if "<" in name or any(entry.kind is not Parameter.POSITIONAL_OR_KEYWORD for entry in taken) or not taken:
        raise UserError(f"a predicate is a function of shared values by name, at the top of a file; got {name}")
    names = frozenset(entry.name for entry in taken)
    _demand_shared(name, names, values)
    return Constraint(None, given, _options(names, values))


def _options(names: frozenset[str], values: Mapping[str, Choice | str]) -> tuple[tuple[str, tuple[Label, ...]], ...]:
    return tuple((name, _choice(values[name]).options) for name in sorted(names))


def _choice(meaning: Choice | str) -> Choice:
    assert isinstance(meaning, Choice)  # anything else has been refused
    return meaning


def _demand_shared(where: str, names: frozenset[str], values: Mapping[str, Choice | str]) -> None:
    choices = {name for name, meaning in values.items() if isinstance(meaning, Choice)}
    unknown = ", ".join(sorted(names - choices))
    if unknown:
        known = ", ".join([*COSTS, *sorted(choices)])
        raise UserError(f"the constraint {where!r} speaks of {unknown}; it may speak of {known}")
