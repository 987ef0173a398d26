"""What follows from constraints over small whole numbers.

Three ways, each of which is quicker than the next where it applies: look for a counter-example among random values, try
all values if there are few enough, and ask Z3. Effort is counted in its own steps, never in seconds, so that answers
are the same on every machine; what Z3 cannot decide is None, which is neither yes nor no.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from archsmith.fuzz.infer.columns import Mask, Vector, combined
from archsmith.graph.expr import Apply, Expr, Lit, Sym, fold, symbols
from archsmith.graph.signature import Signature, TensorSlot
from archsmith.spaces.terms import Term, as_term

EFFORT = 4_000_000
"""Z3's own steps for one question, about a second."""

GRID = 300_000
"""Combinations of values up to which all of them are tried."""

SAMPLES = 4_096
"""Random values that are tried before anything dearer."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The least and greatest value of each symbol, both included, and what holds of any call besides.

    ``always`` is no demand of an operator: that a tensor is not too large to be made, or that its least element is
    not above its greatest.
    """

    bounds: Mapping[str, tuple[int, int]]
    always: tuple[Expr, ...] = ()

    def of(self, name: str) -> range:
        """The values of a symbol.

        Raises:
            KeyError: the domain has no such symbol.
        """
        least, most = self.bounds[name]
        return range(least, most + 1)


def domain(signature: Signature, *, most: int = 12, elements: int = 4096) -> Domain:
    """All symbols of a signature from 0 to ``most``, extremes also below 0, tensors of at most so many elements."""
    extremes = {name for tensor in signature.tensors for name in tensor.extremes}
    bounds = {name: (-most if name in extremes else 0, most) for name in signature.symbols}
    always = tuple(demand for tensor in signature.tensors for demand in _proper(tensor, most, elements))
    return Domain(MappingProxyType(bounds), always)


def _proper(tensor: TensorSlot, most: int, elements: int) -> list[Expr]:
    """What holds of the sizes and extremes of any tensor: no element of an empty one differs from 0."""
    sizes = [Sym(name) for name in tensor.sizes]
    count = _product(sizes)
    demands: list[Expr] = [Apply("<=", (count, Lit(elements)))] if most ** len(sizes) > elements else []
    if tensor.valued:
        low, high = map(Sym, tensor.extremes)
        one, none = Apply("==", (low, high)), Apply("==", (high, Lit(0)))
        demands += [
            Apply("<=", (low, high)),
            Apply("or", (Apply(">=", (count, Lit(2))), one)),
            Apply("or", (Apply(">=", (count, Lit(1))), none)),
        ]
    return demands


def _product(sizes: Sequence[Expr]) -> Expr:
    whole = sizes[0] if sizes else Lit(1)
    for size in sizes[1:]:
        whole = Apply("*", (whole, size))
    return whole


At = Mapping[str, Vector]
"""Values of symbols, as arrays that broadcast."""


def valued(expr: Expr, at: At) -> tuple[Vector, Mask]:
    """The values of an expression over arrays that broadcast, and where it has any (elsewhere stands anything)."""
    return fold(
        expr,
        literal=lambda value: (np.asarray(value, np.int64), np.asarray(True)),
        symbol=lambda name: (at[name], np.asarray(True)),
        apply=_applied,
    )


def _applied(operation: str, parts: Sequence[tuple[Vector, Mask]]) -> tuple[Vector, Mask]:
    if operation == "not":
        ((only, has_value),) = parts
        return np.asarray(only == 0, np.int64), has_value
    (left, left_mask), (right, right_mask) = parts
    mask = left_mask & right_mask
    if operation in ("//", "%"):
        mask = mask & (right > 0)
        right = np.maximum(right, 1)
    return combined(operation, left, right), mask


def met(constraint: Expr, at: At) -> Mask:
    """Where a constraint holds; where it has no value it does not."""
    vector, mask = valued(constraint, at)
    return np.asarray(mask & (vector != 0))


@dataclass(frozen=True, slots=True)
class _Claim:
    """Something to prove, over arrays and as a formula."""

    names: frozenset[str]
    at: Callable[[At], Mask]
    formula: Callable[[Any], Any]


def implied(premises: Iterable[Expr], conclusion: Expr, domain: Domain, *, effort: int = EFFORT) -> bool | None:
    """Whether the conclusion holds wherever in the domain all premises do; None if that could not be decided.

    Premises that share no symbol with it, not even through others, are taken to be possible.
    """
    claim = _Claim(symbols(conclusion), lambda at: met(conclusion, at), lambda c: as_term(conclusion, c).holds)
    return _follows(tuple(premises), claim, domain, effort)


def equivalent(a: Expr, b: Expr, domain: Domain, *, assuming: Iterable[Expr] = (), effort: int = EFFORT) -> bool | None:
    """Whether both say the same wherever in the domain the assumptions hold; None if that could not be decided.

    Constraints must hold at the same places, where having no value is not holding. Sizes must have the same values,
    and have none at the same places.
    """
    names = symbols(a) | symbols(b)
    if is_constraint(a) and is_constraint(b):
        claim = _Claim(names, lambda at: met(a, at) == met(b, at), lambda c: as_term(a, c).holds == as_term(b, c).holds)
    else:
        claim = _Claim(
            names, lambda at: _same(valued(a, at), valued(b, at)), lambda c: _same_terms(as_term(a, c), as_term(b, c))
        )
    return _follows(tuple(assuming), claim, domain, effort)


def alike(a: Sequence[Expr], b: Sequence[Expr], domain: Domain, *, effort: int = EFFORT) -> bool | None:
    """Whether two lists of constraints accept the same values: whether each of one follows from all of the other."""
    answers = [implied(a, one, domain, effort=effort) for one in b]
    answers += [implied(b, one, domain, effort=effort) for one in a]
    if False in answers:
        return False
    return None if None in answers else True


def without_implied(requires: Sequence[Expr], domain: Domain, *, effort: int = EFFORT) -> tuple[Expr, ...]:
    """The constraints without those that the others imply, the last ones going first; what is undecided stays."""
    kept = list(dict.fromkeys(requires))
    for constraint in reversed(tuple(kept)):
        others = [other for other in kept if other is not constraint]
        if implied(others, constraint, domain, effort=effort):
            kept = others
    return tuple(kept)


_TRUTHS = frozenset({"or", "and", "not", "==", "!=", "<", "<=", ">", ">="})


def is_constraint(expr: Expr) -> bool:
    """Whether an expression is true or false, and no size."""
    return isinstance(expr, Apply) and expr.operation in _TRUTHS


def _same(a: tuple[Vector, Mask], b: tuple[Vector, Mask]) -> Mask:
    (left, left_mask), (right, right_mask) = a, b
    return np.asarray((left_mask == right_mask) & (~left_mask | (left == right)))


def _same_terms(a: Term, b: Term) -> Any:
    import z3

    context = a.number.ctx
    exists = [z3.And(z3.BoolVal(True, context), *(divisor > 0 for divisor in term.divisors)) for term in (a, b)]
    return z3.And(exists[0] == exists[1], z3.Or(z3.Not(exists[0]), a.number == b.number))


def _follows(premises: tuple[Expr, ...], claim: _Claim, domain: Domain, effort: int) -> bool | None:
    premises, names = _touching((*premises, *domain.always), claim.names)
    if prod(len(domain.of(name)) for name in names) <= GRID:
        return not _broken(premises, claim, _grid(names, domain))
    if _broken(premises, claim, _scattered(names, domain)):
        return False
    return _proved(premises, claim, names, domain, effort)


def _touching(premises: Iterable[Expr], names: frozenset[str]) -> tuple[tuple[Expr, ...], tuple[str, ...]]:
    """The premises that share a symbol with the names or with another that does, and all their symbols."""
    reached, far, near = set(names), list(premises), []
    while touched := [premise for premise in far if not symbols(premise) or reached & symbols(premise)]:
        near += touched
        far = [premise for premise in far if premise not in touched]
        reached.update(*map(symbols, touched))
    return tuple(near), tuple(sorted(reached))


def _grid(names: Sequence[str], domain: Domain) -> At:
    """All values, an axis for each symbol."""
    axes = np.ix_(*(np.array(domain.of(name), np.int64) for name in names))
    return dict(zip(names, axes, strict=True))


def _scattered(names: Sequence[str], domain: Domain) -> At:
    """Random values, the small ones more often; the same ones for the same names."""
    generator = np.random.default_rng(len(names))
    drawn = {}
    for name in names:
        least, most = domain.bounds[name]
        near = np.clip(generator.integers(0, 4, SAMPLES), least, most)
        drawn[name] = np.where(generator.random(SAMPLES) < 0.5, near, generator.integers(least, most + 1, SAMPLES))
    return drawn


def _broken(premises: Sequence[Expr], claim: _Claim, at: At) -> bool:
    """Whether somewhere the premises hold and the claim does not."""
    open_ = ~claim.at(at)
    for premise in premises:
        if not open_.any():
            return False
        open_ = open_ & met(premise, at)
    return bool(open_.any())


def _proved(premises: Sequence[Expr], claim: _Claim, names: Sequence[str], domain: Domain, effort: int) -> bool | None:
    import z3

    context = z3.Context()  # of its own: in a shared one, answers would hang on what was asked before
    solver = z3.Solver(ctx=context)
    solver.set("rlimit", effort)
    for name in names:
        least, most = domain.bounds[name]
        solver.add(z3.Int(name, context) >= least, z3.Int(name, context) <= most)
    for premise in premises:
        solver.add(as_term(premise, context).holds)
    solver.add(z3.Not(claim.formula(context)))
    answer = solver.check()
    return None if answer == z3.unknown else bool(answer == z3.unsat)
