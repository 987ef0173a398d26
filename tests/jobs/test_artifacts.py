"""Weights beside the store: found again from every spelling of its URL, and never lost or mixed up."""

from pathlib import Path

import pytest

from archsmith.graph.errors import UserError
from archsmith.jobs.artifacts import Artifacts, beside
from archsmith.jobs.driver import utc_now
from archsmith.jobs.export import export_trial
from archsmith.jobs.study import resume_study, run_study
from archsmith.spaces.nodes import chain, op
from archsmith.spaces.space import search_space
from archsmith.storage.facts import JobState, Study, Trial, TrialState
from archsmith.storage.store import open_store
from tests.jobs.files import SCORE, write

NET = search_space(chain(op("flatten"), op("linear", out=10)), input=(1, 8, 8))
UNWRITABLE = Path("/proc/weights.pt")
"""Not even root may create a file there."""


def trial_of(store: str, study: Study) -> Trial:
    with open_store(store).read() as tx:
        return tx.trials.get(study.id, 0)


@pytest.mark.parametrize("name", ["store.db", "ünï #1.db", "with space.db", "50%.db"])
def test_the_weights_are_exported_whatever_the_name_of_the_store(tmp_path: Path, name: str) -> None:
    store = f"sqlite:///{tmp_path / name}"
    run_study(NET, task="digits", trials=1, store=store, settings={"epochs": 1})

    exported = export_trial("1/best", tmp_path / "best.py", store=store)

    assert exported.weights == tmp_path / "best.pt"
    assert exported.weights.is_file()
    assert exported.picture is None
    assert not (tmp_path / "best.svg").exists()
    assert beside(store).folder == (tmp_path / name).with_name(f"{Path(name).stem}-artifacts")


def test_the_artifacts_of_a_server_do_not_depend_on_where_a_job_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert beside("postgresql://somebody:secret@localhost/studies").folder == tmp_path / "archsmith-artifacts"


def test_a_disk_that_does_not_take_the_weights_stops_the_study_and_costs_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    path = tmp_path / "net.py"
    path.write_text(
        "from archsmith.spaces.nodes import chain, op\n"
        "from archsmith.spaces.space import search_space\n"
        "space = search_space(chain(op('flatten'), op('linear', out=10)), input=(1, 8, 8))\n"
    )
    with monkeypatch.context() as full:
        full.setattr(Artifacts, "fresh", lambda artifacts, name: UNWRITABLE)
        with pytest.raises(UserError, match=r"/proc must take the trained weights, .* then resume"):
            run_study(str(path), task="digits", trials=1, store=store, settings={"epochs": 1})
    with open_store(store).read() as tx:
        stopped = tx.studies.get(1, utc_now())
    assert stopped.state is JobState.STOPPED
    assert trial_of(store, stopped).state is TrialState.RUNNING

    resumed = resume_study("1", store=store)

    trial = trial_of(store, resumed)
    assert (trial.state, trial.attempt) == (TrialState.COMPLETE, 2)
    assert trial.result is not None
    assert trial.result.weights is not None


def test_what_a_killed_job_left_is_not_taken_for_the_weights_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archsmith.jobs.orders.os.getpid", lambda: 1)
    score = write(tmp_path, score=SCORE)["score"]
    store = f"sqlite:///{tmp_path / 'store.db'}"
    left = tmp_path / "store-artifacts" / "incoming" / "1-0-1.pt"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"weights of a store that was removed")
    images = search_space(chain(op("conv2d", out=2, kernel=1), op("relu")), input=(1, 4, 4))

    study = run_study(images, task=f"{score}:score", trials=1, store=store)

    trial = trial_of(store, study)
    assert trial.result is not None
    assert trial.result.weights is None
    assert not left.exists()


def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    run_study(NET, task="digits", trials=1, store=store, settings={"epochs": 1})
    (tmp_path / "best.pt").write_bytes(b"older weights")
    (tmp_path / "folder.py").mkdir()

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as part:
            part.write(content[:10])
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="it is a folder"):
        export_trial("1/best", tmp_path / "folder.py", store=store)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="No space left on device"):
        export_trial("1/best", tmp_path / "best.py", store=store)

    assert (tmp_path / "best.pt").read_bytes() == b"older weights"
    assert not (tmp_path / "folder.pt").exists()
    assert sorted(path.name for path in tmp_path.iterdir() if "best" in path.name) == ["best.pt"]
