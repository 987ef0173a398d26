"""What was told: which trial is the best, which architectures are known, and what is left of a space."""

from math import inf, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.search import history as history_module
from archsmith.search.history import History, Score, scored
from archsmith.search.searcher import Values
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.nodes import chain, choose, op
from archsmith.spaces.proposals import draw_trace, identity_of
from archsmith.spaces.space import search_space
from tests.search.questions import Questions
from tests.search.small_spaces import SINGLE, SMALL, TREELESS, TWINS, WEIGHTED, Counted, size

A, B, C = (Trace((("d0", label),)) for label in range(3))
TELLS = st.lists(
    st.tuples(
        st.sampled_from([A, B, C, Trace((("d1", 0),))]), st.none() | st.integers(0, 3), st.sampled_from([0.0, 0.0, 1.0])
    ),
    max_size=12,
)


def told(*values: float | None) -> History:
    history = History()
    for trace, value in zip((A, B, C), values, strict=False):
        history.add(trace, value)
    return history


def stubborn(trace: Trace) -> Trace:
    return trace


# Scores


@pytest.mark.parametrize(
    ("values", "score"),
    [
        (1, Score((1.0,))),
        ((1, 2.5), Score((1.0, 2.5))),
        (None, None),
        ((), None),
        (nan, None),
        (-inf, None),
        ((1.0, nan), None),
        (10**400, None),
        (1e308, Score((1e308,))),
    ],
)
def test_a_score_is_finite_numbers_or_none(values: Values, score: Score | None) -> None:
    assert scored(values) == score


def test_a_violation_is_never_negative_and_always_known() -> None:
    assert scored(1.0, -3.0) == Score((1.0,))
    assert scored(1.0, 2.0) == Score((1.0,), 2.0)
    assert scored(1.0, nan) is None
    assert scored(1.0, inf) is None


def test_constraints_come_before_values() -> None:
    ranks = [Score((1.0,)).rank, Score((5.0,)).rank, Score((9.0,), 0.1).rank, Score((9.0,), 0.2).rank]

    assert sorted(ranks, reverse=True) == [ranks[1], ranks[0], ranks[2], ranks[3]]


# Trials


def test_the_first_of_equally_good_trials_is_the_best() -> None:
    history = told(1.0, 2.0, 2.0)

    assert history.best is not None
    assert history.best.trace == B
    assert [trial.trace for trial in history.top(2)] == [B, C]
    assert history.top(0) == []


def test_nothing_told_or_nothing_measured_has_no_best() -> None:
    assert told().best is None
    assert told(None, nan).best is None
    assert told(None, nan).measured() == []


def test_what_is_told_anew_takes_the_place_of_the_old() -> None:
    history = told(1.0, 3.0, 2.0)
    history.add(Trace(B.answers[::-1]), 0.5)

    assert [trial.trace for trial in history.trials] == [A, B, C]
    assert [trial.trace for trial in history.top(9)] == [C, A, B]
    assert history.retold == 1


def test_what_is_told_anew_with_the_same_score_changes_nothing() -> None:
    history = told(1.0, None)
    history.add(A, 1)
    history.add(B, nan)

    assert history.retold == 0
    history.add(A, 1, violation=1.0)
    history.add(B, 0.0)
    assert history.retold == 2


def test_what_fails_when_it_is_told_anew_is_measured_no_more() -> None:
    history = told(1.0, 3.0)
    history.add(B, None)

    assert history.best is not None
    assert history.best.trace == A
    assert [trial.trace for trial in history.measured()] == [A]


@given(TELLS)
def test_only_the_last_that_was_told_of_a_trace_counts(tells: list[tuple[Trace, int | None, float]]) -> None:
    history, plain = History(), History()
    for trace, value, violation in tells:
        history.add(trace, value, violation)
    last = {trace: (value, violation) for trace, value, violation in tells}
    for trace in dict.fromkeys(trace for trace, _, _ in tells):
        plain.add(trace, *last[trace])
    measured = plain.measured()
    ranked = sorted(measured, key=lambda trial: trial.score.rank if trial.score else (-inf, 0), reverse=True)

    assert history.trials == plain.trials
    assert history.top(20) == plain.top(20) == ranked
    assert history.best == (ranked[0] if ranked else None)


def test_a_trace_stands_where_it_was_first_told() -> None:
    history = History()
    history.add(Trace((("a", 1), ("b", 2))), 1.0)

    assert history.place(Trace((("b", 2), ("a", 1)))) == 0
    assert history.place(Trace((("b", 2),))) is None


# What is left


def test_the_first_new_proposal_is_taken() -> None:
    space = Questions(1, 3)
    history = told(1.0)
    proposed = iter((A, A, B, C))

    assert history.unseen(space, lambda: next(proposed), (B,), Random(0)) == C


@pytest.mark.parametrize("space", SMALL.values(), ids=SMALL)
def test_a_stubborn_proposal_gives_way_to_everything_else_once(space: Space) -> None:
    history = History()
    first = draw_trace(space, Random(0))
    found = list[Trace]()
    for number in range(size(space)):
        found.append(history.unseen(space, lambda: stubborn(first), (), Random(number), tries=2))
        history.add(found[-1], 0.0)

    assert len({identity_of(space, trace) for trace in found}) == size(space)
    assert history.unseen(space, lambda: stubborn(first), (), Random(0), tries=2) == first


def test_what_is_left_is_not_always_the_same() -> None:
    space = Questions(2, 4)
    first = draw_trace(space, Random(0))
    history = History()
    history.add(first, 1.0)
    found = {history.unseen(space, lambda: stubborn(first), (), Random(seed), tries=1) for seed in range(40)}

    assert len(found) > 10


def test_options_of_no_weight_are_what_is_left_in_the_end() -> None:
    history = History()
    for number in range(size(WEIGHTED)):
        history.add(history.unseen(WEIGHTED, lambda: WEIGHTED.draw(Random(0)), (), Random(number)), 0.0)

    assert {trial.trace.as_dict()["0/linear.out"] for trial in history.trials} == {2, 3, 4}


def test_a_twin_of_a_pending_trace_is_known_while_that_is_pending() -> None:
    history = History()
    every = [found.trace for found in architectures(TWINS)]
    twin = next(other for other in every[1:] if TWINS.identity(other) == TWINS.identity(every[0]))
    while_pending = history.unseen(TWINS, lambda: twin, (every[0],), Random(0))

    assert TWINS.identity(while_pending) != TWINS.identity(twin)
    assert history.unseen(TWINS, lambda: twin, (), Random(0)) == twin


def test_what_was_pending_and_is_not_told_may_be_proposed_again() -> None:
    history = History()
    every = tuple(found.trace for found in architectures(TREELESS))
    history.unseen(TREELESS, lambda: every[0], every, Random(0))

    assert history.unseen(TREELESS, lambda: every[3], (), Random(0)) == every[3]


def test_the_only_architecture_is_proposed_again() -> None:
    history = History()
    history.add(Trace(), 1.0)

    assert history.unseen(SINGLE, Trace, (), Random(0)) == Trace()


def test_a_search_for_what_is_left_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where very many traces are one architecture, there is no telling whether there is another."""
    monkeypatch.setattr(history_module, "WALKS", 50)
    same = search_space(
        chain(*[op("linear", out=choose(2, 3, 4, 5)) for _ in range(9)]), input=(3,), alike=lambda trace: "same"
    )
    counted, history = Counted(same), History()
    history.add(same.draw(Random(0)), 1.0)
    found = history.unseen(counted, lambda: same.draw(Random(1)), (), Random(0), tries=3)

    assert found == same.draw(Random(1))
    assert counted.given == 1 + 50  # that which was told is walked as well


def test_an_exhausted_space_is_not_walked_again() -> None:
    counted, history = Counted(SMALL["plain"]), History()
    for number in range(6):
        history.add(history.unseen(counted, lambda: draw_trace(counted, Random(0)), (), Random(number)), 0.0)
    history.unseen(counted, lambda: history.trials[0].trace, (), Random(0))
    counted.given = counted.built = 0
    history.unseen(counted, lambda: history.trials[0].trace, (), Random(0))

    assert (counted.given, counted.built) == (0, 0)


def test_what_was_asked_before_changes_nothing() -> None:
    """Looking for what is left finds the same again, however often and for whom it was looked for."""
    every = tuple(found.trace for found in architectures(TWINS))
    asked, fresh = History(), History()
    for history in (asked, fresh):
        history.add(every[0], 1.0)
    for number in range(20):
        asked.unseen(TWINS, lambda: every[0], every[:number], Random(number), tries=1)

    assert all(
        asked.unseen(TWINS, lambda: every[0], (), Random(seed), tries=1)
        == fresh.unseen(TWINS, lambda: every[0], (), Random(seed), tries=1)
        for seed in range(30)
    )


def test_an_identity_is_asked_once() -> None:
    counted, history = Counted(TWINS), History()
    trace = TWINS.draw(Random(0))
    history.add(trace, 1.0)

    assert history.knows(counted, Trace(trace.answers[::-1]))
    assert history.identity(counted, trace) == TWINS.identity(trace)
    assert counted.built == 1


def test_what_is_known_in_one_space_need_not_be_in_another() -> None:
    apart, alike = TWINS, search_space(TWINS.root, input=(3,), alike=lambda trace: "same")
    every = [found.trace for found in architectures(TWINS)]
    history = History()
    history.add(every[0], 1.0)

    assert not history.knows(apart, every[-1])
    assert history.knows(alike, every[-1])
    assert not history.knows(apart, every[-1])
