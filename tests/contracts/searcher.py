"""What every searcher keeps: each clause takes a function that makes a new searcher, and fails by assertion.

A searcher that joins ``SEARCHERS`` is held to all of ``CLAUSES`` by ``tests/search/test_contract.py``, and beyond
them to those of ``DRAWING``, ``LEARNING``, ``SINGLE_OBJECTIVE`` and ``SEVERAL_OBJECTIVES`` that it is for.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from statistics import mean

import pytest

from archsmith.graph.errors import UserError
from archsmith.graph.text import digest
from archsmith.search.history import TRIES
from archsmith.search.searcher import Searcher, Values
from archsmith.spaces.decisions import Space, Trace, replay
from archsmith.spaces.proposals import draw_trace, identity_of
from tests.search.small_spaces import (
    CONDITIONAL,
    DEAD_ENDS,
    HALF_DEAD,
    INFEASIBLE,
    LIMITED,
    MANY,
    PLAIN,
    SINGLE,
    SIX,
    SMALL,
    TREELESS,
    Counted,
    size,
)

Make = Callable[[], Searcher]
Told = tuple[Trace, Values, float]
"""A trace, its values, and by how much it breaks constraints."""
Tell = tuple[Trace, float | None]

TRIALS = 24

BUILT = 60
"""Networks that a searcher may build for a trial: more would cost more than what most trials do."""


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


def told(make: Make, history: Sequence[Told]) -> Searcher:
    """A new searcher that was told all of that."""
    searcher = make()
    for trace, values, violation in history:
        searcher.tell(trace, values, violation=violation)
    return searcher


def proposals(searcher: Searcher, asked: Space, count: int = 12) -> list[Trace]:
    """What it proposes next, by as many different draws; none of them is told."""
    return [searcher.ask(asked, draw(1000 + number), ()) for number in range(count)]


def rehearsed(make: Make, asked: Space = PLAIN) -> list[Trace]:
    """Traces that the searcher itself has asked, so that it may take them as it likes."""
    return [trace for trace, _ in study(make(), asked, TRIALS)]


def scored(traces: Sequence[Trace]) -> list[Told]:
    return [(trace, value_of(trace), 0.0) for trace in traces]


def proposes_traces_that_replay_to_architectures(make: Make) -> None:
    for asked in (PLAIN, CONDITIONAL, LIMITED, TREELESS):
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


def proposes_each_architecture_once_before_any_twice(make: Make) -> None:
    """By identity: where several traces are one network, a single one of them is proposed."""
    for name, asked in SMALL.items():
        count = size(asked)
        traces = [trace for trace, _ in study(make(), asked, count + 2)]

        assert len({identity_of(asked, trace) for trace in traces[:count]}) == count, name
        assert all(replay(asked, trace).graph is not None for trace in traces[count:]), name


def proposes_no_architecture_that_is_pending_while_there_is_more(make: Make) -> None:
    for name, asked in SMALL.items():
        searcher, pending = make(), list[Trace]()
        for number in range(size(asked)):
            pending.append(searcher.ask(asked, draw(number), tuple(pending)))

        assert len({identity_of(asked, trace) for trace in pending}) == size(asked), name
        assert replay(asked, searcher.ask(asked, draw(99), tuple(pending))).graph is not None, name


def proposes_what_is_neither_told_nor_pending_while_there_is_more(make: Make) -> None:
    for name, asked in SMALL.items():
        searcher, known = make(), list[Trace]()
        for number in range(size(asked)):
            known.append(searcher.ask(asked, draw(number), tuple(known[number // 2 :])))
            if number % 2:
                searcher.tell(known[number // 2], value_of(known[number // 2]))

        assert len({identity_of(asked, trace) for trace in known}) == size(asked), name


def takes_a_trial_that_is_told_and_goes_on(make: Make) -> None:
    """One that was promoted to more epochs is pending a second time."""
    searcher = told(make, scored(rehearsed(make, SIX)[:4]))
    known = rehearsed(make, SIX)[:4]
    proposed = [searcher.ask(SIX, draw(number), tuple(known[:3])) for number in range(4)]

    assert not set(proposed) & set(known)


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


def counts_what_is_not_finite_as_a_failure(make: Make) -> None:
    traces = rehearsed(make)
    history = scored(traces[:12])
    failed = told(make, [*history, *[(trace, None, 0.0) for trace in traces[12:18]]])
    bad: tuple[Values, ...] = (float("nan"), float("inf"), -float("inf"), (1.0, float("nan")), (float("inf"), 0.0), ())
    broken = told(make, [*history, *[(t, values, 0.0) for t, values in zip(traces[12:18], bad, strict=True)]])
    unknown = told(make, [*history, *[(trace, 1.0, float("nan")) for trace in traces[12:18]]])

    assert proposals(broken, PLAIN) == proposals(failed, PLAIN) == proposals(unknown, PLAIN)
    assert not set(proposals(broken, PLAIN)) & set(traces[:18])


def takes_a_newer_value_in_place_of_the_older(make: Make) -> None:
    traces = rehearsed(make)
    final = scored(traces)
    for again in (0, 5, 20):
        first: list[Told] = [*final[:again], (traces[again], 3.0, 0.0), *final[again + 1 :]]
        failed: list[Told] = [*final[:again], (traces[again], None, 0.0), *final[again + 1 :]]

        assert proposals(told(make, [*first, final[again]]), PLAIN) == proposals(told(make, final), PLAIN)
        assert proposals(told(make, [*failed, final[again]]), PLAIN) == proposals(told(make, final), PLAIN)
        assert proposals(told(make, [*final, failed[again]]), PLAIN) == proposals(told(make, failed), PLAIN)


def goes_on_when_no_trial_meets_the_constraints(make: Make) -> None:
    searcher, traces = make(), list[Trace]()
    for number in range(TRIALS):
        traces.append(searcher.ask(CONDITIONAL, draw(number), ()))
        searcher.tell(traces[-1], value_of(traces[-1]), violation=1e300 if number % 3 else 1e-300)

    assert len(set(traces)) == TRIALS
    assert all(replay(CONDITIONAL, trace).graph is not None for trace in traces)


def takes_two_values(make: Make) -> None:
    searcher, traces = make(), list[Trace]()
    for number in range(TRIALS):
        traces.append(searcher.ask(PLAIN, draw(number), ()))
        values = None if number % 5 == 4 else (value_of(traces[-1]), float(len(set(traces[-1].answers))))
        searcher.tell(traces[-1], values)

    assert len(set(traces)) == TRIALS


def cost(make: Make, trials: int) -> Counted:
    """What ten trials cost a searcher that was told so many."""
    searcher, asked = make(), Counted(MANY)
    for number in range(trials):
        searcher.tell(draw_trace(MANY, draw(number)), Random(number).random())
    searcher.ask(asked, draw(0), ())  # what there is to find out about the first trials need not be asked again
    asked.built = asked.given = 0
    for number in range(10):
        searcher.tell(searcher.ask(asked, draw(number), ()), Random(number).random())
    return asked


def costs_no_more_walks_late_than_early(make: Make) -> None:
    """Neither in networks built nor in traces that the space is asked for."""
    early, late = cost(make, 40), cost(make, 400)

    assert early.built + late.built <= 20 * BUILT
    assert late.built <= 2 * early.built + 10 * TRIES
    assert late.given <= 2 * early.given + 10 * TRIES


CLAUSES = (
    proposes_traces_that_replay_to_architectures,
    asks_the_same_given_the_same_tells_and_randomness,
    asking_changes_nothing,
    resumes_by_being_told_its_history,
    never_proposes_a_dead_end,
    finds_the_one_architecture_among_dead_ends,
    says_that_a_space_is_infeasible,
    proposes_the_only_architecture_again,
    proposes_each_architecture_once_before_any_twice,
    proposes_no_architecture_that_is_pending_while_there_is_more,
    proposes_what_is_neither_told_nor_pending_while_there_is_more,
    takes_a_trial_that_is_told_and_goes_on,
    goes_on_when_every_trial_fails,
    takes_values_in_any_order_and_of_any_size,
    counts_what_is_not_finite_as_a_failure,
    takes_a_newer_value_in_place_of_the_older,
    goes_on_when_no_trial_meets_the_constraints,
    takes_two_values,
    costs_no_more_walks_late_than_early,
)


DRAWING = (proposes_every_branch_of_a_conditional_space,)
"""What those keep that draw their first proposals at random."""


Judge = Callable[[float, Trace], tuple[Values, float]]
"""What a trial gives by how wide the layers are together, and by how much it breaks a constraint."""


def widths(make: Make, judge: Judge) -> list[float]:
    """How wide what it proposes is, 16 to 40 (28 if drawn at random), in the later halves of two studies."""
    later = list[float]()
    for study_number in range(2):
        searcher = make()
        for number in range(60):
            trace = searcher.ask(MANY, draw(100 * study_number + number), ())
            width = float(sum(int(label) for _, label in trace.answers))
            values, violation = judge(width, trace)
            searcher.tell(trace, values, violation=violation)
            later += [width] if number >= 30 else []
    return later


def learns_what_is_good(make: Make) -> None:
    assert mean(widths(make, lambda width, _: (width, 0.0))) > 29
    assert mean(widths(make, lambda width, _: (-width, 0.0))) < 27


def keeps_to_what_meets_the_constraints(make: Make) -> None:
    """The better the value, the more it breaks the constraint: at random by 5.7 in the mean."""
    found = widths(make, lambda width, _: (width, max(0.0, width - 22)))

    assert mean(max(0.0, width - 22) for width in found) < 4.5


LEARNING = (learns_what_is_good, keeps_to_what_meets_the_constraints)
"""What those keep that look at values at all."""


def looks_at_the_first_of_several_values(make: Make) -> None:
    traces = rehearsed(make)
    alone = told(make, scored(traces))
    several = told(make, [(trace, (value_of(trace), Random(i).random()), 0.0) for i, trace in enumerate(traces)])

    assert proposals(several, PLAIN) == proposals(alone, PLAIN)


SINGLE_OBJECTIVE = (looks_at_the_first_of_several_values,)
"""What those keep that are for one objective."""


def looks_at_every_objective(make: Make) -> None:
    """Of two that contradict each other the first leads no further than the second."""
    wide, narrow = (
        mean(widths(make, lambda width, trace, sign=sign: ((sign * width, 3 * value_of(trace) - sign * width), 0.0)))  # type: ignore[misc]
        for sign in (1, -1)
    )

    assert abs(wide - narrow) < 7


SEVERAL_OBJECTIVES = (looks_at_every_objective,)
"""What those keep that look for a front."""
