"""(mu+lambda) evolution: the best live on, however old, and parents change from generation to generation."""

from random import Random

import pytest

from archsmith.graph.errors import UserError
from archsmith.search.population import MuPlusLambda
from tests.search.test_nsga2 import MIXED, ONES, SPACE, TWOS, ZEROS, apart, children, parents, told


def test_the_best_of_all_generations_are_parents_however_old() -> None:
    searcher = told(MuPlusLambda(mu=1, lam=1), (TWOS, 9.0), (ONES, 1.0), (ZEROS, 2.0), (MIXED, 3.0))

    assert parents(searcher, ZEROS, ONES, TWOS, MIXED) == {2}


def test_every_parent_is_as_likely() -> None:
    searcher = told(MuPlusLambda(mu=2, lam=1, crossover=0.0), (ZEROS, 9.0), (ONES, 1.0))
    first = [apart(ZEROS, child) == 1 for child in children(searcher, 400)]

    assert 0.42 < sum(first) / 400 < 0.58


def test_parents_change_once_a_generation_is_full_failures_included() -> None:
    searcher = told(MuPlusLambda(mu=1, lam=2), (ZEROS, 1.0), (ONES, 2.0))
    before = parents(searcher, ZEROS, ONES)
    searcher.tell(TWOS, None)

    assert before == {0}
    assert parents(searcher, ZEROS, ONES) == {1}


def test_failures_do_not_count_as_the_first_parents() -> None:
    searcher = told(MuPlusLambda(mu=2, lam=1), (ZEROS, 1.0), (ONES, None), (TWOS, None))

    assert any(apart(ZEROS, child) > 1 for child in children(searcher))


def test_what_meets_the_constraints_is_better() -> None:
    searcher = MuPlusLambda(mu=1, lam=1)
    searcher.tell(ZEROS, 9.0, violation=0.5)
    searcher.tell(ONES, 0.0)

    assert parents(searcher, ZEROS, ONES) == {1}


def test_a_crossover_has_answers_of_both_parents_and_no_others() -> None:
    searcher = told(MuPlusLambda(mu=2, lam=1, crossover=1.0), (ZEROS, 1.0), (ONES, 1.0))

    assert all({label for _, label in child.answers} == {0, 1} for child in children(searcher))


def test_a_newer_value_makes_a_parent_or_unmakes_one() -> None:
    searcher = told(MuPlusLambda(mu=1, lam=1), (ZEROS, 1.0), (ONES, 2.0), (TWOS, 3.0))
    searcher.tell(TWOS, 0.0)
    before = parents(searcher, ZEROS, ONES, TWOS)
    searcher.tell(ZEROS, 9.0)

    assert before == {1}
    assert parents(searcher, ZEROS, ONES, TWOS) == {0}


def test_the_first_parents_are_drawn_at_random() -> None:
    searcher = told(MuPlusLambda(mu=3, lam=1), (ZEROS, 1.0), (ONES, 1.0))

    assert apart(ZEROS, searcher.ask(SPACE, Random(1), ())) > 1
    assert min(apart(ZEROS, searcher.ask(SPACE, Random(1), (TWOS,))), 1) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mu": 0}, "mu-plus-lambda's mu must be an integer of at least 1; got 0"),
        ({"lam": 0.5}, "mu-plus-lambda's lam must be an integer of at least 1; got 0.5"),
        ({"crossover": -0.1}, "mu-plus-lambda's crossover must be a number from 0 to 1; got -0.1"),
    ],
)
def test_options_are_checked(options: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        MuPlusLambda(**options)
