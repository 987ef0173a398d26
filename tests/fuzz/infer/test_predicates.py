"""Families of predicates: what they offer, what it costs, and that it holds."""

from random import Random

import numpy as np
import pytest

from archsmith.fuzz.infer.columns import Columns, Mask
from archsmith.fuzz.infer.predicates import Candidate, Pool, mixing, paired
from archsmith.fuzz.infer.table import runs, table
from archsmith.fuzz.infer.tiers import TIERS, Tier, alternatives, deciding, sizes, sums_and_products, windows
from archsmith.graph.expr import parse, show
from tests.fuzz.infer.boundaries import BOUNDARIES, accepted, sampled


@pytest.mark.parametrize("name", BOUNDARIES)
def test_what_is_offered_holds_on_all_valid_rows_and_rejects_what_it_says(name: str) -> None:
    boundary = BOUNDARIES[name]
    valid, refused = sampled(boundary, Random(5), 60, 120)
    data, pool = table(valid, refused, boundary.tensors), Pool()
    for tier in TIERS:
        tier(pool, data, np.ones(refused.count, bool))

    assert pool.best
    for candidate in pool.best.values():
        assert accepted([candidate.expr], valid).all(), show(candidate.expr)
        assert (accepted([candidate.expr], refused) == ~candidate.rejects).all(), show(candidate.expr)


def rows(names: str, *given: tuple[int, ...]) -> Columns:
    return Columns(tuple(names.split()), np.array(given, np.int64))


def offered(
    tier: Tier, valid: Columns, refused: Columns, *groups: str, unexplained: Mask | None = None
) -> dict[str, Candidate]:
    data, pool = table(valid, refused, [group.split() for group in groups]), Pool()
    tier(pool, data, np.ones(refused.count, bool) if unexplained is None else unexplained)
    return {show(candidate.expr): candidate for candidate in pool.best.values()}


def test_of_predicates_that_reject_the_same_the_cheapest_is_kept() -> None:
    pool = Pool()
    for text, cost in (("a == b", 2.0), ("a <= b", 3.0), ("a*b == b*b", 1.0)):
        pool.offer(parse(text), cost, np.array([True, False]))
    pool.offer(parse("a >= 0"), 0.1, np.array([False, False]))

    assert [show(candidate.expr) for candidate in pool.best.values()] == ["a*b == b*b"]


def test_a_row_next_to_a_valid_one_counts_most() -> None:
    valid = rows("a b c", (1, 2, 3), (4, 4, 4))
    data = table(valid, rows("a b c", (1, 2, 9), (1, 7, 9), (7, 7, 7)), [])

    assert data.turned.tolist() == [[False, False, True], [False, True, True], [True, True, True]]
    assert data.weights.tolist() == [3.0, 2.0, 1.0]
    assert deciding(data, np.array([True, True, False])) == ["b", "c"]


def test_bounds_sit_where_the_valid_rows_end() -> None:
    found = offered(sizes, rows("a b", (1, 5), (4, 6), (9, 5)), rows("a b", (0, 5), (10, 6), (4, 4), (3, 9)))

    assert {"a >= 1", "a <= 9", "b >= 5", "b <= 6"} <= set(found)
    assert found["a >= 1"].cost < found["b >= 5"].cost
    assert found["b <= 6"].accidental
    assert not found["a >= 1"].accidental


def test_a_size_that_is_a_product_is_found() -> None:
    valid = rows("C g w", (6, 2, 3), (4, 4, 1), (5, 1, 5), (8, 2, 4))
    found = offered(sums_and_products, valid, rows("C g w", (6, 3, 3), (5, 4, 1), (8, 2, 5)))

    assert "C == g*w" in found


def test_a_window_is_found_without_help() -> None:
    boundary = BOUNDARIES["conv1d, nothing known"]
    valid, refused = sampled(boundary, Random(1))
    found = offered(windows, valid, refused, *boundary.groups, unexplained=~accepted(boundary.truth[-1:], refused))

    assert "dilation_0*(weight_2 - 1) < input_2 + 2*padding_0" in found


def test_one_of_two_predicates_is_found() -> None:
    boundary = BOUNDARIES["either"]
    found = offered(alternatives, *sampled(boundary, Random(1)), *boundary.groups)

    assert "input_1 == 1 or input_1 == input_0*groups" in found


def test_products_are_of_neighbours_and_sums_of_lists() -> None:
    taken = rows("x_0 x_1 x_2 shape_0 shape_1 dim", (2, 3, 5, 7, 11, 13))
    made = {show(expr) for expr in runs(table(taken, taken, [("x_0", "x_1", "x_2")])).exprs}

    assert made == {"x_0*x_1", "x_0*x_1*x_2", "x_1*x_2", "shape_0*shape_1", "shape_0 + shape_1"}


def test_sizes_at_one_place_of_two_tensors_are_likelier_to_be_equal() -> None:
    taken = rows("x_0 x_1 y_0 k_0 k_1 p_0 p_1", (1, 2, 3, 4, 5, 6, 7))
    data = table(taken, taken, [("x_0", "x_1"), ("y_0",)])

    assert paired(parse("x_1 == y_0"), data) == paired(parse("x_0 == y_0"), data) == 0.5
    assert paired(parse("x_0 == x_1"), data) == paired(parse("x_0 == k_0"), data) == 0.0
    assert mixing(parse("p_0 <= k_0"), data) == 0.0
    assert mixing(parse("p_0 <= k_1"), data) == 0.5
