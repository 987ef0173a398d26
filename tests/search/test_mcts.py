"""Monte Carlo tree search: the contract with every kind of options, and what its parts are for."""

from collections.abc import Callable, Mapping
from functools import partial
from math import exp
from random import Random
from statistics import mean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.search.mcts import MCTS
from archsmith.search.random import RandomSearch
from archsmith.search.searcher import Searcher
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.nodes import any_of, chain, choose, op
from archsmith.spaces.proposals import identity_of
from archsmith.spaces.space import search_space
from tests.contracts.searcher import CLAUSES, Make
from tests.search.questions import Questions
from tests.search.small_spaces import Counted
from tests.search.test_searchers import objective

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "plain UCT": {"rollouts": "uniform", "backup": "mean"},
    "bisection": {"bisect": True, "start": 2},
    "widening": {"widening": (1.0, 0.5), "start": 1},
    "all but guides": {"rollouts": "uniform", "backup": "best", "bisect": True, "widening": (1, 0.3)},
}
SPACE = Questions(count=12, options=4)


def proposals(
    searcher: Searcher, space: Space, trials: int, value: Callable[[Trace], float], *, seed: int = 0
) -> list[Trace]:
    found: list[Trace] = []
    for number in range(trials):
        found.append(searcher.ask(space, Random(f"{seed}/{number}"), ()))
        searcher.tell(found[-1], value(found[-1]))
    return found


NINE = Questions(count=2, options=3)
TELLS = st.lists(st.tuples(st.integers(0, 8), st.none() | st.integers(0, 4), st.booleans()), max_size=30)
"""Which trace of ``NINE`` is told, of what value, and whether the searcher is asked afterwards."""


def ninth(number: int) -> Trace:
    return Trace((("d0", number // 3), ("d1", number % 3)))


def simple(trace: Trace) -> float:
    return sum((place + 1) * int(label) for place, (_, label) in enumerate(trace.answers)) / 100


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
@pytest.mark.parametrize("name", OPTIONS)
def test_it_keeps_the_contract_with(name: str, clause: Callable[[Make], None]) -> None:
    clause(partial(MCTS, **OPTIONS[name]))


def best(make: Make, seed: int) -> float:
    value = partial(objective, seed=seed)
    return max(map(value, proposals(make(), SPACE, 120, value, seed=seed)))


def test_it_finds_better_architectures_than_random_search_and_than_uniform_rollouts() -> None:
    uniform = partial(MCTS, rollouts="uniform", backup="mean")
    guided, plain, drawn = ([best(make, seed) for seed in range(3)] for make in (MCTS, uniform, RandomSearch))

    assert all(ours > theirs for ours, theirs in zip(guided, drawn, strict=True))
    assert mean(guided) > mean(plain) + 0.01


@pytest.mark.parametrize("name", OPTIONS)
def test_only_the_order_of_values_counts(name: str) -> None:
    make = partial(MCTS, **OPTIONS[name])

    def steep(trace: Trace) -> float:
        return -exp(16 - 9 * simple(trace))

    assert proposals(make(), SPACE, 30, steep) == proposals(make(), SPACE, 30, simple)


def test_pending_trials_are_spread_over_the_branches_of_the_root() -> None:
    space = Questions(count=6, options=4)
    searcher = MCTS(rollouts="uniform", exploration=1.0)
    searcher.tell(Trace(tuple((f"d{place}", 0) for place in range(6))), 1.0)
    pending: list[Trace] = []
    for number in range(7):
        pending.append(searcher.ask(space, Random(number), tuple(pending)))
    taken = [trace.answers[0][1] for trace in pending]

    assert set(taken[:3]) == {1, 2, 3}
    assert set(taken[3:]) == {0, 1, 2, 3}


def test_an_architecture_that_another_trace_leads_to_is_not_measured_again() -> None:
    part = any_of(op("relu"), chain(op("relu"), op("relu")), op("tanh"))
    space = search_space(chain(op("linear", out=choose(2, 3, 4)), part, op("linear", out=2)), input=(3,))
    identities = [identity_of(space, trace) for trace in proposals(MCTS(start=2), space, 6, lambda _: 1.0)]

    assert len(set(identities)) == 6


@given(TELLS, st.sampled_from(["default", *OPTIONS]))
def test_what_was_told_before_of_a_trace_leaves_nothing_behind(
    tells: list[tuple[int, int | None, bool]], name: str
) -> None:
    make = partial(MCTS, **OPTIONS.get(name, {}))
    searcher, plain = make(), make()
    for number, value, asked in tells:
        searcher.tell(ninth(number), value)
        if asked:
            searcher.ask(NINE, Random(number), ())
    last = {number: value for number, value, _ in tells}
    for number in dict.fromkeys(number for number, _, _ in tells):
        plain.tell(ninth(number), last[number])
    proposed = [[each.ask(NINE, Random(seed), (ninth(4),)) for seed in range(4)] for each in (searcher, plain)]
    weights = [each._learnt(NINE).experience.weights.tolist() for each in (searcher, plain)]

    assert searcher.drawn(NINE) == plain.drawn(NINE)
    assert proposed[0] == proposed[1]
    assert weights[0] == weights[1]


def test_a_study_with_promotions_goes_on_as_if_their_last_values_were_all_that_was_told() -> None:
    """As successive halving tells: a third of the trials again, between later ones."""
    halved, plain = MCTS(), MCTS()
    traces = proposals(MCTS(), SPACE, 90, simple)
    for place, trace in enumerate(traces):
        halved.tell(trace, simple(trace) / 2)
        if place % 3 == 2:
            halved.ask(SPACE, Random(place), ())
            halved.tell(traces[place * place % (place + 1)], None)
            halved.tell(traces[place // 2], 0.7)
    last = [simple(trace) / 2 for trace in traces]
    for place in range(2, 90, 3):
        last[place * place % (place + 1)] = last[place // 2] = -1.0
    for place in range(2, 90, 3):
        halved.tell(traces[place // 2], -1.0)
        halved.tell(traces[place * place % (place + 1)], -1.0)
    for trace, value in zip(traces, last, strict=True):
        plain.tell(trace, value)

    assert halved.drawn(SPACE) == plain.drawn(SPACE)
    assert proposals(halved, SPACE, 5, simple) == proposals(plain, SPACE, 5, simple)


def test_a_trial_that_is_told_again_is_not_walked_again() -> None:
    counted, searcher = Counted(SPACE), MCTS()
    traces = proposals(searcher, counted, 40, simple)
    before = searcher.drawn(counted)
    counted.given = counted.built = 0
    searcher.tell(traces[7], 9.0)
    changed = searcher.drawn(counted)
    searcher.tell(traces[7], simple(traces[7]))

    assert changed != before
    assert searcher.drawn(counted) == before
    assert (counted.given, counted.built) == (0, 0)


def test_widening_lets_a_node_have_few_children_at_first() -> None:
    space = Questions(count=3, options=40)
    narrow = MCTS(rollouts="uniform", widening=(1.0, 0.5))
    traces = proposals(narrow, space, 30, simple)
    wide = proposals(MCTS(rollouts="uniform"), space, 30, simple)

    assert len({trace.answers[0] for trace in traces}) <= 7
    assert len({trace.answers[0] for trace in wide}) == 30


def test_trials_of_another_space_do_not_grow_the_tree() -> None:
    searcher = MCTS()
    searcher.tell(Trace((("elsewhere", 1),)), 1.0)
    searcher.tell(Trace(tuple((f"d{place}", 0) for place in range(12))), 0.5)

    assert searcher.drawn(SPACE).splitlines()[1].split()[:2] == ["(all)", "1"]
    assert len(proposals(searcher, SPACE, 10, simple)) == 10


def test_what_breaks_constraints_is_worth_less_than_all_that_does_not() -> None:
    space = Questions(count=1, options=3)
    searcher = MCTS()
    for label, value, violation in ((0, 9.0, 1.0), (1, 0.1, 0.0), (2, None, 0.0)):
        searcher.tell(Trace((("d0", label),)), value, violation=violation)
    rewards = [float(row.split()[4]) for row in searcher.drawn(space).splitlines()[2:]]

    assert rewards[2] < rewards[0] < rewards[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rollouts": "blind"}, "rollouts of MCTS must be guided or uniform; got 'blind'"),
        ({"backup": "median"}, "backup of MCTS must be mean, blend or best"),
        ({"bisect": 1}, "bisect of MCTS must be true or false; got 1"),
        ({"exploration": -1}, "exploration of MCTS must be a number of at least 0"),
        ({"exploration": float("nan")}, "exploration of MCTS must be a number"),
        ({"trust": 0}, "trust of MCTS must be a number above 0"),
        ({"simulations": 0}, "simulations of MCTS must be an integer of at least 1"),
        ({"start": 2.5}, "start of MCTS must be an integer"),
        ({"widening": (1,)}, "widening of MCTS must be two numbers"),
        ({"widening": (0, 0.5)}, "k above 0"),
        ({"widening": 3}, "widening of MCTS must be two numbers"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        MCTS(**options)
