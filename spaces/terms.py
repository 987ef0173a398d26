"""Expressions as Z3 reads them: the one place where they are written in its terms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archsmith.graph.expr import Expr, fold


@dataclass(frozen=True, slots=True)
class Term:
    """A whole number of Z3's, and the divisors in it: where one of them is not positive, it has no value."""

    number: Any
    divisors: tuple[Any, ...]

    @property
    def holds(self) -> Any:
        """That it has a value other than 0, as a formula."""
        import z3

        return z3.And(*(divisor > 0 for divisor in self.divisors), self.number != 0)


def as_term(expr: Expr, context: Any = None) -> Term:
    """The expression over whole numbers of a Z3 context; what is true or false in it is 1 or 0."""
    import z3

    return fold(
        expr,
        literal=lambda value: Term(z3.IntVal(value, context), ()),
        symbol=lambda name: Term(z3.Int(name, context), ()),
        apply=_applied,
    )


def _applied(operation: str, sides: Sequence[Term]) -> Term:
    import z3

    numbers = [side.number for side in sides]
    divisors = tuple(divisor for side in sides for divisor in side.divisors)
    if operation in ("//", "%"):  # above 0, Z3's division is Python's
        divisors += (numbers[1],)
    made = _READ[operation](*numbers)
    if z3.is_bool(made):
        made = z3.If(made, z3.IntVal(1, made.ctx), z3.IntVal(0, made.ctx))
    return Term(made, divisors)


def _least(left: Any, right: Any) -> Any:
    import z3

    return z3.If(left <= right, left, right)


def _broadcast(left: Any, right: Any) -> Any:
    import z3

    return z3.If(left == 1, right, left)


def _both(left: Any, right: Any) -> Any:
    import z3

    return z3.And(left != 0, right != 0)


def _either(left: Any, right: Any) -> Any:
    import z3

    return z3.Or(left != 0, right != 0)


_READ: Mapping[str, Callable[..., Any]] = {
    "not": lambda only: only == 0,
    "or": _either,
    "and": _both,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "//": lambda left, right: left / right,
    "%": lambda left, right: left % right,
    "min": _least,
    "max": lambda left, right: -_least(-left, -right),
    "broadcast": _broadcast,
}
"""The operations of an expression as Z3 writes them, over its numbers."""
