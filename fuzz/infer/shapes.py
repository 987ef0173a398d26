"""Shapes of known expressions: what other operators return, with these symbols in the place of theirs.

Which symbol stands where is not guessed from names: every way is evaluated, on two records first and then on more.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice, permutations
from math import perm

import numpy as np

from archsmith.fuzz.infer.columns import Columns, Mask, Vector, values
from archsmith.graph.expr import Apply, Expr, Lit, Sym, fold

MOST_WAYS = 60_000
"""A shape with more ways of placing symbols is not tried."""


@lru_cache(maxsize=4096)
def skeleton(expr: Expr) -> tuple[Expr, int]:
    """The expression with its symbols called ``s0``, ``s1``, ... as they come, and how many there are."""
    names: dict[str, str] = {}

    def symbol(name: str) -> Expr:
        return Sym(names.setdefault(name, f"s{len(names)}"))

    shape = fold(expr, literal=_literal, symbol=symbol, apply=lambda operation, parts: Apply(operation, tuple(parts)))
    return shape, len(names)


def _literal(value: int) -> Expr:
    return Lit(value)


def skeletons(known: Iterable[Expr]) -> list[tuple[Expr, int]]:
    """The distinct shapes, in the order in which they come first; constants and symbols are none."""
    return list(dict.fromkeys(skeleton(expr) for expr in known if isinstance(expr, Apply)))


def placed(shape: Expr, count: int, target: Vector, columns: Columns, *, factor: bool = False) -> Iterator[Expr]:
    """The shape with symbols of the columns such that it equals the target, or, as a ``factor``, divides it."""
    width = len(columns.names)
    if not 0 < count <= width or perm(width, count) > MOST_WAYS:
        return
    ways = _ways(width, count)
    order = np.argsort(-np.abs(target), kind="stable")
    names = tuple(f"s{place}" for place in range(count))
    for chosen in (order[:2], order[:: max(len(order) // 12, 1)], order):
        sample = columns.matrix[chosen][:, ways]  # records x ways x symbols
        vector, defined = values(shape, Columns(names, sample.reshape(-1, count)))
        fits = _fitting(vector.reshape(len(chosen), -1), target[chosen][:, None], factor=factor)
        ways = ways[(fits & defined.reshape(len(chosen), -1)).all(axis=0)]
        if not len(ways):
            return
    for way in ways:
        names_of = {f"s{place}": columns.names[column] for place, column in enumerate(way)}
        yield renamed(shape, names_of)


def _fitting(vectors: Vector, target: Vector, *, factor: bool) -> Mask:
    if not factor:
        return np.asarray(vectors == target)
    divides = target % np.where(vectors > 0, vectors, 1) == 0
    return np.asarray(((vectors > 0) & divides) | ((vectors == 0) & (target == 0)))


@lru_cache(maxsize=64)
def _ways(width: int, count: int) -> Vector:
    return np.array(list(permutations(range(width), count)), np.int64)


def renamed(expr: Expr, names: dict[str, str]) -> Expr:
    return fold(
        expr,
        literal=_literal,
        symbol=lambda name: _symbol(names[name]),
        apply=lambda operation, parts: Apply(operation, tuple(parts)),
    )


def _symbol(name: str) -> Expr:
    return Sym(name)


def factors(known: Iterable[Expr], target: Vector, columns: Columns, *, most: int) -> list[tuple[Expr, Vector]]:
    """Quotients of known shapes that divide the target everywhere, those first that take most values."""
    found: list[tuple[Expr, Vector]] = []
    for shape, count in skeletons(known):
        if count < 2 or not _rounds(shape):
            continue
        for expr in islice(placed(shape, count, target, columns, factor=True), most):
            vector, _ = values(expr, columns)
            found.append((expr, vector))
    return sorted(found, key=lambda entry: -len(np.unique(entry[1])))[:most]


def _rounds(expr: Expr) -> bool:
    match expr:
        case Apply(operation, arguments):
            return operation == "//" or any(map(_rounds, arguments))
        case _:
            return False
