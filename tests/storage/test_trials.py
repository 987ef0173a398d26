"""The contract of the trials in a store."""

from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf, isnan, nan

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.storage.facts import CurvePoint, Epoch, StudySpec, Trial, TrialResult, TrialState
from archsmith.storage.store import Store, Transaction

MINUTE = timedelta(minutes=1)
COMPLETE, RAISED, RUNNING = TrialState.COMPLETE, TrialState.RAISED, TrialState.RUNNING
TRACE = {"stage/0/kernel": 3, "stage/0/activation": "relu", "head/bias": True}


def complete(value: float, **measured: float) -> TrialResult:
    return TrialResult(COMPLETE, value, measured, seconds=1.5)


@pytest.fixture
def study(store: Store, study_spec: StudySpec, noon: datetime) -> int:
    with store.begin() as t:
        return t.studies.create(study_spec, None, "ann", noon, MINUTE).id


@pytest.fixture
def graph(store: Store, graph_of: Callable[[int], Graph]) -> str:
    with store.begin() as t:
        return t.graphs.put(graph_of(1))


def fill(t: Transaction, study: int, graph: str, values: list[float | None], now: datetime) -> None:
    """Trials 0, 1, ... with these values; None for one that raised."""
    for number, value in enumerate(values):
        t.trials.start(study, number, {"n": number}, graph, now)
        result = TrialResult(RAISED, None, reason="boom") if value is None else complete(value)
        t.trials.finish(study, number, result, [], now)


def numbers(trials: list[Trial]) -> list[int]:
    return [trial.number for trial in trials]


def test_a_trial_runs_and_ends(store: Store, study: int, graph: str, noon: datetime) -> None:
    result = TrialResult(
        COMPLETE, 0.75, {"test_accuracy": 0.7, "macs": 10**12, "loss": inf}, seconds=2.5, weights="blob-1"
    )
    epochs = [Epoch(1, {"loss": nan}), Epoch(2, {"loss": 0.5, "val_accuracy": 0.75})]
    with store.begin() as t:
        started = t.trials.start(study, 4, TRACE, graph, noon)
        running = t.trials.get(study, 4)
    with store.begin() as t:
        t.trials.finish(study, 4, result, epochs, noon + MINUTE)
    with store.read() as t:
        ended = t.trials.get(study, 4)
        first, second = t.trials.epochs(study, 4)

    assert started == running == Trial(started.id, study, 4, RUNNING, TRACE, graph, 1, noon, None, None)
    assert ended == Trial(started.id, study, 4, COMPLETE, TRACE, graph, 1, noon, noon + MINUTE, result)
    assert (first.number, list(first.metrics)) == (1, ["loss"])
    assert isnan(first.metrics["loss"])
    assert second == epochs[1]


def test_a_failed_trial_says_why(store: Store, study: int, graph: str, noon: datetime) -> None:
    result = TrialResult(TrialState.CRASHED, None, {"rss": 3}, reason="signal 11: \udcff\0 'quoted' ☃")
    with store.begin() as t:
        t.trials.start(study, 0, {}, graph, noon)
        t.trials.finish(study, 0, result, [], noon)
        ended = t.trials.get(study, 0)

    assert ended.state is TrialState.CRASHED
    assert ended.result is not None
    assert ended.result.reason == r"signal 11: \udcff\x00 'quoted' ☃"


def test_an_attempt_that_never_ended_is_forgotten(store: Store, study: int, graph: str, noon: datetime) -> None:
    with store.begin() as t:
        lost = t.trials.start(study, 0, {"a": 1}, graph, noon)
        t.trials.add_epochs(study, 0, [Epoch(1, {"loss": 9.0}), Epoch(2, {"loss": 8.0})])
    with store.begin() as t:
        again = t.trials.start(study, 0, {"a": 2}, graph, noon + MINUTE)
        between = t.trials.epochs(study, 0)
        t.trials.add_epochs(study, 0, [Epoch(1, {"loss": 1.0})])
        t.trials.finish(study, 0, complete(0.5), [Epoch(1, {"loss": 1.0})], noon + 2 * MINUTE)
        ended = t.trials.get(study, 0)
        epochs = t.trials.epochs(study, 0)

    assert (lost.attempt, again.attempt, ended.attempt) == (1, 2, 2)
    assert (again.id, again.trace, again.started) == (lost.id, {"a": 2}, noon + MINUTE)
    assert between == []
    assert epochs == [Epoch(1, {"loss": 1.0})]


def test_epochs_are_recorded_once(store: Store, study: int, graph: str, noon: datetime) -> None:
    one, two, three = (Epoch(i, {"loss": 1 / i}) for i in (1, 2, 3))
    with store.begin() as t:
        t.trials.start(study, 0, {}, graph, noon)
        t.trials.add_epochs(study, 0, [one])
        t.trials.add_epochs(study, 0, [one, two])
        t.trials.add_epochs(study, 0, [])
        during = t.trials.epochs(study, 0)
        t.trials.finish(study, 0, complete(0.5), [one, two, three, three], noon)
        after = t.trials.epochs(study, 0)

    assert during == [one, two]
    assert after == [one, two, three]


def test_a_trial_that_ended_never_runs_again(store: Store, study: int, graph: str, noon: datetime) -> None:
    with store.begin() as t:
        fill(t, study, graph, [0.5], noon)
        before = t.trials.get(study, 0)

    attempts: list[Callable[[Transaction], object]] = [
        lambda t: t.trials.start(study, 0, {}, graph, noon),
        lambda t: t.trials.finish(study, 0, complete(0.9), [], noon),
        lambda t: t.trials.add_epochs(study, 0, [Epoch(1, {})]),
    ]
    for attempt in attempts:
        with pytest.raises(UserError, match=r"trial 0 of study 1 must .* it is complete"), store.begin() as t:
            attempt(t)
    with store.read() as t:
        assert t.trials.get(study, 0) == before


def test_a_trial_needs_a_study_and_a_graph(store: Store, study: int, graph: str, noon: datetime) -> None:
    with store.begin() as t:
        with pytest.raises(UserError, match="no study 9"):
            t.trials.start(9, 0, {}, graph, noon)
        with pytest.raises(UserError, match="no graph 'beef'"):
            t.trials.start(study, 0, {}, "beef", noon)
        with pytest.raises(UserError, match=r"no trial 5 in study 1"):
            t.trials.finish(study, 5, complete(1.0), [], noon)
        with pytest.raises(UserError, match=r"no trial 5 in study 1"):
            t.trials.epochs(study, 5)


def test_a_reused_measurement_names_a_trial_that_exists(store: Store, study: int, graph: str, noon: datetime) -> None:
    with store.begin() as t:
        fill(t, study, graph, [0.5], noon)
        t.trials.start(study, 1, {}, graph, noon)
        with pytest.raises(UserError, match="cannot reuse trial 7"):
            t.trials.finish(study, 1, TrialResult(COMPLETE, 0.5, reused_from=7), [], noon)
        t.trials.finish(study, 1, TrialResult(COMPLETE, 0.5, reused_from=0), [], noon)
        result = t.trials.get(study, 1).result

    assert result is not None
    assert result.reused_from == 0


@pytest.mark.parametrize(
    "result",
    [
        TrialResult(COMPLETE, None),
        TrialResult(COMPLETE, nan),
        TrialResult(COMPLETE, inf),
        TrialResult(RAISED, 0.5),
        TrialResult(RUNNING, None),
        TrialResult(COMPLETE, 0.5, seconds=nan),
        TrialResult(COMPLETE, 0.5, {"kernel": object()}),
    ],
)
def test_a_result_that_contradicts_itself_is_refused(
    store: Store, study: int, graph: str, noon: datetime, result: TrialResult
) -> None:
    with store.begin() as t:
        t.trials.start(study, 0, {}, graph, noon)
    with pytest.raises(ValueError), store.begin() as t:  # noqa: PT011 - the messages are as many as the cases
        t.trials.finish(study, 0, result, [], noon)

    with store.read() as t:
        assert t.trials.get(study, 0).state is RUNNING


def test_trials_of_another_study_are_not_seen(
    store: Store, study: int, graph: str, noon: datetime, study_spec: StudySpec
) -> None:
    with store.begin() as t:
        fill(t, study, graph, [0.5, 0.6], noon)
        other = t.studies.create(study_spec, None, "ann", noon, MINUTE).id

        assert t.trials.history(other) == t.trials.page(other, None, 10) == []
        assert t.trials.curve(other) == []
        assert t.trials.known(other, graph) is None


def test_pages_by_number_follow_each_other(store: Store, study: int, graph: str, noon: datetime) -> None:
    with store.begin() as t:
        fill(t, study, graph, [0.1, None, 0.3, None, 0.5], noon)

        assert numbers(t.trials.page(study, None, 2)) == [0, 1]
        assert numbers(t.trials.page(study, 1, 2)) == [2, 3]
        assert numbers(t.trials.page(study, 3, 2)) == [4]
        assert numbers(t.trials.page(study, None, 9, RAISED)) == [1, 3]
        assert numbers(t.trials.page(study, 1, 9, RAISED)) == [3]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.none() | st.sampled_from([-1.0, 0.0, 0.5, 0.5000001, 1e300]), max_size=8),
    size=st.integers(1, 3),
    state=st.sampled_from([None, COMPLETE, RAISED]),
)
def test_pages_by_value_are_the_best_first_and_together_everything(
    store: Store,
    study_spec: StudySpec,
    graph: str,
    noon: datetime,
    values: list[float | None],
    size: int,
    state: TrialState | None,
) -> None:
    with store.begin() as t:
        study = t.studies.create(study_spec, None, "ann", noon, MINUTE).id
        fill(t, study, graph, values, noon)
        pages = [t.trials.page(study, None, size, state, "value")]
        while pages[-1]:
            pages.append(t.trials.page(study, pages[-1][-1].number, size, state, "value"))

    wanted = [n for n, value in enumerate(values) if state in (None, RAISED if value is None else COMPLETE)]
    ranked = sorted(wanted, key=lambda n: (-inf if (v := values[n]) is None else v, -n), reverse=True)
    assert [trial.number for page in pages for trial in page] == ranked
    assert all(len(page) == size for page in pages[:-2])


def test_the_curve_is_the_best_so_far(store: Store, study: int, graph: str, noon: datetime) -> None:
    with store.begin() as t:
        fill(t, study, graph, [0.5, None, 0.2, 0.7, 0.7], noon)
        curve = t.trials.curve(study)

    assert curve == [
        CurvePoint(0, 0.5, 0.5),
        CurvePoint(2, 0.2, 0.5),
        CurvePoint(3, 0.7, 0.7),
        CurvePoint(4, 0.7, 0.7),
    ]


def test_an_architecture_is_known_once_a_trial_of_it_is_complete(
    store: Store, study: int, graph: str, noon: datetime, graph_of: Callable[[int], Graph]
) -> None:
    with store.begin() as t:
        fill(t, study, t.graphs.put(graph_of(2)), [None], noon)
        for number in (3, 2, 1):
            t.trials.start(study, number, {}, graph, noon)
        before = t.trials.known(study, graph)
        t.trials.finish(study, 3, complete(0.9), [], noon)
        t.trials.finish(study, 2, complete(0.5), [], noon)
        after = t.trials.known(study, graph)
        raised = t.trials.known(study, t.graphs.put(graph_of(2)))

    assert before is None
    assert after is not None
    assert after.number == 2
    assert raised is None


def test_an_architecture_is_known_by_the_first_trial_whose_trace_suits(
    store: Store, study: int, graph: str, noon: datetime
) -> None:
    with store.begin() as t:
        fill(t, study, graph, [0.5, None, *[0.5] * 60], noon)
        found = [t.trials.known(study, graph, lambda trace: trace["n"] >= least) for least in (0, 1, 40, 62)]  # noqa: B023
        t.trials.start(study, 99, {"n": 99}, graph, noon)

    assert [trial and trial.number for trial in found] == [0, 2, 40, None]


def test_the_history_is_every_trial_by_number(store: Store, study: int, graph: str, noon: datetime) -> None:
    with store.begin() as t:
        for number in (2, 0, 1):
            t.trials.start(study, number, {}, graph, noon)
        t.trials.finish(study, 0, complete(1.0), [], noon)
        found = t.trials.history(study)

        assert found == [t.trials.get(study, number) for number in (0, 1, 2)]
