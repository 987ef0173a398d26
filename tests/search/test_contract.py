"""Every searcher keeps the contract, also with options other than its defaults."""

from collections.abc import Callable
from functools import partial

import pytest

from archsmith.search.evolution import RegularizedEvolution
from archsmith.search.searchers import SEARCHERS, make_searcher
from tests.contracts.searcher import CLAUSES, Make

MAKES: dict[str, Make] = {
    **{name: partial(make_searcher, name, {}) for name in SEARCHERS},
    # evolves from the third trial on, so that short studies test its children too
    "small evolution": lambda: RegularizedEvolution(population=2, tournament=2),
}


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
@pytest.mark.parametrize("name", MAKES)
def test_a_searcher(name: str, clause: Callable[[Make], None]) -> None:
    clause(MAKES[name])
