"""NSGA-II: who becomes a parent, what a child is, and that a front is found."""

from random import Random

import pytest

from archsmith.graph.errors import UserError
from archsmith.search.history import Score
from archsmith.search.nsga2 import NSGA2
from archsmith.search.pareto import hypervolume
from archsmith.search.random import RandomSearch
from archsmith.search.searcher import Searcher, Values
from archsmith.spaces.decisions import Trace
from tests.search.questions import Questions

SPACE = Questions(8, 3)


def trace(*labels: int) -> Trace:
    return Trace(tuple((f"d{place}", label) for place, label in enumerate(labels)))


ZEROS, ONES, TWOS, MIXED = trace(*[0] * 8), trace(*[1] * 8), trace(*[2] * 8), trace(*[0, 1] * 4)


def apart(one: Trace, other: Trace) -> int:
    return sum(a != b for a, b in zip(one.answers, other.answers, strict=True))


def told(searcher: Searcher, *trials: tuple[Trace, Values]) -> Searcher:
    for asked, values in trials:
        searcher.tell(asked, values)
    return searcher


def children(searcher: Searcher, count: int = 60) -> list[Trace]:
    return [searcher.ask(SPACE, Random(seed), ()) for seed in range(count)]


def cloning(**options: int) -> NSGA2:
    """One whose children are one change away from one parent."""
    return NSGA2(crossover=0.0, **options)


def parents(searcher: Searcher, *named: Trace) -> set[int]:
    """Which of them the children are one change away from."""
    near = [[place for place, parent in enumerate(named) if apart(parent, child) == 1] for child in children(searcher)]
    assert all(near)
    return {places[0] for places in near}


def test_the_first_proposals_are_those_of_random_search() -> None:
    nsga2, baseline = NSGA2(population=4), RandomSearch()
    for number in range(4):
        proposed = nsga2.ask(SPACE, Random(number), ())

        assert proposed == baseline.ask(SPACE, Random(number), ())
        nsga2.tell(proposed, (0.5, 0.5))
        baseline.tell(proposed, 0.5)


def test_the_first_front_lives_on_and_what_it_dominates_dies() -> None:
    front = ((ZEROS, (0.0, 2.0)), (ONES, (2.0, 0.0)))

    assert parents(told(cloning(population=2), *front, (TWOS, (0.0, 1.0))), ZEROS, ONES, TWOS) == {0, 1}
    assert parents(told(cloning(population=2), *front, (TWOS, (3.0, 3.0))), ZEROS, ONES, TWOS) >= {2}


def test_of_one_front_those_with_most_room_live_on() -> None:
    """The two ends have most; a third in their midst dies."""
    found = told(cloning(population=2), (ZEROS, (0.0, 9.0)), (ONES, (5.0, 5.0)), (TWOS, (9.0, 0.0)))

    assert parents(found, ZEROS, ONES, TWOS) == {0, 2}


def test_what_breaks_constraints_dies_first() -> None:
    searcher = told(cloning(population=2), (ZEROS, (0.0, 0.0)), (ONES, (0.0, 0.0)))
    searcher.tell(TWOS, (9.0, 9.0), violation=0.1)

    assert parents(searcher, ZEROS, ONES, TWOS) == {0, 1}


def test_generations_choose_parents_only_when_they_are_full() -> None:
    searcher = told(cloning(population=2, offspring=2), (ZEROS, 1.0), (ONES, 1.0), (TWOS, 9.0))
    before = parents(searcher, ZEROS, ONES, TWOS)
    searcher.tell(MIXED, None)

    assert before == {0, 1}
    assert 2 in parents(searcher, ZEROS, ONES, TWOS)


def test_the_better_parent_is_taken_more_often() -> None:
    searcher = told(cloning(population=2), (ZEROS, (1.0, 1.0)), (ONES, (0.0, 0.0)))
    better = [apart(ZEROS, child) == 1 for child in children(searcher, 400)]

    # Two draws with replacement miss the better of two with probability 1/4.
    assert 0.70 < sum(better) / 400 < 0.80


def test_a_crossover_has_answers_of_both_parents() -> None:
    searcher = told(NSGA2(population=2, crossover=1.0, mutation=0.0), (ZEROS, (0.0, 1.0)), (ONES, (1.0, 0.0)))
    labels = [{label for _, label in child.answers} for child in children(searcher)]

    assert all(found == {0, 1} for found in labels)


def test_proposals_in_flight_count_as_the_start_of_the_population() -> None:
    searcher = told(cloning(population=3), (ZEROS, 1.0))

    assert apart(ZEROS, searcher.ask(SPACE, Random(0), (ONES,))) > 1
    assert apart(ZEROS, searcher.ask(SPACE, Random(0), (ONES, TWOS))) == 1


def test_what_is_told_anew_changes_every_generation_since() -> None:
    """The first was dead; with its newer value it would never have died."""
    once = told(cloning(population=2), (ZEROS, 0.0), (ONES, 1.0), (TWOS, 2.0), (MIXED, 0.5), (ZEROS, 9.0))

    assert parents(once, ZEROS, TWOS) == {0, 1}


def test_one_objective_is_climbed() -> None:
    searcher, sums = NSGA2(population=8), list[float]()
    for number in range(100):
        asked = searcher.ask(SPACE, Random(number), ())
        sums.append(float(sum(int(label) for _, label in asked.answers)))
        searcher.tell(asked, sums[-1])

    assert max(sums) == 16


def found_volume(searcher: Searcher, seed: int) -> float:
    """Of a front between twos early on and twos late."""
    points = list[tuple[float, ...]]()
    for number in range(120):
        asked = searcher.ask(SPACE, Random(f"{seed}/{number}"), ())
        labels = [float(label) for _, label in asked.answers]
        early, late = (sum(labels[at] * labels[at + 1] for at in range(start, 7, 2)) for start in (0, 1))
        points.append(Score((early - late / 3, late - early / 3)).values)
        searcher.tell(asked, points[-1])
    return hypervolume(points, (-10.0, -10.0))


def test_a_larger_hypervolume_is_found_than_by_random_search() -> None:
    gains = [found_volume(NSGA2(), seed) - found_volume(RandomSearch(), seed) for seed in range(8)]

    assert sum(gain > 0 for gain in gains) >= 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population": 1}, "nsga2's population must be an integer of at least 2; got 1"),
        ({"offspring": 0}, "nsga2's offspring must be an integer of at least 1; got 0"),
        ({"crossover": 1.5}, "nsga2's crossover must be a number from 0 to 1; got 1.5"),
        ({"mutation": float("nan")}, "nsga2's mutation must be a number from 0 to 1; got nan"),
        ({"mutation": True}, "nsga2's mutation must be a number from 0 to 1; got True"),
    ],
)
def test_options_are_checked(options: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        NSGA2(**options)
