"""What is not worth trying is not tried, and of several expressions the simplest comes first."""

import numpy as np

from archsmith.fuzz.infer.columns import Columns
from archsmith.fuzz.infer.enumerate import Terms, terms
from archsmith.fuzz.infer.prune import COMMUTATIVE, Effort, Rarity, cost
from archsmith.graph.expr import Apply, Expr, Lit, Sym, parse


def _terms(rarity: Rarity) -> Terms:
    columns = Columns(("a", "b", "c"), np.random.default_rng(0).integers(1, 12, (80, 3)))
    return terms(columns, effort=Effort(rarity=rarity))


def _leaves(expr: Expr) -> list[Expr]:
    if isinstance(expr, Apply):
        return [leaf for argument in expr.arguments for leaf in _leaves(argument)]
    return [expr]


def _operations(expr: Expr) -> list[str]:
    if isinstance(expr, Apply):
        return [expr.operation, *(name for argument in expr.arguments for name in _operations(argument))]
    return []


def test_nothing_occurs_more_often_than_rarity_allows() -> None:
    for expr, _ in _terms(Rarity(symbol=1, literal=1, division=1, choice=1)):
        leaves, operations = _leaves(expr), _operations(expr)
        assert max(map(leaves.count, [leaf for leaf in leaves if isinstance(leaf, Sym)]), default=0) <= 1
        assert sum(isinstance(leaf, Lit) for leaf in leaves) <= 1
        assert sum(operations.count(name) for name in ("//", "%")) <= 1
        assert sum(operations.count(name) for name in ("min", "max", "broadcast")) <= 1


def test_nothing_is_divided_or_chosen_where_rarity_says_so() -> None:
    used = {name for expr, _ in _terms(Rarity(division=0, choice=0)) for name in _operations(expr)}

    assert used == {"+", "-", "*"}


def test_more_is_found_where_more_is_allowed() -> None:
    assert len(_terms(Rarity(symbol=1))) < len(_terms(Rarity(symbol=2)))


def test_operands_that_may_change_places_come_in_one_order_only() -> None:
    pairs = [
        expr.arguments
        for expr, _ in _terms(Rarity())
        if isinstance(expr, Apply) and expr.operation in COMMUTATIVE and all(isinstance(a, Sym) for a in expr.arguments)
    ]

    assert pairs
    assert not any((right, left) in pairs for left, right in pairs if left != right)


def test_no_operation_joins_two_numbers() -> None:
    assert not any(
        isinstance(expr, Apply) and all(isinstance(a, Lit) for a in expr.arguments) for expr, _ in _terms(Rarity())
    )


def test_simple_expressions_cost_least() -> None:
    texts = ["a", "3", "a + 1", "a + b", "a + 2", "a//b", "a % b", "a + 16", "min(a, b) + 1", "(a - b)//2 + 1"]

    costs = [cost(parse(text))[0] for text in texts]

    assert costs == sorted(costs)
    assert cost(parse("a + b")) < cost(parse("b + a"))
