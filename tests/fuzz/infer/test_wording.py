"""Expressions are put into the words that a person would use, without a change of their values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.fuzz.infer.columns import Columns, values
from archsmith.fuzz.infer.wording import tidy
from archsmith.graph.expr import Apply, Expr, Lit, Sym, parse, show

NAMES = ("H", "C", "p", "s", "k", "d", "a", "b")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("H + p + p - d*k + d - 1", "H + 2*p - d*(k - 1) - 1"),
        ("H*s - s + d*k - d + 1", "s*(H - 1) + d*(k - 1) + 1"),
        ("(H + s - 1)//s", "(H - 1)//s + 1"),
        ("(H + s - k)//s", "(H - k)//s + 1"),
        ("(H - 2)//s + 2", "(H + s - 2)//s + 1"),
        ("(H - 3)//2 + 1", "(H - 1)//2"),
        ("(2*H + 1)//2", "H"),
        ("1 + a*max(b, a)", "a*max(a, b) + 1"),
        ("a*b + a*k + b + k", "(k + b)*(a + 1)"),
        ("a*k - b*k", "k*(a - b)"),
        ("a*a - b*a", "a*(a - b)"),
        ("0*a + 3", "3"),
        ("b - a", "b - a"),
        ("5 - a", "5 - a"),
        ("(a*s + b) % s", "b % s"),
        ("max(a - b, 0)", "max(0, a - b)"),
        ("7//2", "3"),
        ("(H - H*H)//2 + H*k", "H*(k - H) + H*(H + 1)//2"),
    ],
)
def test_expressions_are_worded_as_a_person_would(text: str, wanted: str) -> None:
    assert show(tidy(parse(text), NAMES)) == wanted


def test_broadcasts_are_grouped_to_the_left() -> None:
    a, b, k = Sym("a"), Sym("b"), Sym("k")

    tidied = tidy(Apply("broadcast", (a, Apply("broadcast", (b, k)))), NAMES)

    assert tidied == Apply("broadcast", (Apply("broadcast", (a, b)), k))


def _applied(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    operations = st.sampled_from(["+", "-", "*", "//", "%", "min", "max", "broadcast"])
    return st.builds(lambda operation, a, b: Apply(operation, (a, b)), operations, inner, inner)


EXPRESSIONS = st.recursive(
    st.builds(Lit, st.integers(-4, 4)) | st.builds(Sym, st.sampled_from("abk")), _applied, max_leaves=9
)


@given(EXPRESSIONS, st.integers(0, 99))
def test_values_stay_what_they_are_wherever_there_were_any(expr: Expr, seed: int) -> None:
    columns = Columns(("a", "b", "k"), np.random.default_rng(seed).integers(-3, 9, (30, 3)))
    before, defined = values(expr, columns)

    after, still = values(tidy(expr, NAMES), columns)

    assert still[defined].all()
    assert after[defined].tolist() == before[defined].tolist()


@given(EXPRESSIONS)
def test_what_is_tidy_stays_as_it_is(expr: Expr) -> None:
    once = tidy(expr, NAMES)

    assert show(tidy(once, NAMES)) == show(once)
