"""Rules: which calls of an operator are valid, and what types they return.

A rule speaks about one signature (NeuRI's "partial operator"): the ranks and dtypes of the inputs and the
attributes that are held constant. Input dimensions and integer attributes are symbols; what they must satisfy
and what the outputs are is written in ``Expr``. A rule that a person declared and one that was inferred have
the same type.

The text of a tensor pattern is that of a tensor type with symbols::

    >>> pattern("Float[N, C, H, W]").dims
    (Sym(name='N'), Sym(name='C'), Sym(name='H'), Sym(name='W'))
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from archsmith.graph.errors import Infeasible
from archsmith.graph.expr import Expr, Sym, Undefined, evaluate, holds, parse, show, symbols
from archsmith.graph.graph import Scalar
from archsmith.graph.signature import Signature
from archsmith.graph.types import BOOLEAN, FLOATS, INTEGERS, ITEM_BYTES, TensorType

DTYPE_CLASSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"Float": FLOATS, "Int": INTEGERS, "Number": FLOATS + INTEGERS, "Any": FLOATS + INTEGERS + BOOLEAN}
)
"""Names that stand for one dtype of a set: the same one wherever the name occurs in a rule."""


class Provenance(StrEnum):
    """Where a rule comes from: a person, traces, or traces and a trial on both sides of every boundary."""

    DECLARED = "declared"
    LEARNED = "learned"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class TensorPattern:
    """A tensor type with expressions for sizes and a dtype, dtype class or variable; an input's sizes are symbols."""

    dtype: str
    dims: tuple[Expr, ...]

    @property
    def rank(self) -> int:
        return len(self.dims)

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(show, self.dims))}]"


@dataclass(frozen=True, slots=True)
class DtypeRow:
    """Dtypes with which a call runs, and those of its results: of the tensors, then of dtypes given as arguments."""

    taken: tuple[str, ...]
    returned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which floats, both included, a real argument was seen to be taken."""

    name: str
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Learned:
    """What a rule that was inferred says beyond shapes.

    ``signature`` is how the call is written. ``dtypes`` are the only ones that are taken; patterns of such a rule have
    dtype variables (``T0``, ``T1``, ...: inputs in order; ``R0``, ...: outputs). ``aliases`` names for each output the
    input with which it shares storage, if there is one, and ``mutates`` the inputs that are written to. ``fill`` is how
    tensors must be filled for a call to run (see ``archsmith.fuzz.perform``). ``precision`` is the share of runs
    among fresh calls that the rule accepts, ``recall`` the share of accepted ones among fresh calls that run; None
    where there were no such calls. ``source`` names where the records came from.

    ``form`` is how the results are nested where they are not simply the outputs in order (of one, the tensor itself):
    ``t`` is a tensor and ``_`` anything else, so ``(t,)`` is a tuple or list of one tensor.
    """

    signature: Signature
    dtypes: tuple[DtypeRow, ...]
    reals: tuple[Bounds, ...] = ()
    aliases: tuple[int | None, ...] = ()
    mutates: tuple[int, ...] = ()
    fill: str = "normal"
    precision: float | None = None
    recall: float | None = None
    source: str = ""
    form: str = ""


@lru_cache(maxsize=8192)
def pattern(text: str) -> TensorPattern:
    """Read ``"Float[N, C]"``; a bare ``"Float"`` has rank 0.

    Raises:
        ValueError: the text is no tensor pattern, or its dtype is neither a dtype nor a class of them.
    """
    match _syntax(text):
        case ast.Name(id=dtype):
            sizes: list[ast.expr] = []
        case ast.Subscript(value=ast.Name(id=dtype), slice=ast.Tuple(elts=sizes)):
            pass
        case ast.Subscript(value=ast.Name(id=dtype), slice=size):
            sizes = [size]
        case _:
            raise ValueError(f"a tensor pattern reads like Float[N, C]; got {text!r}")
    known = (*DTYPE_CLASSES, *ITEM_BYTES)
    if dtype not in known and not _is_variable(dtype):
        raise ValueError(f"a tensor pattern's dtype must be one of {', '.join(known)}; got {text!r}")
    return TensorPattern(dtype, tuple(parse(ast.unparse(size)) for size in sizes))


def _syntax(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        return None


@dataclass(frozen=True, slots=True)
class Rule:
    """One signature of one operator.

    ``constants`` are the attributes that this signature fixes, ``parameters`` the trainable tensors that the
    operator owns, ``macs`` its multiply-accumulates; ``support`` counts the calls that a learned rule was
    seen to hold for, ``counter_examples`` those that it got wrong and could not be mended for.
    """

    operator: str
    inputs: tuple[TensorPattern, ...]
    outputs: tuple[TensorPattern, ...]
    requires: tuple[Expr, ...] = ()
    constants: tuple[tuple[str, Scalar], ...] = ()
    parameters: tuple[tuple[str, tuple[Expr, ...]], ...] = ()
    macs: Expr = parse("0")
    provenance: Provenance = Provenance.DECLARED
    support: int = 0
    counter_examples: int = 0
    learned: Learned | None = None

    def __post_init__(self) -> None:
        for entry in self.inputs:
            if not all(isinstance(dim, Sym) for dim in entry.dims):
                raise ValueError(f"{self.operator} takes {entry}: sizes must be symbols; say the rest in requires")
        taken = {entry.dtype for entry in self.inputs}
        for entry in self.outputs:
            if entry.dtype in DTYPE_CLASSES and entry.dtype not in taken:
                raise ValueError(f"{self.operator} returns {entry}; no input says which {entry.dtype} that is")

    @property
    def ranks(self) -> tuple[int, ...]:
        return tuple(entry.rank for entry in self.inputs)

    @property
    def free(self) -> frozenset[str]:
        """The symbols that the inputs do not bind: integer attributes."""
        used: set[str] = set()
        for expr in (*self.requires, *(dim for entry in self.outputs for dim in entry.dims)):
            used |= symbols(expr)
        return frozenset(used - {name for entry in self.inputs for dim in entry.dims for name in symbols(dim)})

    def __str__(self) -> str:
        fixed = "".join(f", {name}={value!r}" for name, value in self.constants)
        taken, returned = (", ".join(map(str, entries)) for entries in (self.inputs, self.outputs))
        lines = [f"{self.operator}({taken}{fixed}) -> {returned}"]
        return "\n".join([*lines, *(f"    requires {show(constraint)}" for constraint in self.requires)])


def rule(
    operator: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    requires: Sequence[str] = (),
    constants: Mapping[str, Scalar] = MappingProxyType({}),
    parameters: Mapping[str, str] = MappingProxyType({}),
    macs: str = "0",
) -> Rule:
    """A declared rule from its text; ``parameters`` maps a name to comma-separated sizes."""
    return Rule(
        operator,
        tuple(map(pattern, inputs)),
        tuple(map(pattern, outputs)),
        tuple(map(parse, requires)),
        tuple(sorted(constants.items())),
        tuple((name, pattern(f"Float[{sizes}]").dims) for name, sizes in parameters.items()),
        parse(macs),
    )


def unify(patterns: Sequence[TensorPattern], types: Sequence[TensorType]) -> Mapping[str, int] | None:
    """The sizes of the patterns' symbols for these types; None if ranks, dtypes or repeated symbols differ.

    The dtype that a class name took is bound too, under the class name, as an index into ``DTYPE_CLASSES``.
    """
    if len(patterns) != len(types):
        return None
    bound: dict[str, int] = {}
    for entry, given in zip(patterns, types, strict=True):
        if entry.rank != given.rank or not _take_dtype(entry.dtype, given.dtype, bound):
            return None
        for dim, size in zip(entry.dims, given.shape, strict=True):
            if not isinstance(dim, Sym) or bound.setdefault(dim.name, size) != size:
                return None
    return bound


def _take_dtype(demanded: str, given: str, bound: dict[str, int]) -> bool:
    if _is_variable(demanded):  # the rule's table of dtypes has the word
        return True
    members = DTYPE_CLASSES.get(demanded)
    if members is None:
        return demanded == given
    return given in members and bound.setdefault(demanded, members.index(given)) == members.index(given)


def _is_variable(dtype: str) -> bool:
    return dtype[:1] in ("T", "R") and dtype[1:].isdigit()


def check(rule: Rule, bound: Mapping[str, int]) -> None:
    """Raise ``Infeasible`` with the first constraint that does not hold and the values that broke it."""
    for constraint in rule.requires:
        if not holds(constraint, bound):
            values = ", ".join(f"{name}={bound[name]}" for name in sorted(symbols(constraint)) if name in bound)
            raise Infeasible(f"{rule.operator} requires {show(constraint)}; got {values}")


def result_types(rule: Rule, bound: Mapping[str, int], dtypes: tuple[str, ...] = ()) -> tuple[TensorType, ...]:
    """The output types where the symbols have these values; ``dtypes`` are what a learned rule's table is asked for.

    Raises:
        Infeasible: an output's size has no value, or is not positive (of a learned rule: is negative), or the rule's
            table has not these dtypes.
    """
    types = []
    least = 1 if rule.learned is None else 0
    names = {} if rule.learned is None else dtype_names(rule.operator, rule.learned, dtypes)
    for entry in rule.outputs:
        try:
            shape = tuple(evaluate(dim, bound) for dim in entry.dims)
        except Undefined as error:
            raise Infeasible(f"{rule.operator}: {error}") from None
        if any(size < least for size in shape):
            raise Infeasible(f"{rule.operator} would return {entry.dtype}{list(shape)}; sizes must be at least {least}")
        members = DTYPE_CLASSES.get(entry.dtype)
        types.append(TensorType(shape, members[bound[entry.dtype]] if members else names.get(entry.dtype, entry.dtype)))
    return tuple(types)


def dtype_names(operator: str, learned: Learned, taken: tuple[str, ...]) -> Mapping[str, str]:
    """What the dtype variables of a learned rule stand for in a call with these dtypes.

    Raises:
        Infeasible: the rule's table has not these dtypes.
    """
    row = next((row for row in learned.dtypes if row.taken == taken), None)
    if row is None:
        known = [" ".join(row.taken) for row in learned.dtypes]
        more = f" or {len(known) - 4} others" if len(known) > 4 else ""
        raise Infeasible(f"{operator} is known to take {' or '.join(known[:4])}{more}; got {' '.join(taken)}")
    variables = [(f"T{place}", dtype) for place, dtype in enumerate(row.taken)]
    return dict(variables) | {f"R{place}": dtype for place, dtype in enumerate(row.returned)}
