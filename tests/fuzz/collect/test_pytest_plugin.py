"""The plugin traces tests if it is asked to, and costs nothing if it is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from archsmith.fuzz.collect.files import read_records

TESTS = """
import torch

X = torch.ones(2, 3)

def test_passes():
    assert X.sum() == 6

def test_fails():
    torch.mm(X, X)
"""

LIGHT = """
import sys

def test_light():
    heavy = {"torch", "numpy", "archsmith.graph", "archsmith.fuzz.collect.files"} & sys.modules.keys()
    assert heavy == set()
    assert "archsmith.fuzz.collect.pytest_plugin" in sys.modules
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    plugin = "archsmith.fuzz.collect.pytest_plugin"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", plugin, "-p", "xdist", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def recorded(folder: Path, done: subprocess.CompletedProcess[str], name: str) -> set[str]:
    records, complaints = read_records(folder / name)
    operators = {record.call.operator for record in records}
    assert "1 failed, 1 passed" in done.stdout
    assert complaints == []
    assert {record.source for record in records} == {"pytest"}
    assert f"{len(records)} records of {len(operators)} operators in {folder / name}" in done.stdout
    return operators


def test_calls_of_tests_are_recorded_and_told_of(tmp_path: Path) -> None:
    (tmp_path / "test_calls.py").write_text(TESTS)
    done = run(tmp_path, "--archsmith-trace=mine.jsonl.gz", "--archsmith-trace-aten")
    operators = recorded(tmp_path, done, "mine.jsonl.gz")

    assert {"torch.ones", "torch.Tensor.sum", "torch.mm", "aten.sum.default"} <= operators


def test_workers_of_xdist_write_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "test_calls.py").write_text(TESTS)
    (tmp_path / "calls.jsonl.gz").write_text("from another time")
    done = run(tmp_path, "-n", "2", "--archsmith-trace")

    assert {"torch.ones", "torch.Tensor.sum", "torch.mm"} <= recorded(tmp_path, done, "calls.jsonl.gz")


def test_a_start_of_pytest_that_asks_for_nothing_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_light.py").write_text(LIGHT)
    done = run(tmp_path)

    assert done.returncode == 0, done.stdout
    assert list(tmp_path.glob("*.gz")) == []


def test_a_word_that_was_meant_for_pytest_is_not_taken_for_the_file(tmp_path: Path) -> None:
    (tmp_path / "test_light.py").write_text(LIGHT)
    before = (tmp_path / "test_light.py").read_bytes()
    done = run(tmp_path, "--archsmith-trace", "test_light.py")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "must name a file that ends in .gz or .jsonl; got 'test_light.py'" in done.stderr
    assert (tmp_path / "test_light.py").read_bytes() == before


def test_a_file_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    done = run(tmp_path, "--archsmith-trace=nowhere/calls.gz")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "nowhere/calls.gz" in done.stderr
    assert "Traceback" not in done.stderr
