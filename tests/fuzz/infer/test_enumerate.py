"""Enumeration keeps one expression of those that agree, with its values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from archsmith.fuzz.infer.columns import Columns, values
from archsmith.fuzz.infer.enumerate import Terms, product_of, terms
from archsmith.fuzz.infer.prune import Effort
from archsmith.fuzz.infer.wording import tidy
from archsmith.graph.expr import Apply, Expr, Lit, Sym, show, symbols


def _columns(seed: int = 0, *, names: str = "abcd", rows: int = 60, least: int = 1) -> Columns:
    drawn = np.random.default_rng(seed).integers(least, 12, (rows, len(names)))
    return Columns(tuple(names), drawn)


def _texts(found: Terms) -> set[str]:
    return {show(expr) for expr, _ in found}


def test_vectors_are_the_values_of_the_expressions() -> None:
    columns = _columns()

    found = terms(columns)

    assert len(found) > 1000
    for expr, vector in found[::37]:
        wanted, defined = values(expr, columns)
        assert defined.all()
        assert vector.tolist() == wanted.tolist()


def test_no_two_terms_agree_on_all_records() -> None:
    found = terms(_columns())

    assert len(np.unique(found.vectors, axis=0)) == len(found)


@given(st.integers(0, 1000), st.sampled_from([1, 0]))
def test_every_expression_of_one_operation_has_an_equal_term(seed: int, least: int) -> None:
    columns = _columns(seed, rows=20, least=least)
    random = np.random.default_rng(seed)
    leaves: list[Expr] = [Sym("a"), Sym("b"), Sym("c"), Lit(1), Lit(2)]
    left, right = (leaves[place] for place in random.integers(0, 5, 2))
    expr = Apply(["+", "-", "*", "//", "%", "min", "max", "broadcast"][seed % 8], (left, right))
    vector, defined = values(expr, columns)

    found = terms(columns, effort=Effort(operations=1))

    wanted = defined.all() and not isinstance(left, Lit) and not isinstance(right, Lit)
    assert not wanted or (found.vectors == vector).all(axis=1).any()


def test_terms_of_conditions_of_known_operators_are_among_the_first() -> None:
    names = "HWskpd"
    texts = {show(tidy(expr, names)) for expr, _ in terms(_columns(names=names), groups=[["H", "W"]])}

    assert {"H + 2", "H - k", "d*(k - 1)", "H % s", "H//s", "H*W", "k - 1", "2*p", "H + 2*p"} <= texts


def test_products_of_groups_count_as_symbols() -> None:
    columns = _columns(names="abcdefg")

    texts = _texts(terms(columns, groups=[["a", "b", "c", "d"], ["e"]]))

    assert {"a*b*c*d", "a*b*c*d - e"} <= texts


def test_only_relevant_symbols_occur() -> None:
    found = terms(_columns(), relevant={"a", "c"})

    assert frozenset().union(*(symbols(expr) for expr, _ in found)) == {"a", "c"}


def test_quotients_need_a_positive_divisor_on_the_needed_records_only() -> None:
    columns = Columns(("a", "b"), np.array([[7, 2], [9, 4], [5, 0]]))

    everywhere = terms(columns)
    needed = terms(columns, needed=np.array([True, True, False]))
    place = [show(expr) for expr, _ in needed].index("a//b")

    assert "a//b" not in _texts(everywhere)
    assert needed.vectors[place].tolist() == [3, 2, 0]
    assert needed.defined[place].tolist() == [True, True, False]
    assert everywhere.defined.all()


def test_the_same_terms_come_in_the_same_order_and_no_more_than_asked_for() -> None:
    effort = Effort(terms=300)

    once, again = (list(map(show, (expr for expr, _ in terms(_columns(), effort=effort)))) for _ in range(2))

    assert once == again
    assert len(once) == 300


def test_a_terms_index_behaves_as_that_of_a_sequence() -> None:
    found = terms(_columns(), effort=Effort(operations=1))

    assert show(found[0][0]) == "a"
    assert found[-1][0] == found[len(found) - 1][0]
    assert [show(expr) for expr, _ in found[:3]] == ["a", "b", "c"]


def test_a_product_of_symbols_comes_with_its_values() -> None:
    expr, vector = product_of(Columns(("a", "b"), np.array([[2, 3], [0, 5]])), ["a", "b"])

    assert show(expr) == "a*b"
    assert vector.tolist() == [6, 0]
