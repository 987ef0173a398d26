"""Whether choices that are coupled can be made at all: by Z3, where there are too many combinations to try them.

The expressions of rules and constraints are read as integer formulas. What the solver cannot decide counts as possible.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

from archsmith.graph.book import RuleBook
from archsmith.graph.expr import Expr
from archsmith.graph.graph import Scalar
from archsmith.graph.rules import Rule, unify
from archsmith.graph.types import TensorType
from archsmith.spaces.terms import as_term

FEW = 1_000
"""Combinations up to which trying them is quicker than a solver."""

EFFORT = 20_000_000
"""Z3's own steps for one question; what takes more counts as possible. A time would depend on the machine."""

Domains = Mapping[str, Sequence[Scalar]]
"""The values that are left for each name; none where they are not known."""


def many(domains: Domains) -> bool:
    """Whether there are too many combinations to try them."""
    return prod(max(len(values), 1) for values in domains.values()) > FEW


def can_hold(constraints: Iterable[Expr], domains: Domains) -> bool:
    """Whether some values of the domains, all of them whole numbers, meet all the constraints."""
    formula = _Formula()
    for name, values in domains.items():
        formula.choose(name, [int(value) for value in values])
    for constraint in constraints:
        formula.demand(constraint)
    return formula.possible()


def can_call(book: RuleBook, operator: str, types: tuple[TensorType, ...], domains: Domains) -> bool:
    """Whether a rule of the operator accepts values of these types with attributes out of the domains."""
    if book.operator(operator).infer is not None or book.operator(operator).learned:
        return True
    rules = book.rules(operator, tuple(given.rank for given in types))
    return any(_accepts(book, rule, types, domains) for rule in rules)


def _accepts(book: RuleBook, rule: Rule, types: tuple[TensorType, ...], domains: Domains) -> bool:
    bound = unify(rule.inputs, types)
    if bound is None or any(domains.get(name) and value not in domains[name] for name, value in rule.constants):
        return False
    formula = _Formula()
    for name, number in bound.items():
        formula.choose(name, [number])
    for attribute in book.operator(rule.operator).attributes:
        words = dict(attribute.named)
        values = domains.get(attribute.name, () if attribute.default is None else (attribute.default,))
        if all(isinstance(value, int) or value in words for value in values):
            numbers = [value for value in values if isinstance(value, int)]
            formula.choose(attribute.name, numbers, [words[str(value)] for value in values if value in words])
    for constraint in rule.requires:
        formula.demand(constraint)
    for entry in rule.outputs:
        for size in entry.dims:
            formula.demand_positive(size)
    return formula.possible()


class _Formula:
    """A formula over whole numbers that grows; Z3 is loaded by the first of them."""

    def __init__(self) -> None:
        import z3

        self._z3 = z3
        self._solver = z3.Solver()
        self._solver.set("rlimit", EFFORT)

    def choose(self, name: str, numbers: Sequence[int], computed: Sequence[Expr] = ()) -> None:
        """The name is one of the numbers, or of what is computed from the other names."""
        symbol = self._z3.Int(name)
        options = [symbol == number for number in dict.fromkeys(numbers)]
        options += [symbol == self._number(expr) for expr in computed]
        if options:
            self._solver.add(self._z3.Or(options))

    def demand(self, constraint: Expr) -> None:
        """The constraint holds."""
        self._solver.add(self._number(constraint) != 0)

    def demand_positive(self, size: Expr) -> None:
        """The size is at least 1."""
        self._solver.add(self._number(size) >= 1)

    def possible(self) -> bool:
        """Whether there are such numbers, or may be."""
        return bool(self._solver.check() != self._z3.unsat)

    def _number(self, expr: Expr) -> Any:
        term = as_term(expr)
        self._solver.add(*(divisor > 0 for divisor in term.divisors))
        return term.number
