"""Integer expressions: what a rule about an operator is written in.

An ``Expr`` is a literal, a symbol or an operation over integers; comparisons and connectives give 0 or 1. It
is read by ``fold``: evaluated here, printed here, and sent elsewhere to a solver. The text form is Python's
own, so that a rule reads as its author would have written it by hand::

    >>> size = parse("(H + 2*padding - kernel) // stride + 1")
    >>> evaluate(size, {"H": 8, "padding": 1, "kernel": 3, "stride": 2})
    4
    >>> show(size)
    '(H + 2*padding - kernel)//stride + 1'

Division is demanded to have a positive divisor: there Python's floor division and a solver's Euclidean one
agree.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lit:
    value: int


@dataclass(frozen=True, slots=True)
class Sym:
    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation of ``OPERATIONS`` on its arguments."""

    operation: str
    arguments: tuple["Expr", ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Expressions are the keys of every cache below: without this, each look-up would walk the whole tree.
        object.__setattr__(self, "_hash", hash((self.operation, self.arguments)))

    def __hash__(self) -> int:
        return self._hash


Expr = Lit | Sym | Apply


class Undefined(ArithmeticError):
    """The expression has no value there: a divisor is not positive, or a symbol is unknown."""


@dataclass(frozen=True, slots=True)
class Operation:
    """``compute`` over integers; ``precedence`` as in Python, higher binds tighter (0: written as a call)."""

    arity: int
    precedence: int
    compute: Callable[..., int]


def _floor_divide(a: int, b: int) -> int:
    if b <= 0:
        raise Undefined(f"{a} // {b}: the divisor must be positive")
    return a // b


def _remainder(a: int, b: int) -> int:
    if b <= 0:
        raise Undefined(f"{a} % {b}: the divisor must be positive")
    return a % b


def _broadcast(a: int, b: int) -> int:
    """The size of two sizes that are equal or of which one is 1 (also where the other is 0, as ``max`` is not)."""
    return b if a == 1 else a


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "or": Operation(2, 1, lambda a, b: int(bool(a) or bool(b))),
        "and": Operation(2, 2, lambda a, b: int(bool(a) and bool(b))),
        "not": Operation(1, 3, lambda a: int(not a)),
        "==": Operation(2, 4, lambda a, b: int(a == b)),
        "!=": Operation(2, 4, lambda a, b: int(a != b)),
        "<": Operation(2, 4, lambda a, b: int(a < b)),
        "<=": Operation(2, 4, lambda a, b: int(a <= b)),
        ">": Operation(2, 4, lambda a, b: int(a > b)),
        ">=": Operation(2, 4, lambda a, b: int(a >= b)),
        "+": Operation(2, 5, lambda a, b: a + b),
        "-": Operation(2, 5, lambda a, b: a - b),
        "*": Operation(2, 6, lambda a, b: a * b),
        "//": Operation(2, 6, _floor_divide),
        "%": Operation(2, 6, _remainder),
        "min": Operation(2, 0, min),
        "max": Operation(2, 0, max),
        "broadcast": Operation(2, 0, _broadcast),
    }
)


def fold(
    expr: Expr,
    *,
    literal: Callable[[int], T],
    symbol: Callable[[str], T],
    apply: Callable[[str, Sequence[T]], T],
) -> T:
    """Replace every literal, symbol and operation by what the three functions make of it, leaves first."""
    match expr:
        case Lit(value):
            return literal(value)
        case Sym(name):
            return symbol(name)
        case Apply(operation, arguments):
            return apply(operation, [fold(a, literal=literal, symbol=symbol, apply=apply) for a in arguments])


Evaluator = Callable[[Mapping[str, int]], int]


@lru_cache(maxsize=65536)
def _compiled(expr: Expr) -> Evaluator:
    """Nested closures: an expression is evaluated thousands of times for every time that it is written."""

    def literal(value: int) -> Evaluator:
        return lambda _: value

    def symbol(name: str) -> Evaluator:
        return lambda values: values[name]

    def apply(operation: str, arguments: Sequence[Evaluator]) -> Evaluator:
        compute = OPERATIONS[operation].compute
        if len(arguments) == 1:
            (only,) = arguments
            return lambda values: compute(only(values))
        left, right = arguments
        return lambda values: compute(left(values), right(values))

    return fold(expr, literal=literal, symbol=symbol, apply=apply)


def evaluate(expr: Expr, values: Mapping[str, int]) -> int:
    """The value of ``expr`` where each symbol has the given value.

    Raises:
        Undefined: a divisor is not positive, or a symbol has no value.
    """
    try:
        return _compiled(expr)(values)
    except KeyError as missing:
        raise Undefined(f"{show(expr)} has no value: {missing} is not given") from None


def holds(expr: Expr, values: Mapping[str, int]) -> bool:
    """Whether a constraint is met; one that has no value there is not met."""
    try:
        return bool(evaluate(expr, values))
    except Undefined:
        return False


@lru_cache(maxsize=65536)
def symbols(expr: Expr) -> frozenset[str]:
    """The names of the symbols that occur in ``expr``."""
    return fold(
        expr,
        literal=lambda _: frozenset[str](),
        symbol=lambda name: frozenset({name}),
        apply=lambda _, parts: frozenset[str]().union(*parts),
    )


_TIGHT = frozenset({"*", "//"})


@lru_cache(maxsize=65536)
def show(expr: Expr) -> str:
    """The expression as Python text; ``parse(show(e)) == e``."""

    def apply(operation: str, parts: Sequence[tuple[str, int]]) -> tuple[str, int]:
        precedence = OPERATIONS[operation].precedence
        if precedence == 0:
            return f"{operation}({', '.join(text for text, _ in parts)})", 9
        if len(parts) == 1:
            return f"{operation} {_enclosed(*parts[0], above=precedence)}", precedence
        # Python groups to the left, and chains comparisons: a right operand of equal precedence needs
        # brackets, and so does a comparison on the left of a comparison.
        left = _enclosed(*parts[0], above=precedence + (1 if precedence == 4 else 0))
        right = _enclosed(*parts[1], above=precedence + 1)
        gap = "" if operation in _TIGHT else " "
        return f"{left}{gap}{operation}{gap}{right}", precedence

    text, _ = fold(
        expr,
        # A negative number binds like a difference: `x >= -1` and `-1 + x`, but `x - (-1)` and `(-1)*x`.
        literal=lambda value: (str(value), 9 if value >= 0 else 5),
        symbol=lambda name: (name, 9),
        apply=apply,
    )
    return text


def _enclosed(text: str, precedence: int, *, above: int) -> str:
    return text if precedence >= above else f"({text})"


_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%"}
_COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


@lru_cache(maxsize=4096)
def parse(text: str) -> Expr:
    """The expression that ``text`` writes in Python's syntax.

    Raises:
        ValueError: the text is not an expression over integers; the message shows which part is not.
    """
    try:
        return _read(ast.parse(text.strip(), mode="eval").body, text)
    except SyntaxError as error:
        raise ValueError(f"not an expression: {text!r} ({error.msg})") from None
    except (RecursionError, MemoryError):  # the second is how Python's parser says that its stack is full
        raise ValueError(f"not an expression: {text[:40]!r}... is nested too deeply") from None


def _read(node: ast.expr, text: str) -> Expr:
    match node:
        case ast.Constant(value=int(value) | float(value)) if _whole(value):
            return Lit(int(value))
        case ast.Name(id=name):
            return Sym(name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))) if not isinstance(value, bool):
            return Lit(-value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Apply("-", (Lit(0), _read(operand, text)))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return Apply("not", (_read(operand, text),))
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _BINARY:
            return Apply(_BINARY[type(operator)], (_read(left, text), _read(right, text)))
        case ast.Compare(left=left, ops=operators, comparators=rest) if all(type(o) in _COMPARE for o in operators):
            sides = [_read(side, text) for side in (left, *rest)]
            pairs = zip(operators, pairwise(sides), strict=True)
            return _joined("and", [Apply(_COMPARE[type(operator)], pair) for operator, pair in pairs])
        case ast.BoolOp(op=connective, values=values):
            return _joined("and" if isinstance(connective, ast.And) else "or", [_read(v, text) for v in values])
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if _is_call(name, len(arguments)):
            return _joined(name, [_read(a, text) for a in arguments])
        case _:
            raise ValueError(
                f"in {text!r}: {ast.unparse(node)!r} is not integer arithmetic, a comparison, min, max or broadcast"
            )


def _is_call(name: str, arguments: int) -> bool:
    """Whether it is written as a call: ``broadcast`` of two, ``min`` and ``max`` of any more."""
    return (name in ("min", "max") and arguments >= 2) or (name == "broadcast" and arguments == 2)


def _whole(value: float) -> bool:
    """Whether it is a whole number, also one that is written as 1e6."""
    return value.is_integer() if isinstance(value, float) else type(value) is int


def _joined(operation: str, parts: Sequence[Expr]) -> Expr:
    """``a and b and c`` grouped to the left, as the printer writes it."""
    whole = parts[0]
    for part in parts[1:]:
        whole = Apply(operation, (whole, part))
    return whole
