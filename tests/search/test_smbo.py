"""SMBO: what it proposes and what it is worth, whatever the unit, the surrogate and the number of trials."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from random import Random
from statistics import mean

import pytest

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.search.history import Told, scored
from archsmith.search.random import RandomSearch
from archsmith.search.searcher import Searcher
from archsmith.search.smbo import MOST, SMBO, SURROGATES, Surrogate, fitted
from archsmith.search.surrogates.encodings import Answers, Networks, paths
from archsmith.search.surrogates.ensemble import Ensemble
from archsmith.search.surrogates.forest import Forest
from archsmith.spaces.decisions import Decision, Steps, Trace
from archsmith.spaces.nodes import chain, choose, op
from archsmith.spaces.proposals import draw_trace
from archsmith.spaces.space import search_space
from tests.contracts.searcher import CLAUSES, Make
from tests.search.questions import GRAPH

WIDTHS = tuple(choose(*range(2, 10)) for _ in range(4))
SPACE = search_space(chain(*(op("linear", out=width) for width in WIDTHS)), input=(3,))


@dataclass(frozen=True)
class Shifting:
    """The options of the second and third decision begin where the first says."""

    def walk(self) -> Steps[Graph]:
        first = int((yield Decision("first", (2, 3, 4, 5, 6), ordered=True)))
        for name in ("second", "third"):
            yield Decision(name, tuple(range(first, 2 * first + 3)), ordered=True)
        return GRAPH

    def text(self) -> str:
        return "shifting"


SHIFTING = Shifting()
MAKES: dict[str, Make] = {
    "pairs": partial(SMBO, initial=3),
    "thompson": partial(SMBO, initial=3, acquisition="thompson"),
    "ridge": partial(SMBO, surrogate="ridge", initial=3, candidates=8),
    "wl": partial(SMBO, surrogate="wl", acquisition="ei", initial=3, candidates=8),
    "forest": lambda: SMBO(surrogate=Surrogate(Answers(), Forest(4), 30, "ucb", 2.0), initial=3),
    "bananas": lambda: SMBO(surrogate=Surrogate(Networks(paths), Ensemble(2, 4, 5), 8, "thompson", 3.0), initial=3),
}


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
@pytest.mark.parametrize("name", MAKES)
def test_smbo_keeps_the_contract(name: str, clause: Callable[[Make], None]) -> None:
    clause(MAKES[name])


def value(trace: Trace) -> float:
    """Best where every width is 7; two neighbours that differ much cost more."""
    widths = [int(width) for _, width in trace.answers]
    jumps = sum(abs(a - b) for a, b in pairwise(widths))
    return -float(sum((width - 7) ** 2 for width in widths)) - 0.5 * jumps


def best(make: Callable[[], Searcher], seed: int, trials: int = 30) -> float:
    searcher, values = make(), list[float]()
    for number in range(trials):
        trace = searcher.ask(SPACE, Random(f"{seed}/{number}"), ())
        values.append(value(trace))
        searcher.tell(trace, values[-1])
    return max(values)


@pytest.mark.parametrize("name", SURROGATES)
def test_every_surrogate_finds_better_architectures_than_random_search(name: str) -> None:
    make = partial(SMBO, surrogate=name, candidates=20)
    gains = [best(make, seed) - best(RandomSearch, seed) for seed in range(4)]

    assert mean(gains) > 1


def test_a_value_of_any_unit_is_as_good() -> None:
    plain, scaled = SMBO(), SMBO()
    for number in range(25):
        trace = plain.ask(SPACE, Random(number), ())

        assert scaled.ask(SPACE, Random(number), ()) == trace
        plain.tell(trace, value(trace))
        scaled.tell(trace, 1024 * value(trace) - 4096)


def test_options_that_change_from_walk_to_walk_leave_no_trace_in_a_later_proposal() -> None:
    """What an encoding takes for the options of a decision must not depend on candidates of earlier asks."""
    asked, fresh = SMBO(initial=4, candidates=30), SMBO(initial=4, candidates=30)
    for number in range(12):
        for other in range(3):
            asked.ask(SHIFTING, Random(f"{number}/{other}"), ())
        trace = fresh.ask(SHIFTING, Random(number), ())

        assert asked.ask(SHIFTING, Random(number), ()) == trace
        asked.tell(trace, score(trace))
        fresh.tell(trace, score(trace))


def score(trace: Trace) -> float:
    return Random(repr(sorted(trace.answers))).random()


def test_pending_proposals_move_the_next_one_elsewhere() -> None:
    searcher = SMBO(acquisition="ucb")
    for number in range(20):
        trace = searcher.ask(SPACE, Random(number), ())
        searcher.tell(trace, value(trace))
    pending: list[Trace] = []
    for _ in range(4):
        pending.append(searcher.ask(SPACE, Random(99), tuple(pending)))

    assert len(set(pending)) == 4


def test_of_many_trials_the_best_and_the_latest_are_fitted() -> None:
    trials = [Told(Trace((("d", number),)), scored(float(-number))) for number in range(3 * MOST)]
    chosen = fitted(trials)

    assert chosen == [*trials[: MOST // 2], *trials[-MOST // 2 :]]


def test_many_trials_are_resumed_as_they_were() -> None:
    told = {draw_trace(SPACE, Random(seed)): None for seed in range(700)}
    first, second = SMBO(), SMBO()
    for trace in told:
        first.tell(trace, value(trace))
    for number in (1, 2):
        first.ask(SPACE, Random(number), ())
    for trace in told:
        second.tell(trace, value(trace))

    assert first.ask(SPACE, Random(3), ()) == second.ask(SPACE, Random(3), ())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"surrogate": "oracle"}, "smbo's surrogate must be pairs or ridge or .*; got 'oracle'"),
        ({"acquisition": "luck"}, "smbo's acquisition must be ucb or thompson or ei or mean; got 'luck'"),
        ({"candidates": 1}, "smbo's candidates must be an integer of at least 2; got 1"),
        ({"initial": 0}, "smbo's initial must be an integer of at least 2; got 0"),
        ({"epsilon": 1.5}, "smbo's epsilon must be a number from 0 to 1; got 1.5"),
    ],
)
def test_options_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        SMBO(**options)  # type: ignore[arg-type]


def test_every_proposal_is_random_where_epsilon_says_so() -> None:
    searcher, plain = SMBO(epsilon=1.0), RandomSearch()
    for number in range(12):
        trace = draw_trace(SPACE, Random(number))
        searcher.tell(trace, value(trace))
        plain.tell(trace, value(trace))

    drawn = Random(5)
    drawn.random()  # whether this one is a random one

    assert searcher.ask(SPACE, Random(5), ()) == plain.ask(SPACE, drawn, ())
