"""Expressions mean what the same text means in Python, and are written as a person would."""

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.expr import Apply, Expr, Lit, Sym, Undefined, evaluate, holds, parse, show, symbols
from tests.strategies import SYMBOLS, conditions, exprs, numbers

VALUES = st.fixed_dictionaries({name: st.integers(-9, 99) for name in SYMBOLS})


def in_python(expr: Expr, values: Mapping[str, int]) -> int:
    return int(eval(show(expr), {"min": min, "max": max, "broadcast": lambda a, b: b if a == 1 else a}, dict(values)))


def divisors(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Apply):
        for argument in expr.arguments:
            yield from divisors(argument)
        if expr.operation in ("//", "%"):
            yield expr.arguments[1]


def divides_well(expr: Expr, values: Mapping[str, int]) -> bool:
    """Whether every divisor, inner ones first, is positive."""
    return all(in_python(divisor, values) > 0 for divisor in divisors(expr))


@given(expr=exprs())
def test_what_is_shown_is_parsed_back(expr: Expr) -> None:
    assert parse(show(expr)) == expr


@given(expr=numbers() | conditions(), values=VALUES)
def test_the_value_is_the_one_that_python_computes(expr: Expr, values: dict[str, int]) -> None:
    if divides_well(expr, values):
        assert evaluate(expr, values) == in_python(expr, values)
    else:
        with pytest.raises(Undefined):
            evaluate(expr, values)


@given(expr=exprs(), values=VALUES)
def test_a_constraint_without_a_value_does_not_hold(expr: Expr, values: dict[str, int]) -> None:
    try:
        value = evaluate(expr, values)
    except Undefined:
        value = 0

    assert holds(expr, values) == bool(value)


@given(expr=exprs())
def test_only_the_symbols_that_occur_matter(expr: Expr) -> None:
    names = symbols(expr)
    values = dict.fromkeys(names, 3)

    for name in names:
        with pytest.raises(Undefined, match=f"'{name}' is not given"):
            evaluate(Apply("+", (Lit(0), Sym(name))), {key: values[key] for key in names - {name}})
    assert holds(expr, values) == holds(expr, values | {"another": 7})


@pytest.mark.parametrize(
    "text",
    [
        "(H + 2*padding - dilation*(kernel - 1) - 1)//stride + 1",
        "a - (b - c)",
        "a - b - c",
        "a*(b + c)",
        "a//(b//c)",
        "a//b//c % d",
        "C % (scale*scale) == 0",
        "start >= -1",
        "-1 + a",
        "a - (-1)",
        "a == b or a == 1 or b == 1",
        "(a or b) and not c",
        "not a == b",
        "(a < b) == c",
        "max(a, min(b, -3))",
        "broadcast(a, 2*b) - broadcast(1, c)",
    ],
)
def test_brackets_stand_only_where_they_are_needed(text: str) -> None:
    assert show(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("((a) + ((b)))", "a + b"),
        ("a+(b*c)", "a + b*c"),
        ("a and b and c", "a and b and c"),
        ("max(a, b, c)", "max(max(a, b), c)"),
        ("-a", "0 - a"),
        ("  7 ", "7"),
    ],
)
def test_other_ways_of_writing_are_read_as_one(text: str, shown: str) -> None:
    assert show(parse(text)) == shown


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not an expression: ''"),
        ("(a", "was never closed"),
        ("a / b", r"'a / b' is not integer arithmetic"),
        ("1 + 0.5", r"in '1 \+ 0.5': '0.5' is not"),
        ("a ** 2", r"'a \*\* 2' is not"),
        ("a in b", "'a in b' is not"),
        ("a < b in c", "'a < b in c' is not"),
        ("abs(a)", r"'abs\(a\)' is not"),
        ("min(a)", r"'min\(a\)' is not"),
        ("broadcast(a)", r"'broadcast\(a\)' is not"),
        ("broadcast(a, b, c)", r"'broadcast\(a, b, c\)' is not"),
        ("min(a, key=b)", "is not integer arithmetic"),
        ("max(*a, b)", r"'\*a' is not"),
        ("a.b", "'a.b' is not"),
        ("a if b else c", "is not integer arithmetic"),
        ("True", "'True' is not"),
        ("-True", "'True' is not"),
        ("'a'", "is not integer arithmetic"),
        ("__import__('os')", "is not integer arithmetic"),
        ("-" * 9_999 + "a", "is nested too deeply"),
        ("+".join("a" * 9_999), "is nested too deeply"),
    ],
)
def test_text_that_is_no_expression_is_refused_with_the_part_that_is_not(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


@pytest.mark.parametrize("operation", ["//", "%"])
@pytest.mark.parametrize("divisor", [0, -2])
def test_a_divisor_has_to_be_positive(operation: str, divisor: int) -> None:
    with pytest.raises(Undefined, match="the divisor must be positive"):
        evaluate(Apply(operation, (Lit(7), Sym("n"))), {"n": divisor})


def test_equal_expressions_are_one_key() -> None:
    assert {parse("a + b*2"): "first"}[Apply("+", (Sym("a"), Apply("*", (Sym("b"), Lit(2)))))] == "first"


def test_comparisons_in_a_row_are_all_demanded() -> None:
    assert parse("1 <= a < b") == parse("1 <= a and a < b")
    assert show(parse("1 <= a < b")) == "1 <= a and a < b"
