"""What is acknowledged survives kills, full disks and other processes."""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from archsmith.graph.graph import Graph
from archsmith.storage.facts import StudySpec, TrialState
from archsmith.storage.store import Store, check_store, open_store

HERE = Path(__file__).parent
MINUTE = timedelta(minutes=1)


def begin(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def lines(script: str, *arguments: object) -> list[str]:
    """What a child says that runs to its end."""
    child = begin(script, *arguments)
    said, _ = child.communicate(timeout=120)
    assert child.returncode == 0
    return said.splitlines()


@pytest.fixture
def begun(store: Store, url: str, study_spec: StudySpec, noon: datetime, graph_of: Callable[[int], Graph]) -> str:
    """The URL of a store with study 1, whose driver is long dead, and its trial 0 running."""
    with store.begin() as t:
        t.studies.create(study_spec, None, "ghost", noon - 9 * MINUTE, MINUTE)
        t.trials.start(1, 0, {}, t.graphs.put(graph_of(1)), noon)
    return url


def demand_kept(url: str, acknowledged: list[str]) -> int:
    """Check that a store is sound, holds what was acknowledged, and nothing half; gives its next trial."""
    assert check_store(url) == []
    with closing(open_store(url)) as store, store.read() as t:
        history = t.trials.history(1)
        ended = [trial.number for trial in history if trial.state is TrialState.COMPLETE]
        told = [event.payload["number"] for event in t.events.since(0, limit=10_000)]
        epochs = [len(t.trials.epochs(1, number)) for number in ended]
        unfinished = sum(len(t.trials.epochs(1, trial.number)) for trial in history[len(ended) :])

    assert ended == told == list(range(len(ended)))
    assert epochs == [10] * len(ended)
    assert (len(history) - len(ended), unfinished) in ((0, 0), (1, 0))
    assert {f"ended {number}" for number in ended} >= {a for a in acknowledged if a.startswith("ended")}
    assert {f"began {trial.number}" for trial in history} >= {a for a in acknowledged if "began" in a}
    return len(ended)


def test_a_driver_killed_at_any_moment_loses_nothing_that_it_was_told_is_safe(begun: str) -> None:
    acknowledged: list[str] = []
    following = 0
    for patience in (1, 8, 41):
        child = begin("child_dies.py", begun, following)
        assert child.stdout is not None
        acknowledged += [line.strip() for line in islice(child.stdout, patience)]
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate(timeout=60)
        acknowledged += [line for line in rest.splitlines() if line]
        following = demand_kept(begun, acknowledged)

    assert following >= 20


def test_a_driver_killed_before_any_of_its_statements_leaves_no_half_facts(begun: str) -> None:
    acknowledged = lines("child_dies.py", begun)
    survived = int(acknowledged.pop().removeprefix("survived "))

    assert survived > 20
    assert demand_kept(begun, acknowledged) == 1


def race(url: str, runners: int) -> list[str]:
    """What children say that are let loose at the same moment."""
    children = [begin("child_claims.py", url, f"driver-{i}") for i in range(runners)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    said = [child.communicate(timeout=60)[0].strip() for child in children]
    assert [child.returncode for child in children] == [0] * runners
    return sorted(said)


def test_of_many_who_claim_a_study_one_gets_it(begun: str) -> None:
    assert race(begun, 2) == ["lost", "won"]


def test_processes_that_make_the_same_store_at_once_share_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"

    assert race(url, 3) == ["nothing"] * 3
    assert check_store(url) == []


def test_a_disk_that_fills_is_told_and_costs_nothing_recorded(store: Store, url: str) -> None:
    store.close()
    first, second, recorded, still_there = lines("child_fills_the_disk.py", url, 400_000)

    assert first == second
    assert first.startswith(f"the disk refused to read or write {url}")
    assert int(recorded) > 10
    assert still_there == "True"
    assert check_store(url) == []
    with closing(open_store(url)) as reopened, reopened.read() as t:
        assert len(t.events.since(0, limit=1000)) == int(recorded)


def test_a_disk_without_room_for_a_new_store_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    refusals = lines("child_fills_the_disk.py", url, 10_000)

    assert len(refusals) == 1
    assert refusals[0].startswith("the disk refused")
    open_store(url).close()
    assert check_store(url) == []


@pytest.fixture
def public_folder(empty_file: Path) -> Iterator[Path]:
    """A folder that everybody may read and nobody write; pytest's own are closed to other users."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("store.db", "other.db"):
            shutil.copy(empty_file, folder / file)
        yield folder
        folder.chmod(0o755)


def test_who_may_not_write_can_still_read(public_folder: Path, noon: datetime) -> None:
    with closing(open_store(f"sqlite:///{public_folder}/store.db")) as store, store.begin() as t:
        t.events.append("hello", "s", {}, noon)
    (public_folder / "store.db").chmod(0o444)
    public_folder.chmod(0o555)
    read, found, unwritable, unmade = lines("child_is_nobody.py", public_folder)

    assert (read, found) == ("['hello']", "[]")
    assert "must be writable, and it or its folder is read-only" in unwritable
    assert "cannot be opened: check that its folder exists, and that you may" in unmade
