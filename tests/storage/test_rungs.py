"""The contract of trials that pause at rungs, and of values in several directions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.storage.facts import CurvePoint, Epoch, StudySpec, TrialResult, TrialState, Valued
from archsmith.storage.goals import Constraint, Direction, Objective
from archsmith.storage.store import Store, Transaction

MINUTE = timedelta(minutes=1)
COMPLETE, PAUSED, STOPPED = TrialState.COMPLETE, TrialState.PAUSED, TrialState.STOPPED
GOALS = (Objective("loss", Direction.MIN), Objective("speed"))


@pytest.fixture
def graph(store: Store, graph_of: Callable[[int], Graph]) -> str:
    with store.begin() as t:
        return t.graphs.put(graph_of(1))


@pytest.fixture
def study(store: Store, study_spec: StudySpec, noon: datetime) -> int:
    spec = replace(study_spec, objectives=GOALS, constraints=(Constraint("size", "<=", 3.0),))
    with store.begin() as t:
        return t.studies.create(spec, None, "ann", noon, MINUTE).id


def fill(t: Transaction, study: int, graph: str, points: list[tuple[float, float, float]], now: datetime) -> None:
    """Complete trials 0, 1, ... with these losses, speeds and violations."""
    for number, (loss, speed, violation) in enumerate(points):
        t.trials.start(study, number, {}, graph, now)
        t.trials.finish(study, number, TrialResult(COMPLETE, loss, others=(speed,), violation=violation), [], now)


def test_goals_come_back_as_they_were_given(store: Store, study: int, noon: datetime) -> None:
    with store.begin() as t:
        t.studies.change(study, {"stopping": {"patience": 3}})
        t.studies.explain(study, "patience: enough")
        found = t.studies.get(study, noon)

    assert found.spec.objectives == GOALS
    assert found.spec.constraints == (Constraint("size", "<=", 3.0),)
    assert found.spec.settings["stopping"] == {"patience": 3}
    assert found.spec.settings["rate"] == 0.1
    assert found.reason == "patience: enough"


def test_the_best_is_the_least_where_that_is_wanted_and_keeps_to_the_constraints(
    store: Store, study: int, graph: str, noon: datetime
) -> None:
    points = [(0.5, 1.0, 0.0), (0.1, 9.0, 0.2), (0.3, 1.0, 0.0), (0.3, 5.0, 0.0), (0.2, 1.0, 0.1)]
    with store.begin() as t:
        fill(t, study, graph, points, noon)
        found = t.studies.get(study, noon)
        ranked = [trial.number for trial in t.trials.page(study, None, 9, order="value")]
        walked = [t.trials.page(study, after, 1, order="value")[0].number for after in ranked[:-1]]
        curve = t.trials.curve(study)

    assert (found.best_number, found.best_value) == (2, 0.3)
    assert ranked == [2, 3, 0, 4, 1]
    assert walked == ranked[1:]
    assert curve[1] == CurvePoint(1, 0.1, 0.5)
    assert [point.best for point in curve] == [0.5, 0.5, 0.3, 0.3, 0.3]


def test_the_front_leaves_out_what_is_beaten_broken_or_equal(
    store: Store, study: int, graph: str, noon: datetime
) -> None:
    points = [(0.5, 1.0, 0.0), (0.3, 0.5, 0.0), (0.5, 2.0, 0.0), (0.5, 2.0, 0.0), (0.1, 9.0, 0.2), (0.4, 0.4, 0.0)]
    with store.begin() as t:
        fill(t, study, graph, points, noon)
        values, front = t.trials.values(study), t.trials.front(study)

    assert [trial.number for trial in front] == [1, 2]
    assert values[0] == Valued(1, (0.3, 0.5), 0.0, True)
    assert [one.number for one in values] == [1, 5, 0, 2, 3, 4]


def test_a_trial_pauses_is_promoted_and_ends(store: Store, study: int, graph: str, noon: datetime) -> None:
    one, two, three = (Epoch(i, {"loss": 1 / i}) for i in (1, 2, 3))
    rung = TrialResult(PAUSED, 1.0, {"size": 2.0}, seconds=1.0, others=(4.0,))
    with store.begin() as t:
        t.trials.start(study, 0, {"a": 1}, graph, noon, bracket=2, until=1)
        paused = t.trials.pause(study, 0, rung, [one], reached=1, checkpoint="first.ckpt")
        promoted = t.trials.promote(study, 0, 3)
        t.trials.add_epochs(study, 0, [two])
        again = t.trials.start(study, 0, {"a": 1}, graph, noon + MINUTE, bracket=2, until=3)
        kept = t.trials.epochs(study, 0)
        end = TrialResult(COMPLETE, 0.3, others=(4.0,))
        ended = t.trials.finish(study, 0, end, [two, three], noon + MINUTE)
        counts = t.studies.get(study, noon).counts

    assert (paused.state, paused.result, paused.finished, paused.checkpoint) == (PAUSED, rung, None, "first.ckpt")
    assert (promoted.state, promoted.until, promoted.reached) == (TrialState.RUNNING, 3, 1)
    assert promoted.result == again.result == rung
    assert (again.attempt, again.checkpoint, kept) == (2, "first.ckpt", [one])
    assert (ended.result, ended.reached, ended.checkpoint, ended.bracket) == (end, 3, None, 2)
    assert counts[COMPLETE] == 1


def test_only_what_is_paused_is_promoted_and_only_what_runs_pauses(
    store: Store, study: int, graph: str, noon: datetime
) -> None:
    with store.begin() as t:
        t.trials.start(study, 0, {}, graph, noon)
        with pytest.raises(UserError, match="must be paused to be promoted; it is running"):
            t.trials.promote(study, 0, 3)
        with pytest.raises(ValueError, match="cannot end as complete"):
            t.trials.pause(study, 0, TrialResult(COMPLETE, 0.1, others=(1.0,)), [], reached=1, checkpoint=None)
        t.trials.pause(study, 0, TrialResult(PAUSED, 0.1, others=(1.0,)), [], reached=1, checkpoint=None)
        with pytest.raises(UserError, match="must be running to be written; it is paused"):
            t.trials.pause(study, 0, TrialResult(PAUSED, 0.1, others=(1.0,)), [], reached=1, checkpoint=None)
        t.trials.finish(study, 0, TrialResult(STOPPED, 0.1), [], noon)
        found = t.studies.get(study, noon)

    assert (found.ended, found.failed, found.best_number) == (1, 0, None)


def test_a_paused_trial_has_not_ended(store: Store, study: int, graph: str, noon: datetime) -> None:
    with store.begin() as t:
        t.trials.start(study, 0, {}, graph, noon)
        t.trials.pause(study, 0, TrialResult(PAUSED, 0.1, others=(1.0,)), [], reached=1, checkpoint=None)
        found = t.studies.get(study, noon)

    assert found.ended == 0
    assert found.counts[PAUSED] == 1
