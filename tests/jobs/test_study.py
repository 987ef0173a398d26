"""Studies, with the real store and the real sandbox."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.jobs.driver import utc_now
from archsmith.jobs.limits import Limits
from archsmith.jobs.progress import EpochEnded, Message, StudyStarted, TrialEnded, TrialStarted
from archsmith.jobs.study import resume_study, run_study
from archsmith.spaces.decisions import Space, Steps
from archsmith.spaces.nodes import any_of, chain, choose, op, shared
from archsmith.spaces.space import search_space
from archsmith.storage.facts import JobState, Study, Trial, TrialState
from archsmith.storage.store import open_store
from tests.jobs.files import FAULTY, SCORE, SPACE, write


def trials_of(store: str, study: Study) -> list[Trial]:
    with open_store(store).read() as tx:
        return tx.trials.history(study.id)


@pytest.fixture
def place(tmp_path: Path) -> dict[str, str]:
    paths = write(tmp_path, space=SPACE, score=SCORE, faulty=FAULTY)
    return {
        "space": paths["space"],
        "score": f"{paths['score']}:score",
        "faulty": f"{paths['faulty']}:score",
        "store": f"sqlite:///{tmp_path / 'store.db'}",
    }


def test_a_study_measures_its_budget_and_keeps_every_trial(place: dict[str, str]) -> None:
    heard: list[Message] = []

    study = run_study(
        place["space"], task=place["score"], trials=8, workers=2, store=place["store"], listen=heard.append
    )

    trials = trials_of(place["store"], study)
    assert study.state is JobState.FINISHED
    assert [trial.number for trial in trials] == list(range(8))
    assert all(trial.state is TrialState.COMPLETE for trial in trials)
    assert study.best_value == max(trial.result.value for trial in trials if trial.result and trial.result.value)
    assert sum(isinstance(message, TrialEnded) for message in heard) == 8
    assert sum(isinstance(message, TrialStarted) for message in heard) == 8
    assert isinstance(heard[0], StudyStarted)


@dataclass(frozen=True)
class Bare:
    """A space that is walked and printed and cannot say of two traces that they are one architecture."""

    space: Space

    def walk(self) -> Steps[Graph]:
        return (yield from self.space.walk())

    def text(self) -> str:
        return self.space.text()


def test_an_architecture_that_was_measured_is_not_measured_again(place: dict[str, str], tmp_path: Path) -> None:
    idle = shared("idle", choose(1, 2, 3, 4))
    width = shared("width", choose(1, 2))
    net = chain(op("conv2d", out=width + idle - idle, kernel=1), op("relu"))
    few = Bare(search_space(net, input=(1, 4, 4)))

    study = run_study(few, task=place["score"], searcher="random", trials=8, store=place["store"])

    reused = [t for t in trials_of(place["store"], study) if t.result and t.result.reused_from is not None]
    assert len((tmp_path / "log.txt").read_text().splitlines()) == 2
    assert len(reused) == 6


def test_every_way_to_fail_is_recorded_with_its_reason_and_the_study_goes_on(place: dict[str, str]) -> None:
    limits = Limits(seconds=5.0, memory=1 << 28)
    names = ("relu", "sigmoid", "tanh", "gelu", "silu", "elu")
    faults = search_space(chain(op("conv2d", out=2, kernel=1), any_of(*map(op, names))), input=(1, 4, 4))

    study = run_study(
        faults,
        task=place["faulty"],
        searcher="random",
        trials=6,
        workers=2,
        store=place["store"],
        limits=limits,
    )

    by_operator: dict[str, set[tuple[TrialState, str | None]]] = {}
    with open_store(place["store"]).read() as tx:
        for trial in tx.trials.history(study.id):
            assert trial.result is not None
            name = tx.graphs.get(trial.graph).nodes[2].operator
            by_operator.setdefault(name, set()).add((trial.state, trial.result.reason))
    states = {name: {state for state, _ in found} for name, found in by_operator.items()}
    assert states == {
        "relu": {TrialState.COMPLETE},
        "sigmoid": {TrialState.RAISED},
        "tanh": {TrialState.CRASHED},
        "gelu": {TrialState.TIMED_OUT},
        "silu": {TrialState.OUT_OF_MEMORY},
        "elu": {TrialState.NOT_FINITE},
    }
    reasons = {name: next(iter(found))[1] or "" for name, found in by_operator.items()}
    assert "no sigmoid today" in reasons["sigmoid"]
    assert "SIGSEGV" in reasons["tanh"]
    assert "5 s" in reasons["gelu"]


def test_a_resumed_study_proposes_what_an_uninterrupted_one_proposes(place: dict[str, str]) -> None:
    whole = run_study(place["space"], task=place["score"], trials=40, seed=5, store=place["store"])

    for stop in (3, 17, 29):
        part = run_study(place["space"], task=place["score"], trials=stop, seed=5, store=place["store"])
        part = resume_study(part.name, trials=40, store=place["store"])

        expected = [trial.trace for trial in trials_of(place["store"], whole)]
        assert [trial.trace for trial in trials_of(place["store"], part)] == expected


def test_an_interrupted_study_reads_stopped_and_runs_its_lost_trial_again(place: dict[str, str]) -> None:
    def interrupt(message: Message) -> None:
        if isinstance(message, TrialStarted) and message.trial.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(place["space"], task=place["score"], trials=4, store=place["store"], listen=interrupt)
    with open_store(place["store"]).read() as tx:
        stopped = tx.studies.page(utc_now())[0]
        lost = tx.trials.get(stopped.id, 2)
    assert stopped.state is JobState.STOPPED
    assert stopped.shown(lost) == "interrupted"

    resumed = resume_study(stopped.name, store=place["store"])

    trials = trials_of(place["store"], resumed)
    assert resumed.state is JobState.FINISHED
    assert [trial.attempt for trial in trials] == [1, 1, 2, 1]
    assert trials[2].trace == lost.trace


def test_a_changed_space_is_not_resumed(place: dict[str, str], tmp_path: Path) -> None:
    study = run_study(place["space"], task=place["score"], trials=1, store=place["store"])
    write(tmp_path, space=SPACE.replace("choose(1, 3)", "choose(1, 3, 5)"))

    with pytest.raises(UserError, match="it has changed since"):
        resume_study(study.name, store=place["store"], trials=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "digit"}, "digits"),
        ({"task": "digits"}, r"1, 4, 4"),
        ({"searcher": "tpe"}, "evolution"),
        ({"trials": 0}, "trials must be at least 1; got 0"),
        ({"workers": 0}, "workers must be at least 1; got 0"),
        ({"settings": {"epoch": 3}}, "epochs"),
        ({"options": {"initials": 3}}, "initial"),
    ],
)
def test_a_mistake_is_reported_before_anything_is_written(
    place: dict[str, str], tmp_path: Path, change: dict[str, object], message: str
) -> None:
    given = {"task": place["score"], "store": place["store"]} | change

    with pytest.raises(UserError, match=message):
        run_study(place["space"], **given)  # type: ignore[arg-type]  # mistakes of type are among those tried

    assert not (tmp_path / "store.db").exists()


def test_epochs_of_a_real_training_are_heard_and_kept(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    net = search_space(
        chain(op("conv2d", out=4, kernel=3), op("relu"), op("flatten"), op("linear", out=10)), input=(1, 8, 8)
    )
    heard: list[Message] = []

    study = run_study(net, task="digits", trials=1, store=store, settings={"epochs": 2}, listen=heard.append)

    with open_store(store).read() as tx:
        epochs = tx.trials.epochs(study.id, 0)
    assert [epoch.number for epoch in epochs] == [1, 2]
    assert [message.epoch for message in heard if isinstance(message, EpochEnded)] == epochs
    assert study.best_value == pytest.approx(epochs[-1].metrics["val_accuracy"])


def test_the_seconds_of_a_trial_are_those_that_its_worker_took(
    place: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the clock of the study, which stands still, no trial takes any time."""
    monkeypatch.setenv("SCORE_SECONDS", "0.05")
    noon = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    study = run_study(place["space"], task=place["score"], trials=2, store=place["store"], clock=lambda: noon)

    seconds = [trial.result.seconds for trial in trials_of(place["store"], study) if trial.result is not None]
    assert len(seconds) == 2
    assert min(seconds) >= 0.05
