"""Objectives and constraints: read, judged, led by, and kept in the store as they were measured."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from archsmith.evaluate.tasks import load_task
from archsmith.graph.errors import UserError
from archsmith.jobs.objectives import NotANumber, NotReported, read_goals
from archsmith.jobs.study import resume_study, run_study
from archsmith.storage.facts import JobState, Study, Trial, TrialState
from archsmith.storage.goals import Constraint, Direction, Objective
from archsmith.storage.store import open_store
from tests.jobs.files import SPACE, write

MEASURE = '''
"""Several numbers of a network: how wide it is, what its activation is called, and the number of its parameters."""


def several(graph):
    width, activation = graph.nodes[1].attribute["out"], graph.nodes[2].operator
    return {"value": float(width), "letters": float(len(activation)), "odd": float("nan") if width == 3 else 1.0}
'''


@pytest.fixture
def place(tmp_path: Path) -> dict[str, Any]:
    paths = write(tmp_path, space=SPACE, measure=MEASURE)
    return {
        "space": paths["space"],
        "task": f"{paths['measure']}:several",
        "store": f"sqlite:///{tmp_path / 'store.db'}",
        "searcher": "random",
    }


def history(store: str, study: Study) -> list[Trial]:
    with open_store(store).read() as tx:
        return tx.trials.history(study.id)


@pytest.mark.parametrize(
    ("text", "name", "direction"),
    [
        ("val_accuracy", "val_accuracy", Direction.MAX),
        ("max:macs", "macs", Direction.MAX),
        ("min:my own score", "my own score", Direction.MIN),
    ],
)
def test_an_objective_is_read_from_its_text(text: str, name: str, direction: Direction) -> None:
    found = Objective.parse(text)

    assert found == Objective(name, direction)
    assert Objective.parse(str(found)) == found


@pytest.mark.parametrize("text", ["", "max:", "more:macs", "min:a:b", "a <= 3", "a,b"])
def test_what_is_no_objective_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="an objective is max:NAME, min:NAME or NAME"):
        Objective.parse(text)


@pytest.mark.parametrize(
    ("text", "value", "broken"),
    [
        ("latency_ms <= 5", 5.0, 0.0),
        ("latency_ms<=5", 7.5, 0.5),
        ("val_accuracy >= 0.5", 0.25, 0.5),
        ("val_accuracy >= 0.5", 0.75, 0.0),
        ("macs < 100", 99.0, 0.0),
        ("skew >= -2", -3.0, 0.5),
    ],
)
def test_a_constraint_says_by_which_share_of_its_limit_it_is_broken(text: str, value: float, broken: float) -> None:
    constraint = Constraint.parse(text)

    assert constraint.violation(value) == broken
    assert Constraint.parse(str(constraint)) == constraint


def test_a_strict_constraint_is_broken_at_its_limit() -> None:
    assert Constraint.parse("macs < 100").violation(100) > 0
    assert Constraint.parse("macs > 0").violation(0) > 0


@pytest.mark.parametrize("text", ["macs", "macs = 3", "macs <= many", "<= 3", "macs <= nan", "a <= b <= 3"])
def test_what_is_no_constraint_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="a constraint is NAME <= NUMBER"):
        Constraint.parse(text)


@pytest.mark.parametrize(
    ("objectives", "constraints", "message"),
    [
        (["max:accuracy"], [], "a goal of task digits must be one of val_accuracy, train_loss, .*; got accuracy"),
        (["test_accuracy"], [], "never led by the test part"),
        (["val_accuracy"], ["test_accuracy >= 0.5"], "never led by the test part"),
        (["macs", "min:macs"], [], "macs twice"),
    ],
)
def test_a_goal_that_a_task_cannot_have_is_refused(objectives: list[str], constraints: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_goals(objectives, constraints, load_task("digits"))


def test_the_goal_is_that_of_the_task_where_none_is_named() -> None:
    goals = read_goals([], [], load_task("digits"))

    assert goals.objectives == (Objective("val_accuracy"),)
    assert goals.trains
    assert goals.extras == []


def test_a_network_is_trained_only_where_a_goal_needs_it() -> None:
    lean = read_goals(["min:parameters"], ["macs <= 1000"], load_task("digits"))
    both = read_goals(["val_accuracy", "min:latency_ms"], ["macs <= 1000"], load_task("digits"))

    assert not lean.trains
    assert lean.extras == ["parameters", "macs"]
    assert both.trains
    assert both.extras == ["latency_ms"]


def test_a_measurement_without_a_goal_is_not_judged() -> None:
    goals = read_goals(["val_accuracy"], ["macs <= 10"], load_task("digits"))

    assert goals.judge({"val_accuracy": 0.5, "macs": 15.0}) == ((0.5,), 0.5)
    with pytest.raises(NotReported, match="no macs was measured, only val_accuracy"):
        goals.judge({"val_accuracy": 0.5})
    with pytest.raises(NotANumber, match="macs is nan"):
        goals.judge({"val_accuracy": 0.5, "macs": float("nan")})


def test_a_study_that_minimises_keeps_values_as_they_are_and_finds_the_least(place: dict[str, Any]) -> None:
    study = run_study(**place, trials=20, objectives=["min:letters"])

    trials = history(place["store"], study)
    values = [trial.result.values[0] for trial in trials if trial.result is not None]
    assert study.best_value == min(values) == 3.0
    with open_store(place["store"]).read() as tx:
        ranked = [trial.result.values[0] for trial in tx.trials.page(study.id, None, 20, order="value") if trial.result]
        curve = tx.trials.curve(study.id)
    assert ranked == sorted(values)
    assert [point.best for point in curve] == [min(values[: i + 1]) for i in range(20)]


def test_the_front_of_several_objectives_is_what_no_other_trial_beats(place: dict[str, Any]) -> None:
    study = run_study(**place, trials=30, objectives=["value", "min:letters"])

    with open_store(place["store"]).read() as tx:
        front = tx.trials.front(study.id)
    points = [trial.result.values for trial in history(place["store"], study) if trial.result is not None]
    found = [trial.result.values for trial in front if trial.result is not None]
    best = {(v, n) for v, n in points if not any((w >= v and m <= n and (w, m) != (v, n)) for w, m in points)}
    assert set(found) == best
    assert found == sorted(best, reverse=True)


def test_what_breaks_a_constraint_is_never_the_best(place: dict[str, Any]) -> None:
    study = run_study(**place, trials=30, constraints=["letters <= 3", "value < 6"])

    trials = history(place["store"], study)
    points = [(*t.result.values, t.result.measurement["letters"], t.result.violation) for t in trials if t.result]
    kept = [value for value, letters, _ in points if letters <= 3 and value < 6]
    assert study.best_value == max(kept)
    assert all((violation == 0.0) == (letters <= 3 and value < 6) for value, letters, violation in points)


def test_a_trial_with_a_number_that_is_none_has_no_value(place: dict[str, Any]) -> None:
    study = run_study(**place, trials=30, constraints=["odd <= 2"])

    states = {trial.state for trial in history(place["store"], study)}
    assert states == {TrialState.COMPLETE, TrialState.NOT_FINITE}


def test_a_number_that_the_measure_does_not_report_stops_the_study(place: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="cannot be judged: no speed was measured, only letters, odd, value"):
        run_study(**place, trials=3, objectives=["value", "speed"])

    with open_store(place["store"]).read() as tx:
        study = tx.studies.find("1", datetime.now(UTC))
    assert study.state is JobState.STOPPED
    assert study.reason == "goals cannot be judged: no speed was measured, only letters, odd, value"


def test_a_single_goal_may_be_a_string() -> None:
    goals = read_goals("min:macs", "parameters <= 50", load_task("digits"))

    assert goals.objectives == (Objective("macs", Direction.MIN),)
    assert goals.constraints == (Constraint.parse("parameters <= 50"),)


def test_a_searcher_for_one_objective_is_refused_for_several(place: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"searcher mcts is for one objective, .* use .*random"):
        run_study(**(place | {"searcher": "mcts"}), objectives=["value", "letters"])

    assert not (tmp_path / "store.db").exists()


def test_a_resumed_study_of_several_objectives_goes_on_as_it_would_have(place: dict[str, Any]) -> None:
    goals: dict[str, Any] = {"objectives": ["value", "min:letters"], "constraints": ["value <= 5"]}
    whole = run_study(**place, **goals, trials=12)
    part = run_study(**place, **goals, trials=5)
    part = resume_study(part.name, store=place["store"], trials=12)

    traces = [[trial.trace for trial in history(place["store"], study)] for study in (whole, part)]
    assert traces[0] == traces[1]
    assert part.spec.objectives == whole.spec.objectives
