"""Stopping rules: whichever comes first ends the study, which says why, and a resume goes on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archsmith.graph.errors import UserError
from archsmith.jobs.objectives import Goals
from archsmith.jobs.progress import Message, StudyEnded, TrialEnded
from archsmith.jobs.stopping import EXHAUSTED, Ending, Stopping
from archsmith.jobs.study import resume_study, run_study
from archsmith.spaces.nodes import chain, choose, op
from archsmith.spaces.space import search_space
from archsmith.storage.facts import JobState, TrialResult, TrialState
from archsmith.storage.goals import Direction, Objective
from archsmith.storage.store import open_store
from tests.jobs.files import SCORE, SPACE, write

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path) -> dict[str, Any]:
    paths = write(tmp_path, space=SPACE, score=SCORE)
    return {
        "space": paths["space"],
        "task": f"{paths['score']}:score",
        "store": f"sqlite:///{tmp_path / 'store.db'}",
        "searcher": "random",
    }


def ending(stopping: Stopping, *objectives: Objective) -> Ending:
    return Ending(stopping, Goals(objectives or (Objective("value"),), (), own=True), NOON)


def complete(*values: float, violation: float = 0.0) -> TrialResult:
    return TrialResult(TrialState.COMPLETE, values[0], others=values[1:], violation=violation)


FAILED = TrialResult(TrialState.RAISED, None)


def test_patience_counts_the_trials_since_the_last_better_one() -> None:
    watch = ending(Stopping(patience=3))

    reasons = []
    for number, result in enumerate([complete(1.0), complete(0.5), FAILED, complete(2.0), complete(2.0), FAILED]):
        watch.note(number, result)
        reasons.append(watch.reached)
    watch.note(6, complete(3.0, violation=0.1))

    assert reasons == [None] * 6
    assert watch.reached == "patience: no improvement in 3 trials"
    assert watch.best == (3, 2.0)


def test_a_new_member_of_the_front_is_an_improvement() -> None:
    watch = ending(Stopping(patience=2), Objective("value"), Objective("macs", Direction.MIN))

    for number, result in enumerate([complete(1.0, 5.0), complete(0.5, 4.0), complete(0.4, 6.0), complete(0.1, 3.0)]):
        watch.note(number, result)

    assert watch.front == 3
    assert watch.reached is None


def test_a_target_is_reached_from_the_side_of_its_direction() -> None:
    up, down = ending(Stopping(target=0.9)), ending(Stopping(target=0.9), Objective("loss", Direction.MIN))
    for watch in (up, down):
        watch.note(0, complete(0.95))
        watch.note(1, complete(0.5, violation=1.0))

    assert up.reached == "target: trial 0 has reached value 0.9"
    assert down.reached is None


def test_minutes_are_those_of_the_clock() -> None:
    watch = ending(Stopping(minutes=1.5))

    assert watch.late(NOON + timedelta(seconds=89)) is None
    assert watch.late(NOON + timedelta(seconds=90)) == "minutes: 1.5 are over"


@pytest.mark.parametrize("given", [{"minutes": 0.0}, {"patience": 0}, {"target": float("nan")}])
def test_a_bound_that_is_none_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"{next(iter(given))} must be"):
        Stopping(**given)


def test_a_study_ends_at_its_target_and_a_higher_one_lets_it_go_on(place: dict[str, Any]) -> None:
    heard: list[Message] = []
    study = run_study(**place, trials=60, target=5.0, listen=heard.append)
    resumed = resume_study(study.name, store=place["store"], target=6.0)

    assert study.state is JobState.FINISHED
    assert study.reason is not None
    assert study.reason.startswith("target: ")
    assert study.reason in [message.reason for message in heard if isinstance(message, StudyEnded)]
    assert study.best_value is not None
    assert study.best_value >= 5.0
    assert study.ended < 60
    assert resumed.best_value is not None
    assert resumed.best_value >= 6.0


def test_a_study_whose_space_has_nothing_left_is_over(place: dict[str, Any]) -> None:
    few = search_space(chain(op("conv2d", out=choose(1, 2, 3), kernel=1), op("relu")), input=(1, 4, 4))

    study = run_study(**(place | {"space": few}), trials=50, workers=2)

    assert (study.state, study.reason, study.ended) == (JobState.FINISHED, EXHAUSTED, 3)


def test_a_study_that_was_patient_enough_says_so(place: dict[str, Any]) -> None:
    study = run_study(**place, trials=60, patience=4)

    assert study.reason == "patience: no improvement in 4 trials"
    with open_store(place["store"]).read() as tx:
        events = [event for event in tx.events.since(0) if event.kind == "study finished"]
        curve = tx.trials.curve(study.id)
    assert events[0].payload == {"reason": study.reason}
    assert len({point.best for point in curve[-5:]}) == 1
    assert all(point.best is not None for point in curve)


def test_minutes_that_pass_with_the_last_trial_are_no_reason(place: dict[str, Any]) -> None:
    times = [NOON]

    def wait(message: Message) -> None:
        if isinstance(message, TrialEnded) and message.number == 2:
            times.append(NOON + timedelta(hours=1))

    study = run_study(**place, trials=3, minutes=5.0, listen=wait, clock=lambda: times[-1])

    assert (study.ended, study.reason) == (3, "trials: all 3 were run")


def test_minutes_are_over_by_the_clock_that_is_given(place: dict[str, Any]) -> None:
    class Clock:
        now = NOON

        def __call__(self) -> datetime:
            self.now += timedelta(seconds=1)
            return self.now

    study = run_study(**place, trials=60, minutes=1.0, clock=Clock())
    resumed = resume_study(study.name, store=place["store"], trials=60, minutes=1e6, clock=Clock())

    assert study.reason == "minutes: 1 are over"
    assert 0 < study.ended < 60
    assert resumed.ended == 60
    assert resumed.reason == "trials: all 60 were run"
