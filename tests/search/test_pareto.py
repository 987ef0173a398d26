"""Dominance, fronts, crowding and hypervolume: against hand, brute force and the laws that they keep."""

from itertools import combinations, product
from math import inf, prod
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.search.history import Score
from archsmith.search.pareto import crowding, dominates, fronts, hypervolume, pareto_front

COUNTS = st.shared(st.integers(1, 4), key="objectives")
VALUES = COUNTS.flatmap(lambda count: st.tuples(*[st.integers(0, 4).map(float)] * count))
SCORES = st.lists(st.builds(Score, VALUES, st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0])), max_size=12)
POINTS = st.lists(VALUES, max_size=6)


def scores(*points: tuple[float, ...]) -> list[Score]:
    return [Score(point) for point in points]


def peeled(every: list[Score]) -> list[list[int]]:
    """Fronts by their definition."""
    left, found = set(range(len(every))), list[list[int]]()
    while left:
        found.append(sorted(i for i in left if not any(dominates(every[j], every[i]) for j in left)))
        left -= set(found[-1])
    return found


def inclusion_exclusion(points: list[tuple[float, ...]]) -> float:
    """The volume of a union of boxes at the origin, by the volumes of all their intersections."""
    volume = 0.0
    for size in range(1, len(points) + 1):
        common = sum(prod(map(min, zip(*some, strict=True))) for some in combinations(points, size))
        volume += common if size % 2 else -common
    return volume


# Dominance


def test_what_is_no_worse_in_anything_and_better_in_something_dominates() -> None:
    assert dominates(Score((2, 1)), Score((1, 1)))
    assert not dominates(Score((2, 0)), Score((1, 1)))
    assert not dominates(Score((1, 1)), Score((1, 1)))


def test_constraints_come_before_values() -> None:
    met, little, much = Score((0, 0)), Score((9, 9), 0.1), Score((99, 99), 0.2)

    assert dominates(met, little)
    assert dominates(little, much)
    assert not dominates(much, met)
    assert not dominates(Score((9, 9), 0.1), Score((0, 0), 0.1))


@given(SCORES)
def test_nothing_dominates_itself_and_dominance_passes_on(every: list[Score]) -> None:
    assert not any(dominates(one, one) for one in every)
    for one, two, three in product(every[:6], repeat=3):
        assert not (dominates(one, two) and dominates(two, three)) or dominates(one, three)


# Fronts


@given(SCORES)
def test_fronts_are_what_is_left_undominated_again_and_again(every: list[Score]) -> None:
    assert [sorted(front) for front in fronts(every)] == peeled(every)


@given(SCORES)
def test_the_pareto_front_is_the_first_front(every: list[Score]) -> None:
    assert pareto_front(every) == (peeled(every)[0] if every else [])


def test_equally_good_trials_are_all_on_the_front() -> None:
    assert pareto_front(scores((1, 2), (0, 0), (1, 2), (2, 1))) == [0, 2, 3]


def test_ten_thousand_trials_on_one_front_are_sorted_at_once() -> None:
    """All on one front, or each on its own: a sort that compares all with all would take minutes."""
    line = [float(value) for value in range(10_000)]
    Random(0).shuffle(line)

    assert len(fronts(scores(*((value, -value) for value in line)))) == 1
    assert len(fronts(scores(*((value, value) for value in line)))) == 10_000


def test_scores_of_different_objectives_are_not_compared() -> None:
    with pytest.raises(UserError, match="as many values each; got scores of 1 and of 2"):
        fronts(scores((1,), (1, 2)))


# Crowding


def test_room_is_how_far_apart_the_neighbours_are() -> None:
    assert crowding([(0, 10), (1, 6), (4, 4), (10, 0)]) == [inf, 0.4 + 0.6, 0.9 + 0.6, inf]


def test_room_needs_no_spread() -> None:
    assert crowding([]) == []
    assert crowding([(1, 1)]) == [inf]
    assert crowding([(1, 1), (1, 1), (1, 1)]).count(inf) >= 2
    assert crowding([(0, 5), (1, 5), (3, 5)])[1] == 1.0


def test_values_as_large_as_numbers_go_have_room_between_them() -> None:
    assert crowding([(-1.7e308,), (0.0,), (1.7e308,)]) == [inf, 1.0, inf]


# Hypervolume


@pytest.mark.parametrize(
    ("points", "reference", "volume"),
    [
        ([], (0, 0), 0),
        ([(3,), (5,)], (1,), 4),
        ([(2, 3)], (0, 1), 4),
        ([(1, 3), (2, 2), (3, 1)], (0, 0), 6),
        ([(1, 3), (2, 2), (3, 1), (1, 1)], (0, 0), 6),
        ([(3, 3), (9, 0), (0, 9)], (0, 0), 9),
        ([(1, 2, 3), (2, 3, 1), (3, 1, 2)], (0, 0, 0), 13),
        ([(1, 1, 1, 2), (1, 1, 2, 1), (1, 2, 1, 1), (2, 1, 1, 1)], (0, 0, 0, 0), 5),
    ],
)
def test_volumes_that_were_counted_by_hand(
    points: list[tuple[float, ...]], reference: tuple[float, ...], volume: float
) -> None:
    assert hypervolume(points, reference) == volume


@given(POINTS)
def test_a_volume_is_what_inclusion_and_exclusion_give(points: list[tuple[float, ...]]) -> None:
    reference = (0.0,) * len(points[0]) if points else (0.0,)

    assert hypervolume(points, reference) == inclusion_exclusion(points)


@given(POINTS, VALUES, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_more_points_are_never_less(
    points: list[tuple[float, ...]], more: tuple[float, ...], rng: Random
) -> None:
    reference = (1.0,) * len(more)
    volume = hypervolume(points, reference)

    assert hypervolume(rng.sample(points, len(points)), reference) == volume
    assert hypervolume([*points, more], reference) >= volume
    assert hypervolume([*points, *points], reference) == volume


@given(POINTS, VALUES)
def test_what_is_dominated_adds_nothing(points: list[tuple[float, ...]], more: tuple[float, ...]) -> None:
    reference = (0.0,) * len(more)
    covered = any(all(a >= b for a, b in zip(point, more, strict=True)) for point in points)
    gain = hypervolume([*points, more], reference) - hypervolume(points, reference)

    assert (gain == 0) == (covered or 0 in more)


def test_a_volume_agrees_with_throwing_darts() -> None:
    rng = Random(1)
    points = [tuple(rng.random() for _ in range(3)) for _ in range(30)]
    darts = [tuple(rng.random() for _ in range(3)) for _ in range(20_000)]
    hits = sum(any(all(a > b for a, b in zip(point, dart, strict=True)) for point in points) for dart in darts)

    assert abs(hypervolume(points, (0, 0, 0)) - hits / 20_000) < 0.01


def test_a_point_below_the_reference_or_none_adds_nothing() -> None:
    assert hypervolume([(2, 2), (-5, 99), (float("nan"), 1)], (0, 0)) == 4


def test_a_volume_needs_points_of_the_references_dimension() -> None:
    with pytest.raises(UserError, match="as many values as its reference"):
        hypervolume([(1, 2)], (0, 0, 0))
    with pytest.raises(UserError, match="at least one value"):
        hypervolume([], ())
