"""Every oracle keeps the contract, and so does one whose compiler is wrong, so that there are failures to look at."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import pytest

from archsmith.fuzz.case import Case
from archsmith.fuzz.oracles import ORACLES
from archsmith.fuzz.oracles.protocol import Oracle
from archsmith.graph.ops import DECLARED
from tests.contracts.oracle import CLAUSES
from tests.fuzz.faults import chain, nudged, oracle, spoiling

CASE = chain(2, 3)  # one operator: the C++ compiler is asked once

MAKES: Mapping[str, Callable[[], Oracle]] = MappingProxyType(
    {name: partial(construct, DECLARED, lambda filter: None) for name, construct in ORACLES.items()}
    | {"wrong value": lambda: oracle(spoiling(nudged)), "wrong dtype": lambda: oracle(spoiling(lambda x: x.double()))}
)


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
@pytest.mark.parametrize("name", MAKES)
def test_an_oracle(name: str, clause: Callable[[Oracle, Case], None]) -> None:
    clause(MAKES[name](), CASE)


@pytest.mark.parametrize("name", ORACLES)
def test_an_oracle_finds_nothing_wrong_with_a_healthy_case(name: str) -> None:
    assert MAKES[name]().check(CASE) is None
