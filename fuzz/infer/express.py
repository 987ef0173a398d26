"""Which expression of the symbols gives these numbers on all records."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from archsmith.fuzz.infer.choice import choices
from archsmith.fuzz.infer.columns import Columns, Vector, values
from archsmith.fuzz.infer.enumerate import HUGE, grown, product_of, started, weights
from archsmith.fuzz.infer.finish import completions
from archsmith.fuzz.infer.halves import halves
from archsmith.fuzz.infer.linear import Monomials, likely_divisors, linear_form, monomials, quotients
from archsmith.fuzz.infer.prune import Effort, cost
from archsmith.fuzz.infer.shapes import factors, placed, renamed, skeletons
from archsmith.fuzz.infer.wording import Monomial, products, tidy
from archsmith.graph.expr import Apply, Expr, Lit, Sym

DEFAULT = Effort()

FREELY, RECORDS = 6.0, 10
"""An expression may cost this much, and one more for every so many records, before shorter ones are looked for."""

LONGEST = 8
"""Products of up to so many neighbours are tried at once: of a tensor's sizes."""

WIDE = 12
"""Of more symbols only neighbours are multiplied in linear forms, and expressions of one operation are enumerated."""

SPLIT = 8
"""Of more symbols no minima and maxima of two quotients are fitted."""

FEW, PAIRS = 3, 28
"""Fewer records than this for each monomial do not tell their coefficients: one product at a time, of so many."""


def express(
    target: Vector,
    columns: Columns,
    *,
    known: Sequence[Expr] = (),
    relevant: Collection[str] | None = None,
    effort: Effort = DEFAULT,
) -> Iterator[Expr]:
    """The expressions found that equal the target on all records, the simplest kind of trial first.

    ``known`` are expressions over other symbols that are tried with theirs replaced by these. ``relevant`` are the
    symbols that may occur; by default those on which the target seems to depend, then all.
    """
    target = np.asarray(target, np.int64)
    scope = dependent(target, columns) if relevant is None else relevant
    chosen = tuple(name for name in columns.names if name in scope)
    scopes = [chosen] if relevant is not None or chosen == columns.names else [chosen, columns.names]
    seen: set[Expr] = set()
    for names in scopes:
        task = _task(target, columns.only(names))
        if task is None:
            continue
        for found in _trials(task, known, effort):
            expr = tidy(found, columns.names)
            if expr not in seen and _equals(expr, task.columns, task.target):
                seen.add(expr)
                yield expr
        if seen:
            return


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """Distinct records and what is wanted for each."""

    target: Vector
    columns: Columns


def _task(target: Vector, columns: Columns) -> _Task | None:
    """The distinct records, or None if equal ones want different things."""
    if not len(target) or np.abs(target).max() > HUGE:
        return None
    both = np.unique(np.column_stack([columns.matrix, target]), axis=0)
    if len(both) > 1 and (both[1:, :-1] == both[:-1, :-1]).all(axis=1).any():
        return None
    return _Task(np.ascontiguousarray(both[:, -1]), Columns(columns.names, both[:, :-1]))


def _equals(expr: Expr, columns: Columns, target: Vector) -> bool:
    vector, defined = values(expr, columns)
    return bool(defined.all()) and np.array_equal(vector, target)


def dependent(target: Vector, columns: Columns) -> tuple[str, ...]:
    """The symbols on which the target depends, as far as records tell that differ in one symbol only.

    A symbol is left out if several such pairs exist and the target differs in none, and the others still decide it.
    """
    kept = [name for place, name in enumerate(columns.names) if _matters(target, columns.matrix, place)]
    return tuple(kept) if _task(target, columns.only(kept)) else columns.names


def _matters(target: Vector, matrix: Vector, place: int, *, enough: int = 4) -> bool:
    own = matrix[:, place]
    hashed = weights(matrix.shape[1])
    others = matrix @ hashed - own * hashed[place]  # linear, so that one symbol is taken out by a subtraction
    order = np.lexsort((own, others))
    others, own, wanted = others[order], own[order], target[order]
    paired = (others[1:] == others[:-1]) & (own[1:] != own[:-1])
    return int(paired.sum()) < enough or bool((wanted[1:] != wanted[:-1])[paired].any())


def _trials(task: _Task, known: Sequence[Expr], effort: Effort) -> Iterator[Expr]:
    """What fits a few records only because it is long comes last."""
    late: list[Expr] = []
    for found in _plain(task, known):
        expr = tidy(found, task.columns.names)
        if cost(expr)[0] <= FREELY + len(task.target) / RECORDS:
            yield expr
        else:
            late.append(expr)
    yield from _multiples(task, known, effort)
    yield from _planes(task, known)
    if effort.operations:
        yield from _searched(task, effort)
    yield from sorted(late, key=cost)


def _searched(task: _Task, effort: Effort) -> Iterator[Expr]:
    """What takes more than a few matrix operations."""
    yield from _enumerated(task, effort)
    if len(task.columns.names) <= SPLIT:
        degrees = _monomials(task)
        yield from choices(task.target, [degrees[0], degrees[-1]], _divisors(task.columns))


def _plain(task: _Task, known: Sequence[Expr]) -> Iterator[Expr]:
    """What needs no enumeration: each trial is a few matrix operations."""
    yield from _direct(task)
    degrees = _monomials(task)
    for over in degrees:
        form = linear_form(task.target, over)
        if form is not None:
            yield form
    for shape, count in skeletons(known):
        yield from placed(shape, count, task.target, task.columns)
    for over in degrees:
        numbers = [number for number in likely_divisors(task.target, over) if number > 4]
        for divisor, divides in _divisors(task.columns, numbers):
            yield from sorted(quotients(task.target, over, divisor, divides), key=cost)


def _multiples(task: _Task, known: Sequence[Expr], effort: Effort) -> Iterator[Expr]:
    """Products of a known shape and what is left, as the number of windows in a plane is one."""
    for factor, vector in factors(known, task.target, task.columns, most=effort.factors):
        some = vector != 0
        rest = _Task(task.target[some] // vector[some], task.columns.rows(some))
        for expr in _plain(rest, known):
            if _equals(expr, rest.columns, rest.target):
                yield Apply("*", (factor, expr))
                break


def _planes(task: _Task, known: Sequence[Expr]) -> Iterator[Expr]:
    """Products of one expression in two directions."""
    for half in halves(task.target, task.columns):
        part = _Task(half.factor, half.columns)
        for expr in _plain(part, known):
            whole = Apply("*", (expr, renamed(expr, half.renamed)))
            if _equals(whole, task.columns, task.target):
                yield whole
                return


def _direct(task: _Task) -> Iterator[Expr]:
    if (task.target == task.target[0]).all():
        yield Lit(int(task.target[0]))
    for name in task.columns.names:
        if np.array_equal(task.columns.column(name), task.target):
            yield Sym(name)
    for start in range(len(task.columns.names)):
        for stop in range(start + 2, min(start + LONGEST, len(task.columns.names)) + 1):
            expr, vector = product_of(task.columns, task.columns.names[start:stop])
            if np.array_equal(vector, task.target):
                yield expr


def _monomials(task: _Task) -> list[Monomials]:
    """Symbols, and then products of two as well; one product at a time if there are few records."""
    symbols: dict[Expr, Vector] = {Sym(name): task.columns.column(name) for name in task.columns.names}
    single: list[tuple[Monomial, Vector]] = [((symbol,), vector) for symbol, vector in symbols.items()]
    pairs = products(list(symbols)) if len(symbols) <= WIDE else list(pairwise(symbols))
    double = [((one, other), symbols[one] * symbols[other]) for one, other in pairs]
    count = len(task.target)
    every = [single, single + double]
    if count < FEW * len(every[1]) and len(double) <= PAIRS:
        every[1:1] = [[*single, pair] for pair in double]
    return [monomials(candidates, count) for candidates in every]


def _divisors(columns: Columns, numbers: Sequence[int] = ()) -> Iterator[tuple[Expr, Vector]]:
    """Symbols, then small numbers, where they are positive."""
    for name in columns.names:
        vector = columns.column(name)
        if (vector > 0).all():
            yield Sym(name), vector
    for value in (2, 3, 4, *numbers):
        yield Lit(value), np.full(columns.count, value, np.int64)


def _enumerated(task: _Task, effort: Effort) -> Iterator[Expr]:
    """By enumeration on some of the records; where an answer fails on another, that one is added."""
    chosen = _spread(task, effort.rows)
    for _ in range(4):
        failing: set[int] = set()
        some = task.columns.rows(chosen)
        atoms: list[tuple[Expr, Vector]] = [(Sym(name), some.column(name)) for name in some.names]
        atoms += [(Lit(value), np.full(some.count, value, np.int64)) for value in effort.literals]
        bank = started(some, atoms)
        for _ in range(effort.operations if len(some.names) <= WIDE else 1):
            bank = grown(bank, effort)
            for expr in completions(bank, task.target[chosen]):
                vector, defined = values(expr, task.columns)
                wrong = np.flatnonzero(~defined | (vector != task.target))
                if len(wrong):
                    failing.add(int(wrong[0]))
                else:
                    yield expr
        if not failing:
            return
        chosen = np.unique(np.concatenate([chosen, np.array(sorted(failing), np.int64)]))


def _spread(task: _Task, count: int) -> Vector:
    """Rows that are extreme in something, and others evenly."""
    whole = np.column_stack([task.columns.matrix, task.target])
    extreme = np.concatenate([whole.argmin(axis=0), whole.argmax(axis=0)])
    even = np.linspace(0, len(whole) - 1, min(count, len(whole))).astype(np.int64)
    return np.unique(np.concatenate([extreme, even]))
