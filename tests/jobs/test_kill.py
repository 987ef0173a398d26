"""kill -9 of the driver at any moment: no finished trial is lost or runs again, and nothing stays running."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from archsmith.graph.errors import UserError
from archsmith.jobs.driver import LEASE, utc_now
from archsmith.jobs.study import resume_study
from archsmith.storage.facts import JobState, Trial, TrialState
from archsmith.storage.store import check_store, open_store
from tests.jobs.files import SCORE, SPACE, write

TRIALS = 40


def test_a_study_survives_kill_9_at_random_moments(tmp_path: Path) -> None:
    paths = write(tmp_path, space=SPACE, score=SCORE)
    store = f"sqlite:///{tmp_path / 'store.db'}"
    rng = random.Random(1)
    begin = ["search", "run", paths["space"], "--task", f"{paths['score']}:score", "--searcher", "random"]
    begin += ["--trials", str(TRIALS), "--workers", "2", "--store", store]
    _kill_midway(begin, _trials_written(store, 1), rng)
    finished = _finished(store)

    for wanted in (8, 16, 24):
        _kill_midway(["search", "resume", "1", "--workers", "2", "--store", store], _trials_written(store, wanted), rng)
        later = _finished(store)
        assert finished.items() <= later.items()
        finished = later

    with open_store(store).read() as tx:
        killed = tx.studies.get(1, utc_now() + 2 * LEASE)
    assert killed.state is JobState.INTERRUPTED
    resumed = resume_study("1", store=store, workers=2)
    history = _history(store)
    assert resumed.state is JobState.FINISHED
    assert [trial.number for trial in history] == list(range(TRIALS))
    assert all(trial.state is TrialState.COMPLETE for trial in history)
    assert finished.items() <= _finished(store).items()
    assert check_store(store) == []
    measured = [trial for trial in history if trial.result and trial.result.reused_from is None]
    runs = len((tmp_path / "log.txt").read_text().splitlines())
    # A measurement may begin again only where an attempt was lost; each lost attempt is counted by its trial.
    assert len(measured) <= runs <= sum(trial.attempt for trial in history)


def _kill_midway(arguments: list[str], reached: Callable[[], bool], rng: random.Random) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "archsmith", *arguments],
        env={**os.environ, "SCORE_SECONDS": "0.05"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not reached() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(rng.uniform(0.0, 0.2))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL


def _trials_written(store: str, count: int) -> Callable[[], bool]:
    path = Path(store.removeprefix("sqlite:///"))

    def reached() -> bool:
        return path.exists() and path.stat().st_size > 0 and len(_history_or_nothing(store)) >= count

    return reached


def _history_or_nothing(store: str) -> list[Trial]:
    try:
        return _history(store)
    except UserError:  # the other process is about to create it
        return []


def _history(store: str) -> list[Trial]:
    with open_store(store, create=False, read_only=True).read() as tx:
        return tx.trials.history(1)


def _finished(store: str) -> dict[int, Trial]:
    return {trial.number: trial for trial in _history(store) if trial.result is not None}
