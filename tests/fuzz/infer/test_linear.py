"""Linear forms with whole coefficients, divided and not, are read off the records."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.fuzz.infer.columns import Columns, values
from archsmith.fuzz.infer.linear import Monomials, likely_divisors, linear_form, monomials, quotients
from archsmith.graph.expr import Lit, Sym, parse, show

NAMES = ("a", "b", "s")


def _columns(seed: int, *, rows: int = 120) -> Columns:
    random = np.random.default_rng(seed)
    return Columns(NAMES, np.column_stack([random.integers(0, 30, (rows, 2)), random.integers(1, 6, rows)]))


def _symbols(columns: Columns) -> Monomials:
    return monomials([((Sym(name),), columns.column(name)) for name in columns.names], columns.count)


COEFFICIENTS = st.tuples(*[st.integers(-5, 5)] * 3)


@given(COEFFICIENTS, st.integers(-9, 9), st.integers(0, 999))
def test_a_linear_form_is_found_exactly(coefficients: tuple[int, int, int], constant: int, seed: int) -> None:
    columns = _columns(seed, rows=20)
    target = columns.matrix @ np.array(coefficients) + constant

    found = linear_form(target, _symbols(columns))

    assert found is not None
    assert values(found, columns)[0].tolist() == target.tolist()


@given(st.tuples(st.integers(1, 3), st.integers(-3, 3)), st.integers(-9, 9), st.integers(-1, 1), st.integers(0, 999))
def test_a_quotient_is_found_with_a_symbol_or_a_number_for_divisor(
    coefficients: tuple[int, int], constant: int, outside: int, seed: int
) -> None:
    columns, fresh = _columns(seed), _columns(seed + 1000)
    for divisor in (Sym("s"), Lit(3)):
        upper = parse(f"{coefficients[0]}*a + {coefficients[1]}*b + {constant}")
        formula = parse(f"({show(upper)})//{show(divisor)} + {outside}")
        target, divides = values(formula, columns)[0], values(divisor, columns)[0]

        found = list(quotients(target, _symbols(columns), divisor, divides))

        assert any(values(each, fresh)[0].tolist() == values(formula, fresh)[0].tolist() for each in found)


def test_a_quotient_is_found_where_the_divisor_is_never_1() -> None:
    columns = _columns(3)
    columns = columns.rows(columns.column("s") > 1)
    target = values(parse("(a - b - 1)//s + 1"), columns)[0]

    found = [show(each) for each in quotients(target, _symbols(columns), Sym("s"), columns.column("s"))]

    assert "(a - b - 1)//s + 1" in found


def test_everything_that_is_found_equals_the_target() -> None:
    columns = _columns(4, rows=6)
    target = np.array([3, 1, 4, 1, 5, 9])

    for found in quotients(target, _symbols(columns), Sym("s"), columns.column("s")):
        assert values(found, columns)[0].tolist() == target.tolist()


@pytest.mark.parametrize("text", ["min(a, b)", "a % s", "a*b", "a//s"])
def test_what_is_not_linear_is_not_found(text: str) -> None:
    columns = _columns(5)

    assert linear_form(values(parse(text), columns)[0], _symbols(columns)) is None


def test_monomials_that_others_determine_are_left_out() -> None:
    columns = _columns(6)
    a, b = columns.column("a"), columns.column("b")
    given = [((Sym("a"),), a), ((Sym("b"),), b), ((Sym("c"),), a + 2 * b - 3), ((Sym("d"),), a * 0 + 4)]

    assert monomials(given, columns.count).keys == ((), (Sym("a"),), (Sym("b"),))


def test_a_number_that_divides_is_seen_from_how_slowly_the_target_grows() -> None:
    columns = _columns(7, rows=300)

    assert 8 in likely_divisors(values(parse("a//8 + b"), columns)[0], _symbols(columns))
