"""Numbers between two bounds: the ends are in, the values are tidy, and they are spaced as was asked."""

from collections.abc import Callable
from itertools import pairwise
from math import log
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.spaces.grids import MOST
from archsmith.spaces.nodes import choose, floats, integers, op, repeat, shared
from archsmith.spaces.space import digest, search_space
from archsmith.spaces.values import Choice
from tests.spaces.trees import architectures, attribute, built


@pytest.mark.parametrize(
    ("grid", "options"),
    [
        (integers(1, 5), (1, 2, 3, 4, 5)),
        (integers(-2, 2, step=2), (-2, 0, 2)),
        (integers(0, 10, count=4), (0, 3, 7, 10)),
        (integers(1, 3, count=9), (1, 2, 3)),
        (integers(8, 512, log=True, count=7), (8, 16, 32, 64, 128, 256, 512)),
        (integers(1, 4, log=True), (1, 2, 3, 4)),
        (integers(1, 1000, log=True, count=4), (1, 10, 100, 1000)),
        (floats(0, 1, count=5), (0.0, 0.25, 0.5, 0.75, 1.0)),
        (floats(0.1, 0.5, count=5), (0.1, 0.2, 0.3, 0.4, 0.5)),
        (floats(-0.5, 0.5, count=11), (-0.5, -0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
        (floats(0, 1, count=4), (0.0, 0.333, 0.667, 1.0)),
        (floats(1e-5, 1, count=6, log=True), (1e-5, 1e-4, 0.001, 0.01, 0.1, 1.0)),
        (floats(1e-4, 1e-3, count=4, log=True), (0.0001, 0.000215, 0.000464, 0.001)),
        (floats(0.1234567, 0.7654321, count=2), (0.1234567, 0.7654321)),
        (floats(0.9, 0.91, count=5), (0.9, 0.9025, 0.905, 0.9075, 0.91)),
        (floats(-1e308, 1e308, count=3), (-1e308, 0.0, 1e308)),
    ],
    ids=str,
)
def test_a_grid_has_tidy_values_and_both_its_ends(grid: Choice, options: tuple[float, ...]) -> None:
    assert grid.options == options
    assert [type(option) for option in grid.options] == [type(option) for option in options]
    assert grid.ordered


BOUNDS = st.floats(1e-6, 1e6)


@given(low=BOUNDS, high=BOUNDS, count=st.integers(2, 60), spread=st.booleans())
def test_floats_are_as_many_as_asked_and_evenly_spaced(low: float, high: float, count: int, spread: bool) -> None:
    assume(high > 1.0001 * low)
    options = floats(low, high, count=count, log=spread).options
    scaled = [log(float(option)) if spread else float(option) for option in options]
    gaps = [after - before for before, after in pairwise(scaled)]

    assert len(options) == count
    assert (options[0], options[-1]) == (low, high)
    assert max(gaps) <= 1.3 * min(gaps)


@given(low=st.integers(1, 500), more=st.integers(1, 5000), count=st.integers(2, 60))
def test_integers_by_logarithm_are_distinct_and_near_to_where_they_belong(low: int, more: int, count: int) -> None:
    high = low + more
    options = [int(option) for option in integers(low, high, log=True, count=count).options]
    exact = [low * (high / low) ** (place / (count - 1)) for place in range(count)]

    assert (options[0], options[-1]) == (low, high)
    assert all(before < after for before, after in pairwise(options))
    assert all(min(abs(option - value) for value in exact) <= 0.5 + 1e-6 for option in options)


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        (integers(1, 9), "integers(1, 9)"),
        (integers(1, 9, step=2, name="size"), "integers(1, 9, step=2, name='size')"),
        (integers(8, 512, log=True), "integers(8, 512, log=True, count=16)"),
        (floats(0, 0.5, count=3), "floats(0.0, 0.5, count=3)"),
        (floats(1e-4, 1e-1, log=True), "floats(0.0001, 0.1, log=True, count=16)"),
    ],
)
def test_a_grid_reads_as_it_was_written(grid: Choice, told: str) -> None:
    assert str(grid) == told
    assert str(op("dropout", rate=grid)) == f"dropout(rate={told})"


def test_grids_are_equal_that_mean_the_same_and_no_others() -> None:
    assert floats(1e-4, 1e-1, log=True) == floats(0.0001, 0.1, log=True, count=16)
    assert hash(integers(1, 9)) == hash(integers(1, 9, step=1))
    others: list[Any] = [
        integers(1, 3), floats(1, 3, count=3), integers(1, 3, count=3), choose(1, 2, 3), integers(1, 3, name="n"),
        integers(1, 4), floats(1, 3, count=3, log=True), floats(1, 3),
    ]  # fmt: skip

    assert len(set(others)) == len(others)
    assert len({digest(search_space(op("dropout", rate=0.5), input=(4,), recipe={"x": x})) for x in others[:4]}) == 4


def test_grids_stand_wherever_a_choice_stands() -> None:
    width = shared("width", integers(2, 8, step=2))
    tree = repeat(op("linear", out=2 * width), integers(0, 2))

    assert attribute(built(tree, {"width": 6, "repeat.times": 2}, input=(4,)), "out") == [12, 12]
    assert len(architectures(tree, input=(4,))) == 1 + 4 * 2


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: integers(3, 3), "integers goes from a number to a greater one; got 3 and 3"),
    (lambda: integers(5, 1), "integers goes from a number to a greater one; got 5 and 1"),
    (lambda: integers(1, 2.5), "integers takes two whole numbers, .*; got 1 and 2.5"),  # type: ignore[arg-type]
    (lambda: integers(False, 3), "integers takes two whole numbers, .*; got False and 3"),
    (lambda: integers(0, 8, log=True), "integers with log=True takes numbers above 0; got 0 to 8"),
    (lambda: integers(1, 10, step=2), "steps of 2 from 1 come to 9 and 11; got 10"),
    (lambda: integers(1, 9, step=0), "integers takes a step of at least 1; got 0"),
    (lambda: integers(1, 9, step=2, count=3), "a step, or a count of values .*, not both; got step=2"),
    (lambda: integers(1, 9, step=2, log=True), "a step, or a count of values .*, not both; got step=2"),
    (lambda: integers(1, 9, count=1), f"integers takes a count of 2 to {MOST} values; got 1"),
    (lambda: integers(1, MOST + 1), f"at most {MOST} values; 1 to {MOST + 1} in steps of 1 are {MOST + 1}: give a"),
    (lambda: floats(0.1, 0.1), "floats goes from a number to a greater one; got 0.1 and 0.1"),
    (lambda: floats(0.0, float("inf")), "floats goes from a number to a greater one; got 0.0 and inf"),
    (lambda: floats(float("nan"), 1), "floats goes from a number to a greater one; got nan and 1.0"),
    (lambda: floats("0", 1), "floats takes two numbers, .*; got '0' and 1"),  # type: ignore[arg-type]
    (lambda: floats(0, True), "floats takes two numbers, .*; got 0 and True"),
    (lambda: floats(0, 1, log=True), "floats with log=True takes numbers above 0; got 0.0 to 1.0"),
    (lambda: floats(-1, 1, log=True), "floats with log=True takes numbers above 0; got -1.0 to 1.0"),
    (lambda: floats(0, 1, count=1), f"floats takes a count of 2 to {MOST} values; got 1"),
    (lambda: floats(0, 1, count=2.0), f"floats takes a count of 2 to {MOST} values; got 2.0"),  # type: ignore[arg-type]
    (lambda: floats(1, 1.0000000000000009), "16 different numbers from 1.0 to .*, which are too near; take fewer"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_is_no_grid_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()
