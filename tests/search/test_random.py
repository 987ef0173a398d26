"""Random search, over decisions and over architectures."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from archsmith.graph.errors import UserError
from archsmith.search.random import RandomSearch
from archsmith.spaces.decisions import Trace
from archsmith.spaces.nodes import any_of, chain, choose, op, repeat
from archsmith.spaces.space import TreeSpace, search_space
from tests.contracts.searcher import (
    DRAWING,
    Make,
    asking_changes_nothing,
    asks_the_same_given_the_same_tells_and_randomness,
    finds_the_one_architecture_among_dead_ends,
    never_proposes_a_dead_end,
    proposes_the_only_architecture_again,
    resumes_by_being_told_its_history,
    says_that_a_space_is_infeasible,
)
from tests.search.small_spaces import COMMUTING, SINGLE, TREELESS, TWINS, WEIGHTED, size

LOPSIDED = search_space(
    any_of(plain=op("relu"), deep=repeat(op("linear", out=choose(2, 3, 4)), choose(1, 2))), input=(3,)
)
"""One trace behind the one branch, twelve behind the other."""


def branches(searcher: RandomSearch) -> Counter[object]:
    return Counter(searcher.ask(LOPSIDED, Random(seed), ()).as_dict()["any_of"] for seed in range(600))


def test_over_decisions_every_option_is_as_likely() -> None:
    assert 250 < branches(RandomSearch())["plain"] < 350


def test_over_architectures_every_trace_is_as_likely() -> None:
    assert 25 < branches(RandomSearch(over="architectures"))["plain"] < 75


def test_weights_count_over_decisions_alone() -> None:
    decisions, uniform = (
        Counter(searcher.ask(WEIGHTED, Random(seed), ()).as_dict()["0/linear.out"] for seed in range(300))
        for searcher in (RandomSearch(), RandomSearch(over="architectures"))
    )

    assert decisions[4] == 0
    assert decisions[2] > 270
    assert 70 < min(uniform.values()) <= max(uniform.values()) < 130


@pytest.mark.parametrize("space", [TWINS, COMMUTING, WEIGHTED], ids=["twins", "commuting", "weighted"])
def test_no_architecture_comes_twice(space: TreeSpace) -> None:
    searcher, known = RandomSearch(over="architectures"), list[Trace]()
    for number in range(size(space)):
        known.append(searcher.ask(space, Random(number), known[number // 2 :]))
        if number % 2:
            searcher.tell(known[number // 2], 0.5)

    assert len({space.identity(trace) for trace in known}) == size(space)


@pytest.mark.parametrize(
    "clause",
    [
        *DRAWING,
        asking_changes_nothing,
        asks_the_same_given_the_same_tells_and_randomness,
        finds_the_one_architecture_among_dead_ends,
        never_proposes_a_dead_end,
        proposes_the_only_architecture_again,
        resumes_by_being_told_its_history,
        says_that_a_space_is_infeasible,
    ],
    ids=lambda clause: clause.__name__,
)
def test_over_architectures_the_contract_holds_on_spaces_that_can_be_counted(clause: Callable[[Make], None]) -> None:
    clause(lambda: RandomSearch(over="architectures"))


def test_a_space_that_cannot_be_counted_is_refused_with_what_to_do() -> None:
    with pytest.raises(UserError, match=r"only a space made by search_space can be counted.*over='decisions'"):
        RandomSearch(over="architectures").ask(TREELESS, Random(0), ())


def test_too_many_costs_to_be_counted_are_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archsmith.spaces.counting.PLACES", 10)
    layers = [op("linear", out=choose(*range(2, 9))) for _ in range(4)]
    space = search_space(chain(*layers), input=(3,), require=["parameters <= 90", "macs >= 20"])

    with pytest.raises(UserError, match=r"too many different costs to count.*over='decisions'"):
        RandomSearch(over="architectures").ask(space, Random(0), ())


def test_the_space_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searcher = RandomSearch(over="architectures")
    searcher.ask(SINGLE, Random(0), ())
    monkeypatch.setattr("archsmith.search.random.uniform_draw", None)

    assert searcher.ask(SINGLE, Random(1), ()) == Trace()


def test_options_are_checked() -> None:
    with pytest.raises(UserError, match="random search's over must be decisions or architectures; got 'leaves'"):
        RandomSearch(over="leaves")
