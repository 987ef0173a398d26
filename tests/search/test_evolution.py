"""Regularized evolution as the paper has it: a random start, tournaments, and death of old age."""

from collections import Counter
from random import Random
from typing import Any

import pytest

from archsmith.graph.errors import UserError
from archsmith.search.evolution import RegularizedEvolution
from archsmith.search.random import RandomSearch
from archsmith.spaces.decisions import Trace
from tests.search.questions import Questions

SPACE = Questions(8, 3)


def trace(*labels: int) -> Trace:
    return Trace(tuple((f"d{place}", label) for place, label in enumerate(labels)))


ZEROS, ONES, TWOS = trace(*[0] * 8), trace(*[1] * 8), trace(*[2] * 8)
NAMED = {"zeros": ZEROS, "ones": ONES, "twos": TWOS}


def changes(one: Trace, other: Trace) -> int:
    return sum(a != b for a, b in zip(one.answers, other.answers, strict=True))


def children(searcher: RegularizedEvolution, count: int = 40) -> list[Trace]:
    return [searcher.ask(SPACE, Random(seed), ()) for seed in range(count)]


def pair() -> RegularizedEvolution:
    """A population of two that are as good as each other."""
    evolution = RegularizedEvolution(population=2, tournament=2)
    evolution.tell(ZEROS, 0.5)
    evolution.tell(ONES, 0.5)
    return evolution


def is_of_the_pair(child: Trace) -> bool:
    return min(changes(ZEROS, child), changes(ONES, child)) == 1


def test_the_first_proposals_are_those_of_random_search() -> None:
    evolution, baseline = RegularizedEvolution(population=4, tournament=2), RandomSearch()
    for number in range(4):
        proposed = evolution.ask(SPACE, Random(number), ())

        assert proposed == baseline.ask(SPACE, Random(number), ())
        evolution.tell(proposed, 0.5)
        baseline.tell(proposed, 0.5)


def test_proposals_in_flight_count_as_the_start_of_the_population() -> None:
    evolution = RegularizedEvolution(population=3, tournament=3)
    evolution.tell(ZEROS, 1.0)
    still_starting = evolution.ask(SPACE, Random(0), (ONES,))
    evolving = evolution.ask(SPACE, Random(0), (ONES, TWOS))

    assert changes(ZEROS, still_starting) > 1
    assert changes(ZEROS, evolving) == 1


def test_parallel_asks_before_any_value_are_random_and_differ() -> None:
    evolution, pending = RegularizedEvolution(population=2, tournament=1), list[Trace]()
    for number in range(6):
        pending.append(evolution.ask(SPACE, Random(number), tuple(pending)))

    assert len(set(pending)) == 6


def test_a_child_is_one_mutation_of_the_best_that_was_drawn() -> None:
    evolution = RegularizedEvolution(population=2, tournament=2)
    evolution.tell(ZEROS, 0.1)
    evolution.tell(TWOS, 0.9)
    parents = ["twos" if changes(TWOS, child) == 1 else "zeros" for child in children(evolution, 400)]

    assert all(min(changes(TWOS, child), changes(ZEROS, child)) == 1 for child in children(evolution))
    # Two draws with replacement miss the better of two members with probability 1/4.
    assert 0.70 < parents.count("twos") / 400 < 0.80


def test_the_oldest_member_dies_however_good_it_was() -> None:
    evolution = RegularizedEvolution(population=2, tournament=2)
    for told, value in ((ZEROS, 1.0), (ONES, 0.0), (TWOS, 0.1)):
        evolution.tell(told, value)

    assert all(changes(ZEROS, child) > 1 for child in children(evolution))


def test_a_failed_trial_is_no_member_and_ages_nobody() -> None:
    evolution = pair()
    for last in (0, 1, 2):
        evolution.tell(trace(*[2] * 7, last), None)

    assert all(is_of_the_pair(child) for child in children(evolution))


def test_a_child_that_is_known_is_drawn_again() -> None:
    evolution, pending = pair(), list[Trace]()
    for number in range(32):
        pending.append(evolution.ask(SPACE, Random(number), tuple(pending)))

    assert len(set(pending)) == 32


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_what_is_not_finite_never_is_a_member(value: float | None) -> None:
    evolution = pair()
    evolution.tell(TWOS, value)

    assert all(is_of_the_pair(child) for child in children(evolution))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population": 1}, "population must be an integer of at least 2; got 1"),
        ({"population": 2.5}, "population must be an integer of at least 2; got 2.5"),
        ({"population": True}, "population must be an integer of at least 2; got True"),
        ({"tournament": 0}, "tournament must be an integer from 1 to 16; got 0"),
        ({"population": 4, "tournament": 5}, "tournament must be an integer from 1 to 4; got 5"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        RegularizedEvolution(**options)


def test_a_population_larger_than_any_study_is_filled_at_random() -> None:
    evolution = RegularizedEvolution(population=10**30)
    evolution.tell(ZEROS, 1.0)

    assert evolution.ask(SPACE, Random(1), ()) == RandomSearch().ask(SPACE, Random(1), ())


def test_what_is_told_anew_takes_the_place_of_the_old_and_does_not_become_younger() -> None:
    evolution = pair()
    evolution.tell(ZEROS, 0.9)
    parents = ["zeros" if changes(ZEROS, child) == 1 else "ones" for child in children(evolution, 200)]
    evolution.tell(TWOS, 0.1)

    # Two draws with replacement miss the better of two members with probability 1/4.
    assert 0.65 < parents.count("zeros") / 200 < 0.85
    assert all(changes(ZEROS, child) > 1 for child in children(evolution))


def test_a_member_that_fails_when_it_is_trained_for_longer_is_none_any_more() -> None:
    evolution = pair()
    evolution.tell(TWOS, 0.5)
    evolution.tell(TWOS, None)

    assert all(is_of_the_pair(child) for child in children(evolution))


def test_of_several_objectives_any_parent_is_taken_that_no_other_dominates() -> None:
    evolution = RegularizedEvolution(population=3, tournament=3)
    for told, values in ((ZEROS, (1.0, 0.0)), (ONES, (0.0, 1.0)), (TWOS, (0.0, 0.5))):
        evolution.tell(told, values)
    parents = Counter(
        next(name for name in ("zeros", "ones", "twos") if changes(NAMED[name], child) == 1)
        for child in children(evolution, 300)
    )

    # It is only a parent where it was drawn three times, once in 27, or beside nothing but the first.
    assert parents["twos"] < parents["ones"] / 2
    assert parents["twos"] < parents["zeros"] / 2
    assert min(parents["zeros"], parents["ones"]) > 90


def test_what_breaks_constraints_less_is_preferred() -> None:
    evolution = RegularizedEvolution(population=2, tournament=2)
    evolution.tell(ZEROS, (9.0, 9.0), violation=1.0)
    evolution.tell(ONES, (0.0, 0.0), violation=0.5)
    parents = [changes(ONES, child) == 1 for child in children(evolution, 200)]

    assert 0.65 < sum(parents) / 200 < 0.85
