"""Studies with several fidelities and early stops: who is trained how far, and what a kill costs."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archsmith.graph.errors import UserError
from archsmith.jobs.artifacts import beside
from archsmith.jobs.named import Named
from archsmith.jobs.orders import Orders
from archsmith.jobs.progress import EpochEnded, Message, TrialPaused, TrialPromoted
from archsmith.jobs.study import resume_study, run_study
from archsmith.storage.facts import Epoch, Trial, TrialState
from archsmith.storage.store import check_store, open_store
from tests.jobs.files import NETS, POINTS, SCORE, write

KILLED = """
import os, signal, sys
from archsmith.jobs import run_study
from archsmith.jobs.progress import EpochEnded, TrialPromoted

promoted = set()


def listen(message):
    if isinstance(message, TrialPromoted):
        promoted.add(message.trial.number)
    if isinstance(message, EpochEnded) and message.number in promoted:
        os.kill(os.getpid(), signal.SIGKILL)


space, task, store = sys.argv[1:]
run_study(space, task=task, store=store, searcher="random", trials=4, settings={"epochs": 4},
          fidelity="halving:reduction=2", listen=listen)
"""
"""Runs a study as ``place`` has it, and kills itself when the first epoch behind a rung is written."""


@pytest.fixture
def place(tmp_path: Path) -> dict[str, Any]:
    paths = write(tmp_path, nets=NETS, points=POINTS)
    return {
        "space": paths["nets"],
        "task": paths["points"],
        "store": f"sqlite:///{tmp_path / 'store.db'}",
        "searcher": "random",
        "trials": 4,
        "settings": {"epochs": 4},
    }


def history(store: str, study: int) -> list[Trial]:
    with open_store(store).read() as tx:
        return tx.trials.history(study)


def told(trials: list[Trial]) -> list[tuple[object, ...]]:
    """What a trial's end says but for the time it took."""
    return [(t.number, t.state, t.trace, t.until, t.reached, t.result and t.result.value) for t in trials]


def epochs(store: str, study: int, number: int) -> list[Epoch]:
    with open_store(store).read() as tx:
        return tx.trials.epochs(study, number)


def test_halving_trains_the_best_of_a_rung_on_from_its_checkpoint(place: dict[str, Any]) -> None:
    heard: list[Message] = []
    study = run_study(**place, fidelity="halving:reduction=2", listen=heard.append)
    whole = run_study(**place)

    trials = history(place["store"], study.id)
    full = {trial.number: trial.result for trial in history(place["store"], whole.id)}
    reached = [len(epochs(place["store"], study.id, trial.number)) for trial in trials]
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    assert sorted(reached) == [1, 1, 2, 4]
    assert len(complete) == 1
    assert sum(trial.state is TrialState.STOPPED for trial in trials) == 3
    assert sum(isinstance(message, TrialPaused) for message in heard) == 4 + 2
    assert sum(isinstance(message, TrialPromoted) for message in heard) == 2 + 1
    for trial in complete:
        result, same = trial.result, full[trial.number]
        assert result is not None
        assert same is not None
        assert (result.value, result.measurement["test_accuracy"]) == (same.value, same.measurement["test_accuracy"])
    assert study.best_number == complete[0].number
    assert list(beside(place["store"]).folder.glob("*.ckpt")) == []


def test_a_searcher_is_told_of_a_trial_at_every_rung(place: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from archsmith.search.random import RandomSearch

    tells: list[tuple[tuple[object, ...], object]] = []
    tell = RandomSearch.tell

    def note(self: RandomSearch, trace: Any, values: Any, *, violation: float = 0.0) -> None:
        tells.append((tuple(trace.answers), values))
        tell(self, trace, values, violation=violation)

    monkeypatch.setattr(RandomSearch, "tell", note)
    run_study(**place, fidelity="asha:reduction=4")

    assert len({trace for trace, _ in tells}) == 4
    assert len(tells) > 4
    assert all(isinstance(value, float) for _, value in tells)


@pytest.mark.parametrize("stop", [TrialPaused, TrialPromoted])
def test_an_interrupted_study_with_rungs_ends_as_an_uninterrupted_one(place: dict[str, Any], stop: type) -> None:
    given = place | {"fidelity": "halving:reduction=2"}
    whole = run_study(**given)

    def interrupt(message: Message) -> None:
        if isinstance(message, stop):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(**given, name="cut", listen=interrupt)
    part = resume_study("cut", store=place["store"])

    assert told(history(place["store"], part.id)) == told(history(place["store"], whole.id))
    assert check_store(place["store"]) == []


@pytest.mark.parametrize("harm", ["none", "lost", "cut short"])
def test_a_promoted_trial_survives_kill_9(place: dict[str, Any], monkeypatch: pytest.MonkeyPatch, harm: str) -> None:
    command = [sys.executable, "-c", KILLED, place["space"], place["task"], place["store"]]
    killed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (lost,) = [trial for trial in history(place["store"], 1) if trial.state is TrialState.RUNNING]
    assert (lost.reached, lost.until) == (1, 2)
    assert lost.checkpoint is not None
    checkpoint = beside(place["store"]).folder / lost.checkpoint
    left = checkpoint.with_name("0123-1-3.ckpt")
    left.write_bytes(b"of a trial that ended just before the kill")
    if harm == "lost":
        checkpoint.unlink()
    if harm == "cut short":
        checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    resumes: list[object] = []
    make = Orders.trial

    def note(self: Orders, trial: Trial, *rest: Any) -> Any:
        job = make(self, trial, *rest)
        resumes.extend([job.payload["resume"]] if trial.number == lost.number else [])
        return job

    monkeypatch.setattr(Orders, "trial", note)
    heard: list[Message] = []
    study = resume_study("1", store=place["store"], listen=heard.append)
    whole = run_study(**place, fidelity="halving:reduction=2")

    again = [message.epoch.number for message in heard if isinstance(message, EpochEnded)]
    ways = {"none": (str(checkpoint),), "lost": (None,), "cut short": (str(checkpoint), None)}
    expected = list(ways[harm])
    assert told(history(place["store"], study.id)) == told(history(place["store"], whole.id))
    assert resumes[: len(expected)] == expected
    assert again[0] == 2
    assert study.counts[TrialState.COMPLETE] == 1
    assert list(beside(place["store"]).folder.glob("*.ckpt")) == []


def test_trials_that_wait_when_the_minutes_are_over_are_promoted_by_a_resume(place: dict[str, Any]) -> None:
    given = place | {"fidelity": "halving:reduction=2"}
    times = [datetime(2026, 3, 1, tzinfo=UTC)]

    def wait(message: Message) -> None:
        if isinstance(message, TrialPromoted):
            times.append(times[0] + timedelta(hours=1))

    study = run_study(**given, minutes=5.0, listen=wait, clock=lambda: times[-1])
    waiting = list(beside(place["store"]).folder.glob("*.ckpt"))
    resumed = resume_study(study.name, store=place["store"])
    whole = run_study(**given)

    assert (study.reason, study.counts[TrialState.PAUSED]) == ("minutes: 5 are over", 4)
    assert len(waiting) == 4
    assert told(history(place["store"], resumed.id)) == told(history(place["store"], whole.id))


def test_more_trials_go_on_with_the_rungs(place: dict[str, Any]) -> None:
    study = run_study(**place, fidelity="asha:reduction=2")
    more = resume_study(study.name, store=place["store"], trials=9)

    assert more.ended == 9
    assert more.counts[TrialState.PAUSED] == more.counts[TrialState.RUNNING] == 0
    assert more.counts[TrialState.COMPLETE] >= study.counts[TrialState.COMPLETE] > 0


@pytest.mark.parametrize("rule", ["median:least=1,others=2", "optuna-median:n_startup_trials=2"])
def test_a_trial_below_the_median_is_given_up_while_it_runs(place: dict[str, Any], rule: str) -> None:
    given = place | {"trials": 10, "settings": {"epochs": 6}}
    study = run_study(**given, stop_early=rule)

    trials = history(place["store"], study.id)
    stopped = [trial for trial in trials if trial.state is TrialState.STOPPED]
    assert stopped
    assert all(trial.result is not None and trial.result.value is not None for trial in stopped)
    for trial in stopped:
        assert trial.result is not None
        last = epochs(place["store"], study.id, trial.number)[-1]
        assert trial.result.value == last.metrics["val_accuracy"]
        assert last.number < 6
        assert trial.result.reason == f"stopped after epoch {last.number}"
    assert study.best_number not in [trial.number for trial in stopped]


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"fidelity": "halve"}, "a fidelity must be one of"),
    ({"fidelity": "asha:rungs=3"}, "fidelity asha takes the options"),
    ({"fidelity": "asha:least"}, "asha takes options as asha:KEY=VALUE"),
    ({"fidelity": "asha", "settings": {"steps": 9}}, "so many epochs, the same for every trial; steps are given"),
    ({"fidelity": "asha", "objectives": ["min:macs"]}, "by their first objective after an epoch: that must be"),
    ({"stop_early": "soon"}, "early stopping must be one of curve, median and optuna-NAME .*; got 'soon'"),
    ({"stop_early": "optuna-soon"}, "optuna-NAME takes one of halving, .* as its NAME; got 'optuna-soon'"),
    ({"stop_early": "optuna-percentile"}, "needs percentile: give optuna-percentile:percentile=25.0"),
    ({"stop_early": "optuna-patient"}, "needs patience: give optuna-patient:patience=3"),
    ({"stop_early": "optuna-median:least=2"}, "takes the options n_startup_trials, .*; got least"),
    ({"stop_early": "optuna-threshold"}, "Either lower or upper must be specified"),
    ({"screen": "naswot"}, "screening is PROXY:K"),
    ({"screen": "luck:4"}, "screening is by one of parameters, macs, .*; got luck"),
    ({"screen": "naswot:1"}, "with K candidates, at least 2"),
]


@pytest.mark.parametrize(("change", "message"), MISTAKES)
def test_a_wish_that_cannot_be_met_is_refused_before_anything_is_written(
    place: dict[str, Any], tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        run_study(**(place | change))

    assert not (tmp_path / "store.db").exists()


@pytest.mark.parametrize("wish", [{"fidelity": "asha"}, {"stop_early": "median"}, {"inherit": True}])
def test_a_measure_of_ones_own_has_no_rungs_and_no_weights(
    place: dict[str, Any], tmp_path: Path, wish: dict[str, Any]
) -> None:
    score = write(tmp_path, score=SCORE)["score"]

    with pytest.raises(UserError, match="is for tasks that networks are trained on"):
        run_study(**(place | {"task": f"{score}:score"} | wish))


def test_a_name_with_options_is_read_as_it_is_written() -> None:
    assert Named.parse("asha") == Named("asha")
    assert Named.parse("curve:least=3,probability=0.9,x=true,y=z") == Named(
        "curve", {"least": 3, "probability": 0.9, "x": True, "y": "z"}
    )
