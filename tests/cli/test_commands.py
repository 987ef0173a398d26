"""Commands as a user runs them, and what they cost before they do anything."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
import torch

from archsmith.cli.main import LazyGroup
from archsmith.cli.main import archsmith as root
from archsmith.evaluate.digits import DIGITS
from tests.jobs.files import SCORE, SPACE, write

ROOT = "from archsmith.cli.main import archsmith\narchsmith"
HEAVY = ("torch", "sklearn", "numpy", "sqlalchemy", "fastapi", "plotly", "rich", "z3")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """Every command with its words, groups included."""
    found: list[tuple[tuple[str, ...], click.Command]] = [(path, group)]
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found += commands(command, (*path, name)) if isinstance(command, click.Group) else [((*path, name), command)]
    return found


ALL = commands(root)


def imported_by(code: str, cwd: Path) -> set[str]:
    """The top-level modules of ``HEAVY`` that a fresh interpreter has after running ``code``."""
    show = f"print(*(name for name in {HEAVY!r} if name in sys.modules), sep=',', file=sys.stderr)"
    program = f"import sys\n{code}\n{show}"
    done = subprocess.run([sys.executable, "-c", program], cwd=cwd, capture_output=True, text=True, check=True)
    return set(done.stderr.strip().split(",")) - {""}


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "ARCHSMITH_STORE"}
    return subprocess.run(
        [sys.executable, "-m", "archsmith", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize(("words", "command"), ALL, ids=[" ".join(words) or "archsmith" for words, _ in ALL])
def test_every_command_has_help_with_an_example(words: tuple[str, ...], command: click.Command) -> None:
    text = command.get_help(click.Context(command, info_name=" ".join(("archsmith", *words))))

    assert " ".join(("archsmith", *words)) in (command.help or "")
    assert "Usage:" in text
    for option in command.params:
        if isinstance(option, click.Option) and option.name not in ("trials", "seed", "limit", "order"):
            assert option.help, f"{words}: {option.name} has no help"


def test_help_needs_no_heavy_library(tmp_path: Path) -> None:
    assert imported_by("import archsmith.cli.main", tmp_path) == set()
    for group in ("search", "spaces", "fuzz", "ops", "rules", "db"):
        code = f"{ROOT}.main(['{group}', '--help'], standalone_mode=False)"
        assert imported_by(code, tmp_path) == set()


def test_reading_a_store_needs_no_torch(tmp_path: Path) -> None:
    assert run("db", "upgrade", cwd=tmp_path).returncode == 0
    for words in (["search", "list"], ["fuzz", "list"], ["fuzz", "findings"], ["search", "list", "--json"]):
        code = f"{ROOT}.main({words!r}, standalone_mode=False)"

        assert imported_by(code, tmp_path) & {"torch", "sklearn", "fastapi", "numpy", "rich"} == set()


def test_every_target_of_a_group_exists() -> None:
    assert all(isinstance(command, click.Command) for _, command in ALL)
    assert sum(isinstance(command, LazyGroup) for _, command in ALL) == 7


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(tmp_path: Path, shell: str) -> None:
    done = run("completion", shell, cwd=tmp_path)

    assert done.returncode == 0
    assert "_ARCHSMITH_COMPLETE" in done.stdout


def test_a_search_from_the_command_line_to_its_exported_network(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from archsmith.spaces.nodes import any_of, chain, choose, op\n"
        "from archsmith.spaces.space import search_space\n"
        "space = search_space(chain(op('conv2d', out=choose(4, 8), kernel=3), any_of(op('relu'), op('gelu')),\n"
        "                    op('batch_norm2d'), op('flatten'), op('linear', out=10)), input=(1, 8, 8))\n"
    )
    searched = run(
        "search",
        "run",
        "net.py",
        "--task",
        "digits",
        "--trials",
        "2",
        "--epochs",
        "1",
        "--json",
        cwd=tmp_path,
    )
    assert searched.returncode == 0, searched.stderr
    best = json.loads(searched.stdout)["best"]

    listed = json.loads(run("search", "list", "--json", cwd=tmp_path).stdout)
    shown = json.loads(run("search", "show", "1", "--json", cwd=tmp_path).stdout)
    exported = run("search", "export", "1/best", "best.py", "--picture", cwd=tmp_path)

    assert [study["state"] for study in listed] == ["finished"]
    assert len(shown["trials"]) == 2
    assert exported.returncode == 0, exported.stderr
    assert exported.stdout.endswith("to best.py, its weights to best.pt, a picture to best.svg\n")
    assert (tmp_path / "best.svg").read_text(encoding="utf-8").startswith("<svg")
    accuracy = _accuracy_without_archsmith(tmp_path)
    assert accuracy == pytest.approx(best["result"]["measurement"]["test_accuracy"], abs=1e-9)


def test_an_interrupted_search_ends_with_130_and_can_be_resumed(tmp_path: Path) -> None:
    paths = write(tmp_path, space=SPACE, score=SCORE)
    words = ["search", "run", paths["space"], "--task", f"{paths['score']}:score", "--trials", "20"]
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
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)

    left = json.loads(run("search", "show", "1", "--json", cwd=tmp_path).stdout)
    resumed = run("search", "resume", "1", "--json", cwd=tmp_path)

    assert running.returncode == 130
    assert left["study"]["state"] == "stopped"
    assert "running" not in {trial["state"] for trial in left["trials"]}
    assert said.strip().splitlines()[-1] == "interrupted"
    assert json.loads(resumed.stdout)["study"]["state"] == "finished"


def _accuracy_without_archsmith(folder: Path) -> float:
    """Test accuracy of the exported network, in a process that cannot import archsmith."""
    inputs, targets = DIGITS.load().test
    torch.save({"x": torch.as_tensor(inputs), "y": torch.as_tensor(targets)}, folder / "test.pt")
    program = (
        "import sys\n"
        "class Ban:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.split('.')[0] == 'archsmith': raise ImportError('banned: ' + name)\n"
        "sys.meta_path.insert(0, Ban())\n"
        "sys.path.insert(0, '.')\n"
        "import torch, best\n"
        "data = torch.load('test.pt', weights_only=True)\n"
        "with torch.no_grad():\n"
        "    print((best.load()(data['x']).argmax(1) == data['y']).double().mean().item())\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    return float(done.stdout)
