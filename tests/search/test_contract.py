"""Every searcher keeps the contract, also with options other than its defaults."""

from collections.abc import Callable, Mapping
from functools import partial

import pytest

from archsmith.search.evolution import RegularizedEvolution
from archsmith.search.local import LocalSearch
from archsmith.search.nsga2 import NSGA2
from archsmith.search.population import MuPlusLambda
from archsmith.search.searchers import SEARCHERS, make_searcher
from tests.contracts.searcher import CLAUSES, DRAWING, LEARNING, SEVERAL_OBJECTIVES, SINGLE_OBJECTIVE, Make

MAKES: Mapping[str, Make] = {
    **{name: partial(make_searcher, name, {}) for name in SEARCHERS},
    # the small ones learn from the third trial on, so that short studies test their children too
    "small evolution": lambda: RegularizedEvolution(population=2, tournament=2),
    "small nsga2": lambda: NSGA2(population=3),
    "nsga2 in generations": lambda: NSGA2(population=12, offspring=12),
    "small population": lambda: MuPlusLambda(mu=4, lam=3, crossover=0.5),
    "hasty local": lambda: LocalSearch(initial=1),
}
SEVERAL = frozenset({"evolution", "nsga2", "nsga2 in generations", "optuna", "small evolution", "small nsga2"})
"""Those that look for a front."""
BLIND = frozenset({"exhaustive", "random", "small evolution"})
"""Those that look at no value, and one with too few members to learn much."""

Clause = Callable[[Make], None]


def word(given: object) -> str:
    return getattr(given, "__name__", str(given))


@pytest.mark.parametrize("clause", CLAUSES, ids=word)
@pytest.mark.parametrize("name", MAKES)
def test_a_searcher(name: str, clause: Clause) -> None:
    clause(MAKES[name])


@pytest.mark.parametrize("clause", DRAWING, ids=word)
@pytest.mark.parametrize("name", sorted(MAKES.keys() - {"exhaustive"}))
def test_a_searcher_that_draws(name: str, clause: Clause) -> None:
    clause(MAKES[name])


@pytest.mark.parametrize("clause", LEARNING, ids=word)
@pytest.mark.parametrize("name", sorted(MAKES.keys() - BLIND))
def test_a_searcher_that_learns(name: str, clause: Clause) -> None:
    clause(MAKES[name])


@pytest.mark.parametrize("clause", SINGLE_OBJECTIVE, ids=word)
@pytest.mark.parametrize("name", sorted(MAKES.keys() - SEVERAL))
def test_a_searcher_for_one_objective(name: str, clause: Clause) -> None:
    clause(MAKES[name])


@pytest.mark.parametrize("clause", SEVERAL_OBJECTIVES, ids=word)
@pytest.mark.parametrize("name", sorted(MAKES.keys() & SEVERAL))
def test_a_searcher_for_several_objectives(name: str, clause: Clause) -> None:
    clause(MAKES[name])
