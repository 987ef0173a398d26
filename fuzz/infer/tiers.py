"""Which predicates are tried after which: tiers, each dearer than the one before."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, combinations_with_replacement, permutations

import numpy as np

from archsmith.fuzz.infer.columns import Mask, Vector
from archsmith.fuzz.infer.predicates import (
    Pool,
    mixing,
    offer_bounds,
    offer_broadcasts,
    offer_divisions,
    offer_equalities,
    offer_orders,
    paired,
)
from archsmith.fuzz.infer.table import (
    Table,
    Terms,
    counts,
    joined,
    literal_cost,
    literal_terms,
    runs,
    symbol_terms,
    terms_of,
)
from archsmith.graph.expr import Apply, Expr, Lit, Sym, symbols

NEIGHBOURS = 8
"""Symbols on which the dearer families are tried: those that decide most often about a call that was one move off."""

PAIRS = 300
"""Alternatives that are offered at once, those that reject most for their cost."""

Tier = Callable[[Pool, Table, Mask], None]
"""Offers candidates; the mask says which refused rows still have no explanation."""


def sizes(pool: Pool, data: Table, unexplained: Mask) -> None:
    """Two symbols, a symbol and a number, and numbers of elements."""
    every = symbol_terms(data, data.names)
    offer_bounds(pool, data)
    offer_orders(pool, data, every, every)
    offer_orders(pool, data, _scaled(data, data.names, (2,)), every)
    offer_equalities(pool, data, joined(every, runs(data)))
    offer_divisions(pool, data, every, every)
    offer_broadcasts(pool, data)


def sums_and_products(pool: Pool, data: Table, unexplained: Mask) -> None:
    """A symbol, or two, against the product or sum of two."""
    every = symbol_terms(data, data.names)
    near = deciding(data, unexplained)
    whole = runs(data)
    offer_equalities(
        pool,
        data,
        joined(
            every,
            whole,
            _pairs(data, data.names, ("*", "+")),
            _scaled(data, data.names, (2, 3, 4)),
            _quotients(data, near),
        ),
    )
    close = joined(symbol_terms(data, near), _pairs(data, near, ("*", "+", "-")), _shifted(data, near))
    offer_orders(pool, data, close, every)
    offer_orders(pool, data, every, joined(close, whole))
    offer_orders(pool, data, whole, joined(whole, close))
    ends = joined(_pairs(data, near, ("+",)), counts(data), _beside(data, near))
    offer_orders(pool, data, literal_terms(data, (0, 1)), ends)
    chosen = list(dict.fromkeys([*combinations(near, 2), *_alongside(data)]))
    offer_orders(pool, data, every, _chosen(data, chosen, "max"))
    offer_orders(pool, data, _chosen(data, chosen, "min"), every)
    offer_divisions(pool, data, joined(every, whole), joined(every, _pairs(data, near, ("*",)), whole))
    offer_divisions(pool, data, _pairs(data, near, ("+", "-")), every)


def windows(pool: Pool, data: Table, unexplained: Mask) -> None:
    """``H + 2*padding`` against ``dilation*(kernel - 1)``: sums on both sides, of products too."""
    near = deciding(data, unexplained)
    wide = joined(symbol_terms(data, near), _pairs(data, near, ("+",)), _padded(data, near))
    spans = joined(
        symbol_terms(data, near), _pairs(data, near, ("*", "+", "-")), _shifted(data, near), _scaled(data, near, (2,))
    )
    offer_orders(pool, data, spans, wide, offsets=range(-1, 3))
    offer_equalities(pool, data, joined(wide, spans))


def alternatives(pool: Pool, data: Table, unexplained: Mask) -> None:
    """Two predicates of which one holds: found by a product of matrices of where each does not."""
    atoms = _atoms(data, deciding(data, unexplained))
    exprs, costs, bar = atoms.exprs, np.array(atoms.costs), data.valid
    broken, missing = ~np.array(atoms.held), np.array(atoms.missing)
    partial = broken[:, :bar].any(axis=1) & broken[:, bar:][:, unexplained].any(axis=1) & ~missing[:, :bar].any(axis=1)
    places = np.flatnonzero(partial)
    missed = broken[places, :bar].astype(np.float32)
    one, other = np.nonzero(np.triu((missed @ missed.T) == 0, k=1))
    rejected = broken[places, bar:][:, unexplained].astype(np.float32)
    gains = ((rejected * data.weights[unexplained].astype(np.float32)) @ rejected.T)[one, other]
    dear = 1.5 + costs[places[one]] + costs[places[other]]
    scores = gains / dear
    best = np.argsort(-scores, kind="stable")[:PAIRS]
    for pair in best[scores[best] > 0]:
        first, second = places[one[pair]], places[other[pair]]
        expr = Apply("or", (exprs[first], exprs[second]))
        rejects = (broken[first] & broken[second]) | missing[first] | missing[second]
        pool.offer(expr, float(dear[pair]) + mixing(expr, data), rejects[bar:])


TIERS: Sequence[Tier] = (sizes, sums_and_products, windows, alternatives)


def deciding(data: Table, unexplained: Mask) -> list[str]:
    """The symbols that were turned in the refused rows that are not explained, the most frequent ones."""
    turned = data.turned[unexplained]
    each = data.weights[unexplained] / np.maximum(turned.sum(axis=1), 1)
    score = each @ turned
    order = np.argsort(-score, kind="stable")[:NEIGHBOURS]
    return [data.names[place] for place in sorted(order) if score[place] > 0]


def _pairs(data: Table, names: Sequence[str], operations: Sequence[str]) -> Terms:
    def made() -> Iterator[tuple[Expr, Vector, float]]:
        place = {name: k for k, name in enumerate(data.names)}
        for operation in operations:
            ways = {"*": combinations_with_replacement, "+": combinations, "-": permutations}[operation]
            for a, b in ways(names, 2):
                left, right = data.columns[place[a]], data.columns[place[b]]
                vector = left * right if operation == "*" else left + right if operation == "+" else left - right
                yield Apply(operation, (Sym(a), Sym(b))), vector, 2.7 if operation == "-" else 2.5

    return terms_of(data, made())


def _alongside(data: Table) -> Iterator[tuple[str, str]]:
    """Integers at one place of different lists, as the stride and the dilation of one direction."""
    for one, other in combinations(data.lists, 2):
        yield from zip(one, other, strict=False)


def _chosen(data: Table, pairs: Sequence[tuple[str, str]], operation: str) -> Terms:
    """The greater or the lesser of two symbols."""
    place = {name: k for k, name in enumerate(data.names)}
    pick = np.maximum if operation == "max" else np.minimum

    def made() -> Iterator[tuple[Expr, Vector, float]]:
        for a, b in pairs:
            yield Apply(operation, (Sym(a), Sym(b))), pick(data.columns[place[a]], data.columns[place[b]]), 2.6

    return terms_of(data, made())


def _beside(data: Table, names: Sequence[str]) -> Terms:
    """A symbol and the number of elements of a tensor, as an index that counts from its end."""
    every = symbol_terms(data, names), counts(data)

    def made() -> Iterator[tuple[Expr, Vector, float]]:
        for name, left in zip(every[0].exprs, every[0].vectors, strict=True):
            for count, right in zip(every[1].exprs, every[1].vectors, strict=True):
                yield Apply("+", (name, count)), left + right, 3.0

    return terms_of(data, made())


def _quotients(data: Table, names: Sequence[str]) -> Terms:
    """``a // b`` where b is positive on all rows that are valid, and 0 instead elsewhere, which no size is."""

    def made() -> Iterator[tuple[Expr, Vector, float]]:
        for a, b in permutations(names, 2):
            left, right = (data.columns[data.names.index(name)] for name in (a, b))
            if right[: data.valid].min() >= 1:
                nowhere = -(2**40) - data.names.index(a) * len(data.names) - data.names.index(b)  # equal to no other
                vector = np.where(right >= 1, left // np.maximum(right, 1), nowhere)
                yield Apply("//", (Sym(a), Sym(b))), vector, 3.0

    return terms_of(data, made())


def _shifted(data: Table, names: Sequence[str]) -> Terms:
    """``a*(b - 1)`` and ``(a - 1)*(b - 1)``."""

    def made() -> Iterator[tuple[Expr, Vector, float]]:
        for a, b in permutations(names, 2):
            left, right = (data.columns[data.names.index(name)] for name in (a, b))
            less = Apply("-", (Sym(b), Lit(1)))
            yield Apply("*", (Sym(a), less)), left * (right - 1), 3.2

    return terms_of(data, made())


def _scaled(data: Table, names: Sequence[str], factors: Sequence[int]) -> Terms:
    """``2*a``"""

    def made() -> Iterator[tuple[Expr, Vector, float]]:
        for name in names:
            for factor in factors:
                expr = Apply("*", (Lit(factor), Sym(name)))
                yield expr, factor * data.columns[data.names.index(name)], 1.4 + literal_cost(factor)

    return terms_of(data, made())


def _padded(data: Table, names: Sequence[str]) -> Terms:
    """``a + 2*b``"""

    def made() -> Iterator[tuple[Expr, Vector, float]]:
        for a, b in permutations(names, 2):
            left, right = (data.columns[data.names.index(name)] for name in (a, b))
            yield Apply("+", (Sym(a), Apply("*", (Lit(2), Sym(b))))), left + 2 * right, 3.2

    return terms_of(data, made())


@dataclass(frozen=True, slots=True)
class _Atoms:
    """Simple predicates, whether or not they hold on all valid rows: where they do, have no value, and their costs."""

    data: Table
    exprs: list[Expr] = field(default_factory=list)
    held: list[Mask] = field(default_factory=list)
    missing: list[Mask] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    def add(
        self, operation: str, left: Expr, right: Expr, held: Mask, cost: float, *, missing: Mask | None = None
    ) -> None:
        expr = Apply(operation, (left, right))
        self.exprs.append(expr)
        self.held.append(held)
        self.missing.append(np.zeros_like(held) if missing is None else missing)
        self.costs.append(cost - paired(expr, self.data))

    def about(self, term: Expr, column: Vector, *, cost: float = 1.5) -> None:
        """A term and a small number."""
        for number in (0, 1, 2):
            self.add("==", term, Lit(number), column == number, cost + literal_cost(number))
        for number in (1, 2):
            self.add(">=", term, Lit(number), column >= number, cost + literal_cost(number))
        self.add("<=", term, Lit(1), column <= 1, cost + 0.7)

    def of_two(self, names: Sequence[str]) -> None:
        """Two symbols."""
        column = {name: self.data.columns[self.data.names.index(name)] for name in names}
        for a, b in combinations(names, 2):
            self.add("==", Sym(a), Sym(b), column[a] == column[b], 2.6)
        for a, b in permutations(names, 2):
            self.add("<=", Sym(a), Sym(b), column[a] <= column[b], 3.0)
            self.add("<", Sym(a), Sym(b), column[a] < column[b], 3.0)
            divides = (column[a] % np.maximum(column[b], 1) == 0) & (column[b] >= 1)
            self.add("==", Apply("%", (Sym(a), Sym(b))), Lit(0), divides, 3.4, missing=column[b] < 1)
            self.add("<=", Apply("*", (Lit(2), Sym(a))), Sym(b), 2 * column[a] <= column[b], 4.0)

    def of_three(self, names: Sequence[str]) -> None:
        """A symbol, and the product or sum of two others."""
        pairs = _pairs(self.data, names, ("*", "+"))
        for expr, vector in zip(pairs.exprs, pairs.vectors, strict=True):
            for name in sorted(set(names) - symbols(expr)):
                column = self.data.columns[self.data.names.index(name)]
                self.add("==", Sym(name), expr, column == vector, 4.2)


def _atoms(data: Table, names: Sequence[str]) -> _Atoms:
    atoms = _Atoms(data)
    for name, column in zip(data.names, data.columns, strict=True):
        atoms.about(Sym(name), column)
    numbers = counts(data)
    for expr, vector in zip(numbers.exprs, numbers.vectors, strict=True):
        if isinstance(expr, Apply):
            atoms.add("==", expr, Lit(0), vector == 0, 2.2)
    atoms.of_two(names)
    atoms.of_three(names)
    return atoms
