"""Input of every odd kind: a mistake is one line and exit code 2, and standard output belongs to the answer."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from archsmith.storage.store import open_store
from tests.jobs.files import SCORE, SPACE, write

LOUD = "print('hello from the task')\n" + SCORE
WIDE = "def score(graph):\n    return {'value': 1.0, 'parameters': float('nan')}\n"
STORE = "sqlite:///store.db"


def archsmith(*arguments: str, cwd: Path, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "archsmith", *arguments],
        cwd=cwd,
        env={key: value for key, value in os.environ.items() if key != "ARCHSMITH_STORE"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=before,
    )


def search(cwd: Path, *words: str, task: str = "task.py:score") -> subprocess.CompletedProcess[str]:
    return archsmith("search", "run", "space.py", "--task", task, "--trials", "1", "--store", STORE, *words, cwd=cwd)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--trials", "9" * 400], "trials must be below 2^63"),
        (["--memory", "1e305"], "a limit of memory must be a number of bytes above 0; got inf"),
        (["--memory", "nan"], "a limit of memory must be a number of bytes above 0; got nan"),
        (["--seconds", "inf"], "a limit of time must be a number of seconds above 0; got inf"),
    ],
)
def test_numbers_of_no_use_are_refused(tmp_path: Path, words: list[str], message: str) -> None:
    write(tmp_path, space=SPACE, task=SCORE)

    done = search(tmp_path, *words)

    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_limit_beyond_all_memory_is_no_limit(tmp_path: Path) -> None:
    write(tmp_path, space=SPACE, task=SCORE)

    done = search(tmp_path, "--memory", "1e12", "--json")

    assert json.loads(done.stdout)["best"]["state"] == "complete"


def test_a_task_that_prints_leaves_the_json_alone(tmp_path: Path) -> None:
    write(tmp_path, space=SPACE, task=LOUD)

    run = search(tmp_path, "--json")
    resumed = archsmith("search", "resume", "1", "--trials", "2", "--store", STORE, "--json", cwd=tmp_path)

    assert json.loads(run.stdout)["best"]["state"] == "complete"
    assert json.loads(resumed.stdout)["study"]["state"] == "finished"
    assert "hello from the task" in run.stderr


def test_a_score_is_printed_and_a_count_may_be_nan(tmp_path: Path) -> None:
    write(tmp_path, space=SPACE, task=WIDE)

    run = search(tmp_path)
    shown = archsmith("search", "show", "1", "--store", STORE, cwd=tmp_path)

    assert "trial 1/0  value 1  parameters nan" in run.stdout
    assert shown.returncode == 0, shown.stderr
    assert "nan" in shown.stdout


@pytest.mark.parametrize("text", ["tool = 3\n", "[tool]\narchsmith = 'x'\n", "[tool.archsmith]\n"])
def test_a_configuration_without_a_store_is_no_traceback(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)

    done = archsmith("search", "list", cwd=tmp_path)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_more_workers_than_the_machine_allows_are_a_mistake(tmp_path: Path) -> None:
    write(tmp_path, space=SPACE, task=SCORE)

    done = archsmith(
        *("search", "run", "space.py", "--task", "task.py:score", "--searcher", "random"),
        *("--trials", "30", "--workers", "30", "--store", STORE),
        cwd=tmp_path,
        before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)),
    )

    assert done.returncode == 2
    assert "use fewer workers" in done.stderr.splitlines()[-1]


def test_a_terminated_search_is_left_stopped(tmp_path: Path) -> None:
    write(tmp_path, space=SPACE, task=SCORE)
    words = ["search", "run", "space.py", "--task", "task.py:score", "--trials", "20", "--store", STORE]
    running = subprocess.Popen(
        [sys.executable, "-m", "archsmith", *words],
        cwd=tmp_path,
        env={**os.environ, "SCORE_SECONDS": "0.2"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "log.txt").exists() and running.poll() is None:
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=60)

    with open_store(f"sqlite:///{tmp_path / 'store.db'}").read() as tx:
        row = tx.events.since(0, subject="study/1")[-1]
    assert running.returncode == 130
    assert said.splitlines()[-1] == "interrupted"
    assert row.kind == "study stopped"


def test_a_campaign_may_be_called_latest(tmp_path: Path) -> None:
    for name in ("latest", "newer"):
        words = ["--cases", "1", "--oracle", "aot_eager", "--name", name, "--store", STORE]
        assert archsmith("fuzz", "run", *words, cwd=tmp_path).returncode in (0, 1)

    named = archsmith("fuzz", "run", "--resume", "latest", "--store", STORE, "--json", cwd=tmp_path)
    last = archsmith("fuzz", "run", "--resume", "--store", STORE, "--json", cwd=tmp_path)

    assert json.loads(named.stdout)["name"] == "latest"
    assert json.loads(last.stdout)["name"] == "newer"
