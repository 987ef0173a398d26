"""Expressions on columns have the values that they have row by row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.fuzz.infer.columns import LARGEST, Columns, values
from archsmith.graph.expr import OPERATIONS, Apply, Expr, Lit, Sym, Undefined, evaluate, parse

NAMES = ("a", "b", "c")
WHOLE = st.integers(-6, 6) | st.sampled_from([2**31, -(2**40), 2**61])


def _applied(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    binary = st.sampled_from([name for name, operation in OPERATIONS.items() if operation.arity == 2])
    return st.builds(lambda name, a, b: Apply(name, (a, b)), binary, inner, inner) | st.builds(
        lambda a: Apply("not", (a,)), inner
    )


EXPRESSIONS = st.recursive(
    st.builds(Lit, WHOLE) | st.builds(Sym, st.sampled_from([*NAMES, "missing"])), _applied, max_leaves=8
)


def _value(expr: Expr, row: dict[str, int]) -> int | None:
    try:
        return evaluate(expr, row)
    except Undefined:
        return None


def _parts(expr: Expr) -> list[Expr]:
    return (
        [expr, *(part for argument in expr.arguments for part in _parts(argument))]
        if isinstance(expr, Apply)
        else [expr]
    )


@given(EXPRESSIONS, st.lists(st.tuples(WHOLE, WHOLE, WHOLE), min_size=1, max_size=5))
def test_values_are_those_of_evaluate_unless_some_part_is_huge(expr: Expr, rows: list[tuple[int, int, int]]) -> None:
    vector, defined = values(expr, Columns(NAMES, np.array(rows, np.int64)))

    for row, value, known in zip(rows, vector.tolist(), defined.tolist(), strict=True):
        at = dict(zip(NAMES, row, strict=True))
        wanted = _value(expr, at)
        if known:
            assert value == wanted
        else:
            huge = any(abs(_value(part, at) or 0) >= LARGEST for part in _parts(expr))
            assert value == 0
            assert wanted is None or huge


def test_a_quotient_has_no_value_where_the_divisor_is_not_positive() -> None:
    columns = Columns(("a", "b"), np.array([[7, 2], [7, 0], [7, -2]]))

    vector, defined = values(parse("a//b + 1"), columns)

    assert vector.tolist() == [4, 0, 0]
    assert defined.tolist() == [True, False, False]


def test_a_product_past_64_bits_has_no_value_instead_of_a_wrong_one() -> None:
    columns = Columns(("a",), np.array([[2**40], [2**20]]))

    vector, defined = values(parse("a*a"), columns)

    assert vector.tolist() == [0, 2**40]
    assert defined.tolist() == [False, True]


def test_columns_are_chosen_by_name_and_rows_by_place() -> None:
    columns = Columns(("a", "b"), np.array([[1, 2], [3, 4]]))

    assert columns.column("b").tolist() == [2, 4]
    assert columns.only(["b"]).matrix.tolist() == [[2], [4]]
    assert columns.rows(np.array([1])).matrix.tolist() == [[3, 4]]


def test_a_matrix_must_have_a_column_for_each_name() -> None:
    with pytest.raises(ValueError, match="2 symbols need so many columns"):
        Columns(("a", "b"), np.zeros((3, 1), np.int64))
