"""Predicates that hold on all valid rows and reject some refused ones: the candidates for preconditions.

They come in tiers, simple ones first. Each family is screened on all rows at once; an expression is written only for
what is left. Costs are roughly the number of symbols and operations, less for what is likely of an operator (an
equality of two sizes at one place), more for what is likely an accident (a bound by a number that happened to be the
greatest).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from archsmith.fuzz.infer.columns import Mask, Vector, values
from archsmith.fuzz.infer.table import Table, Terms, Weights, literal_cost
from archsmith.graph.expr import Apply, Expr, Lit, Sym, show, symbols

KEPT = 160
"""Candidates that one family may offer at once, those that reject most for their cost."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A predicate that holds on all valid rows; ``rejects`` are the refused rows on which it does not."""

    expr: Expr
    text: str
    cost: float
    rejects: Mask

    @property
    def accidental(self) -> bool:
        """Whether it compares a symbol with a number that may just be what was seen."""
        match self.expr:
            case Apply("==" | "<=" | ">=", (Sym(), Lit(number))):
                return number > 1 or self.expr.operation != ">="
            case Apply("==", (Apply("%", (Sym(), Lit())), Lit())):
                return True
            case _:
                return False


@dataclass(frozen=True, slots=True)
class Pool:
    """The cheapest candidate for each set of rejected rows."""

    best: dict[bytes, Candidate] = field(default_factory=dict)

    def offer(self, expr: Expr, cost: float, rejects: Mask) -> None:
        """Take a candidate in that rejects something, unless a cheaper one rejects the same."""
        if not rejects.any():
            return
        key = np.packbits(rejects).tobytes()
        old = self.best.get(key)
        if old is not None and old.cost < cost:
            return
        text = show(expr)
        if old is None or (cost, text) < (old.cost, old.text):
            self.best[key] = Candidate(expr, text, cost, rejects)


def offer_known(pool: Pool, data: Table, known: Iterable[Expr]) -> None:
    """Given predicates, cheap because they held for others; dearer with every number that is unlikely in a rule."""
    for expr in known:
        if not symbols(expr) <= set(data.names):
            continue
        vector, mask = values(expr, data.rows)
        held = mask & (vector != 0)
        if held[: data.valid].all():
            pool.offer(expr, 1.0 + 0.3 * len(symbols(expr)) + _oddity(expr), ~data.refused(held))


def _oddity(expr: Expr) -> float:
    """Half for each number above 2."""
    match expr:
        case Lit(number):
            return 0.5 if abs(number) > 2 else 0.0
        case Apply(_, arguments):
            return sum(map(_oddity, arguments))
        case _:
            return 0.0


def offer_orders(pool: Pool, data: Table, left: Terms, right: Terms, *, offsets: range = range(2)) -> None:
    """``l <= r``, and with the given least differences of the sides ``l < r`` or ``l + 2 <= r``.

    Where the sides never come that near on valid rows, ``l <= r`` is offered, but dearer.
    """
    bar = data.valid
    for number in range(len(left)):
        gaps = right.vectors[:, :bar] - left.vectors[number, :bar]
        nearest = gaps.min(axis=1)
        least = np.where(nearest < offsets.stop, nearest, 0)
        places = np.flatnonzero((nearest >= offsets.start) & right.apart(left, number))
        if not len(places):
            continue
        beyond = right.vectors[places, bar:] - left.vectors[number, bar:]
        rejects = beyond < least[places, None]
        # Between a bound and what meets or breaks it nearest, there should be no room.
        rooms = np.where(rejects, least[places, None] - beyond, 99).min(axis=1)
        costs = 1.0 + left.costs[number] + right.costs[places] + np.where(rooms > 1, 1.5, 0.0)
        costs += np.array([_order_cost(int(least[place])) for place in places]) + (nearest > least)[places]
        for k in _best(rejects, costs, data.weights):
            expr = _order(left.exprs[number], right.exprs[places[k]], int(least[places[k]]))
            pool.offer(expr, costs[k] + mixing(expr, data), rejects[k])


def _order_cost(least: int) -> float:
    return {0: 0.0, 1: 0.1}.get(least, 0.8)


def _order(left: Expr, right: Expr, least: int) -> Expr:
    if isinstance(left, Lit) and least == 0:
        return Apply(">=", (right, left))
    if isinstance(right, Lit) and least == 1:
        return Apply("<", (left, right))
    match least:
        case 0:
            return Apply("<=", (left, right))
        case 1:
            return Apply("<", (left, right))
        case -1:
            return Apply("<=", (left, Apply("+", (right, Lit(1)))))
        case _ if least > 0:
            return Apply("<=", (Apply("+", (left, Lit(least))), right))
        case _:
            return Apply("<=", (left, Apply("+", (right, Lit(-least)))))


def offer_bounds(pool: Pool, data: Table) -> None:
    """Bounds by numbers: the least and the greatest value of each symbol, values that never occur, and parity."""
    bar = data.valid
    for name, column in zip(data.names, data.columns, strict=True):
        symbol, seen, others = Sym(name), column[:bar], column[bar:]
        least, most = int(seen.min()), int(seen.max())
        low, high = 1.3 + literal_cost(least) + _room(least - others), 1.5 + literal_cost(most) + _room(others - most)
        pool.offer(Apply(">=", (symbol, Lit(least))), low, others < least)
        pool.offer(Apply("<=", (symbol, Lit(most))), high, others > most)
        if least == most:
            pool.offer(Apply("==", (symbol, Lit(least))), 1.6 + 1.5 * literal_cost(least), others != least)
        for number in (0, 1):
            if least < number < most and not (seen == number).any():
                pool.offer(Apply("!=", (symbol, Lit(number))), 2.5, others == number)
        for divisor in (2, 3, 4, 8):
            rest = int(seen[0] % divisor)
            if least < most and (seen % divisor == rest).all():
                expr = Apply("==", (Apply("%", (symbol, Lit(divisor))), Lit(rest)))
                pool.offer(expr, 2.0 + 0.8 * divisor, others % divisor != rest)


def _room(beyond: Vector) -> float:
    """More if what breaks a bound is far beyond it."""
    broken = beyond[beyond > 0]
    return 1.5 if len(broken) and broken.min() > 1 else 0.0


def offer_equalities(pool: Pool, data: Table, terms: Terms) -> None:
    """Terms that are equal on all valid rows."""
    classes: dict[bytes, list[int]] = {}
    for place, vector in enumerate(terms.vectors):
        classes.setdefault(vector[: data.valid].tobytes(), []).append(place)
    for members in classes.values():
        members.sort(key=lambda place: (terms.costs[place], show(terms.exprs[place])))
        pairs = [*combinations(members[:8], 2), *((members[0], other) for other in members[8:])]
        for a, b in pairs:
            if (terms.uses[a] & terms.uses[b]).any():
                continue
            left, right = sorted((terms.exprs[a], terms.exprs[b]), key=lambda expr: isinstance(expr, Apply))
            if isinstance(left, Lit):
                left, right = right, left
            expr = Apply("==", (left, right))
            rejects = terms.vectors[a, data.valid :] != terms.vectors[b, data.valid :]
            pool.offer(expr, 0.6 + terms.costs[a] + terms.costs[b] - paired(expr, data) + mixing(expr, data), rejects)


def offer_divisions(pool: Pool, data: Table, left: Terms, right: Terms) -> None:
    """``l % r == 0``, where ``r`` is positive on all valid rows."""
    bar = data.valid
    for number in range(len(right)):
        divisor = right.vectors[number]
        if divisor[:bar].min() < 1:
            continue
        rests = left.vectors % np.maximum(divisor, 1)
        places = np.flatnonzero((rests[:, :bar] == 0).all(axis=1) & left.apart(right, number))
        if not len(places) or divisor[:bar].max() == 1:
            continue
        rejects = (rests[places, bar:] != 0) | (divisor[bar:] < 1)
        costs = 1.4 + left.costs[places] + right.costs[number]
        for k in _best(rejects, costs, data.weights):
            expr = Apply("==", (Apply("%", (left.exprs[places[k]], right.exprs[number])), Lit(0)))
            pool.offer(expr, costs[k] + mixing(expr, data), rejects[k])


def offer_broadcasts(pool: Pool, data: Table) -> None:
    """Two sizes that are equal, or of which one is 1."""
    columns, ones = data.columns, data.columns == 1
    for a, b in combinations(range(len(data.names)), 2):
        same = columns[a] == columns[b]
        if same[: data.valid].all():
            continue
        left, right = Sym(data.names[a]), Sym(data.names[b])
        equal = Apply("==", (left, right))
        first, second = Apply("==", (left, Lit(1))), Apply("==", (right, Lit(1)))
        options: list[tuple[Expr, Mask, float]] = [
            (Apply("or", (equal, first)), same | ones[a], 2.6),
            (Apply("or", (equal, second)), same | ones[b], 2.6),
            (Apply("or", (Apply("or", (equal, first)), second)), same | ones[a] | ones[b], 2.8),
        ]
        for expr, held, cost in options:
            if held[: data.valid].all():
                pool.offer(expr, cost - paired(equal, data), ~data.refused(held))


def paired(equality: Expr, data: Table) -> float:
    """How much cheaper an equality is that links sizes of two tensors, the more so at one place from either end."""
    names = sorted(symbols(equality))
    if len(names) != 2:
        return 0.0
    homes = [
        next(((k, group.index(name), len(group)) for k, group in enumerate(data.groups) if name in group), None)
        for name in names
    ]
    if homes[0] is None or homes[1] is None or homes[0][0] == homes[1][0]:
        return 0.0
    (_, here, rank), (_, there, other) = homes[0], homes[1]
    return 0.5 if here == there or rank - here == other - there else 0.3


def mixing(expr: Expr, data: Table) -> float:
    """More if a predicate mixes integers from different places of lists, as the first padding and second kernel."""
    places = {entries.index(name) for entries in data.lists for name in symbols(expr) if name in entries}
    return 0.5 if len(places) > 1 else 0.0


def _best(rejects: Mask, costs: Weights, weights: Weights) -> Iterator[int]:
    gains = rejects @ weights
    order = np.argsort(-gains / costs, kind="stable")[:KEPT]
    return (int(place) for place in order if gains[place] > 0)
