"""What every searcher keeps: each clause takes a function that makes a new searcher, and fails by assertion.

A searcher that joins ``SEARCHERS`` is held to all of ``CLAUSES`` by ``tests/search/test_contract.py``.
"""

from collections.abc import Callable, Iterator
from random import Random

import pytest

from archsmith.graph.errors import UserError
from archsmith.graph.text import digest
from archsmith.search.searcher import Searcher
from archsmith.spaces.decisions import Space, Trace, replay
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, repeat, residual
from archsmith.spaces.space import search_space

Make = Callable[[], Searcher]
Tell = tuple[Trace, float | None]

TRIALS = 24

LAYERS = tuple(op("linear", out=choose(2, 3, 4, 5)) for _ in range(4))
PLAIN = search_space(chain(*LAYERS), input=(3,))
CONDITIONAL = search_space(
    chain(
        optional(op("linear", out=choose(2, 3))),
        any_of(
            wide=repeat(op("linear", out=choose(5, 6, 7)), choose(1, 2, 3)),
            narrow=any_of(op("relu"), op("tanh")),
        ),
    ),
    input=(3,),
)
DEAD_ENDS = search_space(
    chain(
        *(residual(op("linear", out=choose(2, 3, 4, 5, name=f"width{i}")), project=False) for i in range(2)),
        op("relu"),
    ),
    input=(4,),
)
"""One architecture among sixteen: a residual connection closes only at width 4."""
HALF_DEAD = search_space(chain(residual(op("linear", out=choose(3, 4)), project=False), *LAYERS), input=(4,))
INFEASIBLE = search_space(residual(op("linear", out=choose(5, 6)), project=False), input=(4,))
SINGLE = search_space(op("linear", out=2), input=(3,))
SIX = search_space(chain(op("linear", out=choose(2, 3, 4)), any_of(op("relu"), op("tanh"))), input=(3,))


def value_of(trace: Trace) -> float:
    """A value that depends on every answer, the same in every process."""
    return Random(repr(sorted(trace.answers))).random()


def draw(number: int) -> Random:
    """The randomness of a trial, from its number alone, as in a study."""
    return Random(f"contract/{number}")


def study(searcher: Searcher, asked: Space, trials: int) -> Iterator[Tell]:
    """Ask and tell, one after another; every fifth trial fails."""
    for number in range(trials):
        trace = searcher.ask(asked, draw(number), ())
        value = None if number % 5 == 4 else value_of(trace)
        searcher.tell(trace, value)
        yield trace, value


def proposes_traces_that_replay_to_architectures(make: Make) -> None:
    for asked in (PLAIN, CONDITIONAL):
        for trace, _ in study(make(), asked, TRIALS):
            replayed = replay(asked, trace)

            assert replayed.graph is not None
            assert replayed.trace == trace


def proposes_every_branch_of_a_conditional_space(make: Make) -> None:
    branches = {dict(trace.answers)["1/any_of"] for trace, _ in study(make(), CONDITIONAL, TRIALS)}

    assert branches == {"wide", "narrow"}


def asks_the_same_given_the_same_tells_and_randomness(make: Make) -> None:
    assert list(study(make(), CONDITIONAL, TRIALS)) == list(study(make(), CONDITIONAL, TRIALS))


def asking_changes_nothing(make: Make) -> None:
    disturbed = make()
    for number, (trace, value) in enumerate(study(make(), CONDITIONAL, TRIALS)):
        for other in range(3):
            disturbed.ask(CONDITIONAL, draw(1000 + other), (trace,))

        assert disturbed.ask(CONDITIONAL, draw(number), ()) == trace
        disturbed.tell(trace, value)


def resumes_by_being_told_its_history(make: Make) -> None:
    history = list(study(make(), CONDITIONAL, TRIALS))
    for told in range(TRIALS):
        resumed = make()
        for trace, value in history[:told]:
            resumed.tell(Trace(trace.answers[::-1]), value)  # a store need not keep the order of answers

        assert resumed.ask(CONDITIONAL, draw(told), ()) == history[told][0]


def never_proposes_a_dead_end(make: Make) -> None:
    for trace, _ in study(make(), HALF_DEAD, TRIALS):
        assert replay(HALF_DEAD, trace).graph is not None


def finds_the_one_architecture_among_dead_ends(make: Make) -> None:
    graphs = [replay(DEAD_ENDS, trace).graph for trace, _ in study(make(), DEAD_ENDS, 8)]

    assert len({digest(graph) for graph in graphs if graph is not None}) == 1
    assert None not in graphs


def says_that_a_space_is_infeasible(make: Make) -> None:
    with pytest.raises(UserError, match=r"no architecture of this space is valid.*residual"):
        make().ask(INFEASIBLE, draw(0), ())


def proposes_the_only_architecture_again(make: Make) -> None:
    assert [trace for trace, _ in study(make(), SINGLE, 8)] == [Trace()] * 8


def proposes_nothing_that_is_pending_while_there_is_more(make: Make) -> None:
    searcher, pending = make(), list[Trace]()
    for number in range(6):
        pending.append(searcher.ask(SIX, draw(number), tuple(pending)))

    assert len(set(pending)) == 6
    assert replay(SIX, searcher.ask(SIX, draw(6), tuple(pending))).graph is not None


def proposes_nothing_that_was_told_while_there_is_more(make: Make) -> None:
    traces = [trace for trace, _ in study(make(), SIX, 8)]

    assert len(set(traces[:6])) == 6
    assert set(traces[6:]) <= set(traces[:6])


def goes_on_when_every_trial_fails(make: Make) -> None:
    searcher, traces = make(), list[Trace]()
    for number in range(TRIALS):
        traces.append(searcher.ask(PLAIN, draw(number), ()))
        searcher.tell(traces[-1], None)

    assert len(set(traces)) == TRIALS


def takes_values_in_any_order_and_of_any_size(make: Make) -> None:
    searcher, pending = make(), list[Trace]()
    for number in range(8):
        pending.append(searcher.ask(PLAIN, draw(number), tuple(pending)))
    for trace, value in zip(reversed(pending), (0.0, -1e300, 1e300, 0.0, -0.0, 1e-300, 1.0, 2.0), strict=True):
        searcher.tell(trace, value)

    assert replay(PLAIN, searcher.ask(PLAIN, draw(8), ())).graph is not None


CLAUSES = (
    proposes_traces_that_replay_to_architectures,
    proposes_every_branch_of_a_conditional_space,
    asks_the_same_given_the_same_tells_and_randomness,
    asking_changes_nothing,
    resumes_by_being_told_its_history,
    never_proposes_a_dead_end,
    finds_the_one_architecture_among_dead_ends,
    says_that_a_space_is_infeasible,
    proposes_the_only_architecture_again,
    proposes_nothing_that_is_pending_while_there_is_more,
    proposes_nothing_that_was_told_while_there_is_more,
    goes_on_when_every_trial_fails,
    takes_values_in_any_order_and_of_any_size,
)
