"""Local search: neighbours of the centre, moves to what is better, and a random start where nothing is."""

from random import Random

import pytest

from archsmith.graph.errors import UserError
from archsmith.search.local import LocalSearch
from archsmith.search.searcher import Searcher
from archsmith.spaces.decisions import Trace
from archsmith.spaces.proposals import neighbour_traces
from tests.search.questions import Questions
from tests.search.small_spaces import TWINS
from tests.search.test_nsga2 import MIXED, ONES, SPACE, TWOS, ZEROS, apart, told, trace

TINY = Questions(3, 3)
"""Every architecture has six neighbours."""
HERE, THERE = trace(0, 0, 0), trace(2, 2, 2)


def climb(searcher: Searcher, steps: int, value: float) -> list[Trace]:
    """What is proposed while everything gets the same value."""
    asked = list[Trace]()
    for number in range(steps):
        asked.append(searcher.ask(TINY, Random(number), ()))
        searcher.tell(asked[-1], value)
    return asked


def test_the_first_centre_is_the_best_of_some_random_ones() -> None:
    searcher = told(LocalSearch(initial=3), (ZEROS, 1.0), (ONES, 2.0))
    still_random = searcher.ask(SPACE, Random(0), ())
    searcher.tell(TWOS, 0.0)

    assert apart(ONES, still_random) > 1
    assert all(apart(ONES, searcher.ask(SPACE, Random(seed), ())) == 1 for seed in range(20))


def test_all_neighbours_of_a_local_optimum_are_asked_once_and_then_a_random_one() -> None:
    searcher = told(LocalSearch(initial=1), (HERE, 1.0))
    asked = climb(searcher, 7, 0.0)

    assert set(asked[:6]) == set(neighbour_traces(TINY, HERE))
    assert apart(HERE, asked[6]) > 1


def test_the_random_one_is_the_next_centre_however_bad() -> None:
    searcher = told(LocalSearch(initial=1), (HERE, 1.0))
    climb(searcher, 6, 0.0)
    searcher.tell(THERE, -1.0)

    assert all(apart(THERE, searcher.ask(TINY, Random(seed), ())) == 1 for seed in range(20))


def test_a_better_neighbour_is_moved_to_at_once() -> None:
    searcher = told(LocalSearch(initial=1), (HERE, 1.0), (trace(0, 0, 1), 2.0))
    asked = {searcher.ask(TINY, Random(seed), ()) for seed in range(40)}

    assert asked == set(neighbour_traces(TINY, trace(0, 0, 1))) - {HERE}


def test_an_equal_neighbour_is_none_to_move_to() -> None:
    searcher = told(LocalSearch(initial=1), (HERE, 1.0), (trace(0, 0, 1), 1.0))

    assert all(apart(HERE, searcher.ask(TINY, Random(seed), ())) == 1 for seed in range(20))


def test_what_was_pending_is_moved_to_if_it_is_better() -> None:
    """A neighbour of the centre before."""
    searcher = told(LocalSearch(initial=1), (HERE, 1.0), (trace(0, 0, 1), 2.0), (trace(0, 2, 0), 3.0))

    assert all(apart(trace(0, 2, 0), searcher.ask(TINY, Random(seed), ())) == 1 for seed in range(20))


def test_pending_neighbours_are_not_asked_again() -> None:
    searcher = told(LocalSearch(initial=1), (HERE, 1.0))
    pending = list[Trace]()
    for number in range(8):
        pending.append(searcher.ask(TINY, Random(number), tuple(pending)))

    assert set(pending[:6]) == set(neighbour_traces(TINY, HERE))
    assert all(apart(HERE, asked) > 1 for asked in pending[6:])


def test_a_random_start_that_was_told_before_the_last_neighbour_is_not_lost() -> None:
    searcher = told(LocalSearch(initial=1), (HERE, 1.0))
    for asked in neighbour_traces(TINY, HERE)[:5]:
        searcher.tell(asked, 0.0)
    searcher.tell(THERE, 0.5)
    searcher.tell(neighbour_traces(TINY, HERE)[5], 0.0)

    assert all(apart(THERE, searcher.ask(TINY, Random(seed), ())) == 1 for seed in range(20))


def test_neighbours_that_are_one_architecture_are_one_neighbour() -> None:
    """The search goes on from a random trace although some neighbours never were asked by that name."""
    searcher = LocalSearch(initial=1)
    start = TWINS.draw(Random(3))
    searcher.tell(start, 1.0)
    near = {TWINS.identity(other) for other in neighbour_traces(TWINS, start)} - {TWINS.identity(start)}
    asked = []
    for number in range(len(near) + 2):
        asked.append(searcher.ask(TWINS, Random(number), ()))
        searcher.tell(asked[-1], 0.0)

    assert {TWINS.identity(trace) for trace in asked[: len(near)]} == near
    assert TWINS.identity(asked[-1]) not in near


def test_a_failed_neighbour_is_no_better() -> None:
    searcher = told(LocalSearch(initial=1), (HERE, -1.0), (trace(0, 0, 1), None), (trace(1, 0, 0), None))

    assert all(apart(HERE, searcher.ask(TINY, Random(seed), ())) == 1 for seed in range(20))


def test_a_newer_value_may_move_the_centre_back() -> None:
    searcher = told(LocalSearch(initial=1), (HERE, 1.0), (THERE, 2.0))
    searcher.ask(TINY, Random(0), ())
    searcher.tell(THERE, 0.0)

    assert all(apart(HERE, searcher.ask(TINY, Random(seed), ())) == 1 for seed in range(20))


def test_what_meets_the_constraints_is_better() -> None:
    searcher = LocalSearch(initial=1)
    searcher.tell(ZEROS, 9.0, violation=1.0)
    searcher.tell(MIXED, 0.0)

    assert apart(MIXED, searcher.ask(SPACE, Random(0), ())) == 1


def test_options_are_checked() -> None:
    with pytest.raises(UserError, match="local search's initial must be an integer of at least 1; got 0"):
        LocalSearch(initial=0)
