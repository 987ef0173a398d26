"""What the outcome of a job means for its trial."""

from math import nan

import pytest

from archsmith.jobs.objectives import Goals
from archsmith.jobs.results import result_of, reused, stopped_early
from archsmith.runtime.outcome import Crashed, Outcome, Returned
from archsmith.storage.facts import Epoch, TrialResult, TrialState
from archsmith.storage.goals import Constraint, Direction, Objective

GOALS = Goals(
    (Objective("val_accuracy"), Objective("macs", Direction.MIN)), (Constraint("latency_ms", "<=", 4.0),), own=False
)


def returned(state: str, **metrics: float) -> Outcome:
    return Returned({"state": state, "value": metrics.get("val_accuracy"), "metrics": metrics})


@pytest.mark.parametrize(
    ("state", "expected"),
    [("complete", TrialState.COMPLETE), ("measured", TrialState.COMPLETE), ("paused", TrialState.PAUSED)],
)
def test_a_measurement_is_judged_by_the_goals(state: str, expected: TrialState) -> None:
    metrics = {"val_accuracy": 0.5, "macs": 10.0, "latency_ms": 5.0}
    result = result_of(returned(state, **metrics), 1.5, "a.pt", GOALS, parent=3)

    assert (result.state, result.values, result.violation) == (expected, (0.5, 10.0), 0.25)
    assert result.measurement == metrics | {"parent": 3}
    assert GOALS.told(result) == (0.5, -10.0)


def test_a_measurement_without_a_number_of_the_goals_has_no_value() -> None:
    missing = result_of(returned("complete", val_accuracy=0.5, macs=10.0), 1.0, None, GOALS)
    strange = result_of(returned("complete", val_accuracy=0.5, macs=10.0, latency_ms=nan), 1.0, None, GOALS)
    crashed = result_of(Crashed(11, None, ""), 1.0, None, GOALS)

    assert (missing.state, missing.value) == (TrialState.RAISED, None)
    assert missing.reason == "no latency_ms was measured, only macs, val_accuracy"
    assert (strange.state, strange.reason) == (TrialState.NOT_FINITE, "latency_ms is nan")
    assert crashed.state is TrialState.CRASHED
    assert [GOALS.told(result) for result in (missing, strange, crashed)] == [None] * 3


def test_the_value_of_a_measure_of_ones_own_is_a_number_by_that_name() -> None:
    goals = Goals((Objective("value"),), (), own=True)
    result = result_of(Returned({"state": "complete", "value": 2.0, "metrics": {"size": 7.0}}), 1.0, None, goals)

    assert result.values == (2.0,)
    assert result.measurement == {"size": 7.0}
    assert goals.told(result) == 2.0


def test_a_trial_that_is_given_up_keeps_what_is_known_of_it() -> None:
    epochs = [Epoch(1, {"val_accuracy": 0.25}), Epoch(2, {"val_accuracy": 0.5})]
    known = stopped_early(epochs, {"macs": 10.0}, GOALS, 1.0)
    partly = stopped_early(epochs, {}, GOALS, 1.0)
    strange = stopped_early([Epoch(1, {"val_accuracy": nan})], {"macs": 10.0}, GOALS, 1.0)

    assert (known.state, known.values, known.reason) == (TrialState.STOPPED, (0.5, 10.0), "stopped after epoch 2")
    assert GOALS.told(known) == (0.5, -10.0)
    assert partly.values == (0.5,)
    assert GOALS.told(partly) is None
    assert strange.state is TrialState.NOT_FINITE


def test_nothing_is_reused_of_a_trial_that_is_not_there() -> None:
    assert reused(None) is None
    assert TrialResult(TrialState.COMPLETE, 1.0, others=(2.0,)).values == (1.0, 2.0)
