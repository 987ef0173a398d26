"""Bounds of expressions: nothing that an expression comes to lies outside of them."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.expr import Expr, Undefined, evaluate, parse, symbols
from archsmith.graph.intervals import Range, bounds
from tests.strategies import SYMBOLS, exprs

POINTS = st.integers(-6, 12)
RANGES = st.dictionaries(
    st.sampled_from(SYMBOLS),
    st.tuples(POINTS, st.integers(0, 3)).map(lambda given: (given[0], sum(given))),
)


def values(expr: Expr, ranges: dict[str, Range]) -> set[int]:
    """What the expression comes to at every point of the ranges at which it has a value."""
    names = sorted(symbols(expr))
    found = set()
    for point in product(*(range(ranges[name][0], ranges[name][1] + 1) for name in names)):
        try:
            found.add(evaluate(expr, dict(zip(names, point, strict=True))))
        except Undefined:
            continue
    return found


def whole(ranges: dict[str, Range]) -> dict[str, Range]:
    return dict.fromkeys(SYMBOLS, (1, 3)) | ranges


@given(exprs(), RANGES)
def test_bounds_hold_at_every_point(expr: Expr, given_ranges: dict[str, Range]) -> None:
    ranges = whole(given_ranges)
    found = values(expr, ranges)
    try:
        least, most = bounds(expr, ranges)
    except Undefined:
        assert not found
        return

    assert all(least <= value <= most for value in found)


@given(exprs(), st.fixed_dictionaries(dict.fromkeys(SYMBOLS, POINTS)))
def test_bounds_of_points_are_the_value(expr: Expr, point: dict[str, int]) -> None:
    ranges = {name: (value, value) for name, value in point.items()}
    try:
        value = evaluate(expr, point)
    except Undefined:
        with pytest.raises(Undefined):
            bounds(expr, ranges)
        return

    assert bounds(expr, ranges) == (value, value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a + b", (-5, 9)),
        ("a - b", (-7, 7)),
        ("a * b", (-12, 20)),
        ("a * a", (-15, 25)),  # a symbol used twice counts as two
        ("a // c", (-2, 2)),
        ("a // (c - 2)", (-3, 5)),  # of the divisors only positive ones
        ("a % c", (0, 3)),
        ("20 % 3", (2, 2)),
        ("(c + 8) % 8", (2, 4)),
        ("min(a, b)", (-3, 4)),
        ("max(a, b)", (-2, 5)),
        ("a < 6", (1, 1)),
        ("a >= 6", (0, 0)),
        ("a <= b", (0, 1)),
        ("a == 6", (0, 0)),
        ("a != 6", (1, 1)),
        ("a == a", (0, 1)),
        ("a != b", (0, 1)),
        ("not a", (0, 1)),
        ("a and b", (0, 1)),
        ("c and c", (1, 1)),
        ("c or a", (1, 1)),
        ("0 or a", (0, 1)),
        ("not c", (0, 0)),
        ("not (a > 9)", (1, 1)),
    ],
)
def test_bounds_by_hand(text: str, found: Range) -> None:
    assert bounds(parse(text), {"a": (-3, 5), "b": (-2, 4), "c": (2, 4)}) == found


def test_a_divisor_that_is_never_positive_has_no_bounds() -> None:
    with pytest.raises(Undefined, match="a divisor from -3 to 0 is never positive"):
        bounds(parse("4 // a"), {"a": (-3, 0)})


def test_a_symbol_without_a_range_has_no_bounds() -> None:
    with pytest.raises(Undefined, match="no bounds are given for 'b'"):
        bounds(parse("a + b"), {"a": (0, 1)})
