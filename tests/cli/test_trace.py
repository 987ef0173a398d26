"""``archsmith trace`` as a user runs it: the program does what it does, and its calls are in a file."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from archsmith.fuzz.collect.files import read_records

SILENT = """
import sys
print({"torch", "archsmith"} & sys.modules.keys(), sys.argv[1:])
"""

CALLS = """
import subprocess, sys
import importlib.util
assert importlib.util.find_spec("torch") is not None  # asked for, and not imported yet
import torch
print(torch.ones(2, 3).cumsum(0).shape)
if sys.argv[1:] == ["parent"]:
    subprocess.run([sys.executable, __file__, "child"], check=False)
if sys.argv[1:] == ["child"]:
    torch.eye(3).trace()
sys.exit(3)
"""


def trace(*words: str, folder: Path, path: Iterable[Path] = ()) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"PYTHONPATH": os.pathsep.join(map(str, path))} if path else {})
    return subprocess.run(
        [sys.executable, "-m", "archsmith", "trace", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def operators(path: Path) -> set[str]:
    records, complaints = read_records(path)
    assert complaints == []
    return {record.call.operator for record in records}


def test_a_program_is_traced_with_the_programs_that_it_starts(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(CALLS)
    done = trace("--", sys.executable, "program.py", "parent", folder=tmp_path)

    assert done.returncode == 3
    assert done.stdout.splitlines() == ["torch.Size([2, 3])"] * 2
    assert done.stderr == "6 calls, 6 records of 4 operators in calls.jsonl.gz\n"
    names = {"torch.ones", "torch.Tensor.cumsum", "torch.eye", "torch.Tensor.trace"}
    assert operators(tmp_path / "calls.jsonl.gz") == names


def test_figures_come_as_json_and_the_dispatcher_is_seen_if_asked(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(CALLS)
    words = ("--json", "--aten", "--output", "mine.gz", sys.executable, "-m", "program")
    done = trace(*words, folder=tmp_path)

    assert done.returncode == 3
    assert done.stderr == "torch.Size([2, 3])\n"
    assert json.loads(done.stdout) == {
        "output": "mine.gz",
        "exit_code": 3,
        "operators": 4,
        "calls": 4,
        "records": 4,
        "problems": [],
    }
    names = {"torch.ones", "torch.Tensor.cumsum", "aten.ones.default", "aten.cumsum.default"}
    assert operators(tmp_path / "mine.gz") == names


def test_a_program_without_torch_runs_as_it_would(tmp_path: Path) -> None:
    """Without torch, with options of its own, with a start file of its own, and over what an earlier trace left."""
    (tmp_path / "program.py").write_text(SILENT)
    (tmp_path / "sitecustomize.py").write_text("print('started')")
    (tmp_path / "calls.jsonl.gz").write_text("from another time")
    done = trace(sys.executable, "program.py", "--json", "--", "-x", folder=tmp_path, path=[tmp_path])

    assert done.returncode == 0
    assert done.stdout.splitlines() == ["started"] * 2 + ["set() ['--json', '--', '-x']"]
    assert done.stderr == "no calls of PyTorch were seen; calls.jsonl.gz is empty\n"


def test_a_signal_that_ends_the_program_is_its_exit_code(tmp_path: Path) -> None:
    done = trace("--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)", folder=tmp_path)

    assert done.returncode == 128 + signal.SIGKILL


def test_an_interrupted_trace_ends_its_program_and_keeps_what_was_seen(tmp_path: Path) -> None:
    program = "import torch, time; torch.ones(2); open('ready', 'w').close(); time.sleep(60)"
    command = [sys.executable, "-m", "archsmith", "trace", "--", sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True) as running:
        while not (tmp_path / "ready").exists() and running.poll() is None:
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=60)

    assert running.returncode == 130
    assert said.endswith(b"interrupted\n")
    assert operators(tmp_path / "calls.jsonl.gz") == {"torch.ones"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--", "no-such-program"], "no-such-program: No such file or directory"),
        (["--output", "nowhere/calls.gz", "--", "true"], "nowhere/calls.gz: No such file or directory"),
        ([], "Missing argument 'COMMAND...'"),
    ],
    ids=["program", "output", "nothing"],
)
def test_mistakes_are_told_in_a_line(tmp_path: Path, words: list[str], problem: str) -> None:
    done = trace(*words, folder=tmp_path)

    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
