"""Expressions in the form in which a person would write them, one for all that are equal as polynomials.

Sums of products are gathered, what is divided exactly is taken out of a quotient, and common factors are taken out of
sums again: ``H - dilation*kernel + dilation`` becomes ``H - dilation*(kernel - 1)``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from archsmith.graph.expr import OPERATIONS, Apply, Expr, Lit, Sym, show, symbols

Monomial = tuple[Expr, ...]
"""Factors in order; the empty product is 1."""

Polynomial = Mapping[Monomial, int]
"""Coefficients, none of them 0."""

MOST_TERMS = 24
"""A product with more terms stays a product."""


def tidy(expr: Expr, names: Sequence[str]) -> Expr:
    """The same values wherever ``expr`` has any; symbols come in the order of ``names`` where there is a choice."""
    order = _Order(names)
    return _worded(_polynomial(expr, order), order)


class _Order:
    """In which order factors and terms are written."""

    def __init__(self, names: Sequence[str]) -> None:
        self._places = {name: place for place, name in enumerate(names)}

    def of(self, expr: Expr) -> tuple[int, bool, str]:
        last = len(self._places)
        first = min((self._places.get(name, last) for name in symbols(expr)), default=last)
        return first, not isinstance(expr, Sym), show(expr)

    def sorted(self, polynomial: Mapping[Monomial, int]) -> dict[Monomial, int]:
        def place(monomial: Monomial) -> tuple[object, ...]:
            return tuple(map(self.of, monomial)) or ((len(self._places) + 1, False, ""),)

        return {monomial: polynomial[monomial] for monomial in sorted(polynomial, key=place) if polynomial[monomial]}

    def product(self, first: Polynomial, second: Polynomial) -> dict[Monomial, int]:
        whole: dict[Monomial, int] = {}
        for one, count in first.items():
            for other, times in second.items():
                both = tuple(sorted(one + other, key=self.of))
                whole[both] = whole.get(both, 0) + count * times
        return self.sorted(whole)


def _polynomial(expr: Expr, order: _Order) -> dict[Monomial, int]:
    match expr:
        case Lit(value):
            return {(): value} if value else {}
        case Apply("+" | "-" as operation, (left, right)):
            return _added(_polynomial(left, order), _polynomial(right, order), 1 if operation == "+" else -1, order)
        case Apply("*", (left, right)):
            first, second = _polynomial(left, order), _polynomial(right, order)
            if len(first) * len(second) <= MOST_TERMS:
                return order.product(first, second)
            return {(Apply("*", (_worded(first, order), _worded(second, order))),): 1}
        case Apply("//" | "%" as operation, (left, right)):
            return _divided(operation, _polynomial(left, order), _polynomial(right, order), order)
        case Apply(operation, arguments):
            tidied = [_worded(_polynomial(argument, order), order) for argument in arguments]
            if operation in {"min", "max"}:
                tidied.sort(key=lambda argument: (not isinstance(argument, Lit), order.of(argument)))
            if operation == "broadcast":
                return {(_left_to_right(*tidied),): 1}
            return {(Apply(operation, tuple(tidied)),): 1}
        case _:
            return {(expr,): 1}


def _left_to_right(left: Expr, right: Expr) -> Expr:
    """The broadcast of both with that of the right taken apart, which makes no difference."""
    match right:
        case Apply("broadcast", (first, second)):
            return Apply("broadcast", (_left_to_right(left, first), second))
        case _:
            return Apply("broadcast", (left, right))


def _added(first: Polynomial, second: Polynomial, sign: int, order: _Order) -> dict[Monomial, int]:
    whole = dict(first)
    for monomial, count in second.items():
        whole[monomial] = whole.get(monomial, 0) + sign * count
    return order.sorted(whole)


def _divided(operation: str, upper: Polynomial, lower: Polynomial, order: _Order) -> dict[Monomial, int]:
    """A quotient without the part that is divided exactly, which stands beside it, or a remainder without it."""
    exact: dict[Monomial, int] = {}
    if len(lower) == 1:
        ((divisor, by),) = lower.items()
        for monomial, count in upper.items():
            rest = _without(monomial, divisor)
            if rest is not None and (count % by == 0 or (count < 0 and len(rest) > 1)):
                exact[rest] = count // by  # also of `-n*n//2`, which becomes `n*n//2 - n*n`
        upper = _added(upper, order.product(exact, lower), -1, order)
    whole = dict(exact) if operation == "//" else {}
    if list(upper) == [()] == list(lower) and lower[()] > 0:
        return _added(whole, {(): OPERATIONS[operation].compute(upper[()], lower[()])}, 1, order)
    if upper:
        part = Apply(operation, (_worded(upper, order), _worded(lower, order)))
        whole = _added(whole, {(part,): 1}, 1, order)
    return whole


def _worded(polynomial: Polynomial, order: _Order) -> Expr:
    return worded(_rounded(polynomial, order))


def _rounded(polynomial: Polynomial, order: _Order) -> Polynomial:
    """``(n - 2)//s + 2`` as ``(n + s - 2)//s + 1``, as rounding up is written; of ``n//2 + 1`` the smallest numbers."""
    outside = polynomial.get((), 0)
    for monomial, count in polynomial.items():
        match monomial:
            case (Apply("//", (left, right)),) if count == 1 and outside:
                upper, lower = _polynomial(left, order), _polynomial(right, order)
                shift = _shift(upper.get((), 0), outside, lower[()] if list(lower) == [()] else 0)
                moved = Apply("//", (worded(_added(upper, lower, shift, order)), right))
                change = {monomial: -1, (): -shift, (moved,): 1} if shift else {}
                return _added(polynomial, change, 1, order)
    return polynomial


def _shift(inside: int, outside: int, by: int) -> int:
    """How much of the number beside a quotient goes into it, of which the divisor is ``by`` or, if 0, no number."""
    if by:
        return min((0, 1, -1, outside), key=lambda shift: abs(outside - shift) + abs(inside + shift * by))
    return outside - 1 if outside > 1 and inside < 0 else 0


def _without(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """The monomial divided by another, or None if a factor is missing."""
    rest = list(monomial)
    for factor in divisor:
        if factor not in rest:
            return None
        rest.remove(factor)
    return tuple(rest)


def worded(polynomial: Polynomial) -> Expr:
    """The polynomial with common factors taken out, positive terms first."""
    rest = dict(polynomial)
    terms: list[tuple[int, Monomial, int]] = []
    brackets: list[_Bracket] = []
    places = {monomial: place for place, monomial in enumerate(polynomial)}
    while rest:
        longest = max(rest, key=len)
        found = _bracket(rest, longest)
        if found is None:
            terms.append((places[longest], longest, rest.pop(longest)))
            continue
        same = [each for each in brackets if each.inner == found.inner]
        if same:
            same[0].outer[found.factor] = found.count
        else:
            brackets.append(found)
        found.take(rest)
    written = [(place, (count, product(monomial))) for place, monomial, count in terms]
    written += [(min(map(places.__getitem__, each.taken)), each.term()) for each in brackets]
    return _sum([term for _, term in sorted(written, key=lambda entry: entry[0])])


Term = tuple[int, Expr | None]
"""A coefficient and what it counts; None counts ones."""


@dataclass(slots=True)
class _Bracket:
    """A product of two sums: ``outer``, at first ``count*factor``, and ``inner``."""

    factor: Monomial
    count: int
    inner: dict[Monomial, int]
    taken: list[Monomial]
    outer: dict[Monomial, int]

    def take(self, rest: dict[Monomial, int]) -> None:
        """Leave out what is written, also a multiple of ``inner`` that stands alone, as ``b + 1`` in ``a*(b + 1)``."""
        for monomial in self.taken:
            del rest[monomial]
        times, left = divmod(rest.get(next(iter(self.inner)), 0), next(iter(self.inner.values())))
        if times and not left and all(rest.get(monomial) == times * c for monomial, c in self.inner.items()):
            self.outer[()] = times
            for monomial in self.inner:
                del rest[monomial]

    def term(self) -> Term:
        inner = worded(self.inner)
        if len(self.outer) == 1:
            return self.count, _multiplied(self.factor[0], inner)
        sign = -1 if max(self.outer.values()) < 0 else 1
        return sign, _multiplied(worded({monomial: sign * count for monomial, count in self.outer.items()}), inner)


def _bracket(rest: Polynomial, monomial: Monomial) -> _Bracket | None:
    """The monomial with those others that share its best factor."""
    count = rest[monomial]
    best: tuple[Expr, list[Monomial]] | None = None
    for factor in monomial if len(monomial) > 1 else ():
        part = [other for other in rest if factor in other and rest[other] % count == 0]
        if len(part) > max(1, len(best[1]) if best else 0):
            best = factor, part
    if best is None:
        return None
    factor, part = best
    inner = {_without(each, (factor,)) or (): rest[each] // count for each in part}
    if count < 0 and () not in inner and min(inner.values()) < 0:
        count, inner = -count, {each: -times for each, times in inner.items()}
    return _Bracket((factor,), count, inner, part, {(factor,): count})


def _multiplied(left: Expr, right: Expr) -> Expr:
    match right:
        case Apply("*", (one, other)):
            return Apply("*", (_multiplied(left, one), other))
        case _:
            return Apply("*", (left, right))


def product(factors: Iterable[Expr]) -> Expr | None:
    """The factors multiplied from left to right; None if there are none."""
    whole: Expr | None = None
    for factor in factors:
        whole = factor if whole is None else Apply("*", (whole, factor))
    return whole


def _sum(terms: Sequence[Term]) -> Expr:
    """Positive terms, then negative ones, and the number last, or first if nothing else is positive."""
    number = sum(count for count, what in terms if what is None)
    counted = [(count, what) for count, what in terms if what is not None and count]
    positive = [_times(count, what) for count, what in counted if count > 0]
    negative = [_times(-count, what) for count, what in counted if count < 0]
    if not positive:
        positive, number = [Lit(number)], 0
    elif number > 0 and not negative:
        positive, number = [*positive, Lit(number)], 0
    whole = positive[0]
    for each in positive[1:]:
        whole = Apply("+", (whole, each))
    for each in negative:
        whole = Apply("-", (whole, each))
    if number:
        whole = Apply("+" if number > 0 else "-", (whole, Lit(abs(number))))
    return whole


def _times(count: int, what: Expr) -> Expr:
    if count == 1:
        return what
    match what:
        case Apply("*", (left, right)):  # `2*a*b` groups to the left
            return Apply("*", (_times(count, left), right))
        case _:
            return Apply("*", (Lit(count), what))


def products(factors: Sequence[Expr]) -> list[Monomial]:
    """All products of two of the factors, squares last."""
    return [*combinations(factors, 2), *((factor, factor) for factor in factors)]
