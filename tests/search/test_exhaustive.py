"""Exhaustive search: every architecture once, in order, at the cost of one walk through the space."""

from random import Random

import pytest

from archsmith.search.exhaustive import ExhaustiveSearch
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.enumeration import architectures
from tests.search.questions import Questions
from tests.search.small_spaces import CONDITIONAL, SMALL, TWINS, Counted, size

SPACE = Questions(3, 3)


def asked(space: Space, count: int) -> list[Trace]:
    searcher, traces = ExhaustiveSearch(), list[Trace]()
    for number in range(count):
        traces.append(searcher.ask(space, Random(number), ()))
        searcher.tell(traces[-1], None)
    return traces


def test_first_options_come_first_and_the_last_decision_changes_fastest() -> None:
    labels = [tuple(label for _, label in trace.answers) for trace in asked(SPACE, 5)]

    assert labels == [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 0), (0, 1, 1)]


@pytest.mark.parametrize("space", SMALL.values(), ids=SMALL)
def test_every_architecture_comes_once(space: Space) -> None:
    searcher = ExhaustiveSearch()
    every = asked(space, size(space))
    for trace in every:
        searcher.tell(trace, 0.0)

    assert len(set(every)) == size(space)
    assert searcher.ask(space, Random(0), ()) in {found.trace for found in architectures(space)}


def test_what_is_pending_is_passed_over_and_comes_again_if_it_was_lost() -> None:
    searcher, order = ExhaustiveSearch(), asked(SPACE, 5)
    searcher.tell(order[0], 1.0)

    assert searcher.ask(SPACE, Random(0), (order[1], order[3])) == order[2]
    assert searcher.ask(SPACE, Random(0), order[1:4]) == order[4]
    assert searcher.ask(SPACE, Random(0), ()) == order[1]


def test_what_others_have_asked_is_passed_over() -> None:
    searcher, order = ExhaustiveSearch(), asked(SPACE, 8)
    for trace in (order[1], order[0], order[6]):
        searcher.tell(trace, 1.0)

    assert searcher.ask(SPACE, Random(0), ()) == order[2]


def test_a_twin_of_what_was_told_is_passed_over() -> None:
    searcher = ExhaustiveSearch()
    first = searcher.ask(TWINS, Random(0), ())
    twin = next(
        found.trace
        for found in architectures(TWINS)
        if found.trace != first and TWINS.identity(found.trace) == TWINS.identity(first)
    )
    searcher.tell(twin, 1.0)

    assert TWINS.identity(searcher.ask(TWINS, Random(0), ())) != TWINS.identity(first)


def test_the_whole_space_is_walked_once() -> None:
    counted = Counted(CONDITIONAL)
    count = size(CONDITIONAL)

    assert len(set(asked(counted, count))) == count
    assert counted.built <= 2 * count + 2  # a walk, and the identity of what it found
