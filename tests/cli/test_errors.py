"""The user's mistakes: one line that says what was demanded and what was given, and exit code 2."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

SPACE = """
from archsmith.spaces.nodes import op
from archsmith.spaces.space import search_space
space = search_space(op("relu"), input=(1, 8, 8))
"""


def archsmith(
    *arguments: str, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "archsmith", *arguments],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def mistake(*arguments: str, cwd: Path) -> str:
    """What a mistaken command says, checked to be one line on standard error with exit code 2."""
    done = archsmith(*arguments, cwd=cwd)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


SEARCH = ("search", "run", "space.py", "--task", "digits", "--trials", "1")


def test_a_missing_space_file(tmp_path: Path) -> None:
    assert "space.py must be a Python file that exists" in mistake(*SEARCH, cwd=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def (", "space.py:1: SyntaxError"),
        ("x = 1\n1/0", "space.py:2: ZeroDivisionError: division by zero"),
        ("x = 1", "must define 'space'"),
        ("space = 3", "got int"),
        ("from archsmith.spaces.nodes import op\nspace = op('relu')", "wrap the tree"),
        ("from archsmith.spaces.nodes import op\nspace = op('rleu')", "got Op"),
        ("import sys\nsys.exit(3)", "SystemExit"),
        ("import torhc", "No module named 'torhc'"),
    ],
)
def test_a_broken_space_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "space.py").write_text(text)

    assert message in mistake(*SEARCH, cwd=tmp_path)


def test_an_operator_that_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "space.py").write_text(SPACE.replace("relu", "rleu"))

    assert "did you mean one of: relu" in mistake(*SEARCH, cwd=tmp_path)


def test_an_unknown_task(tmp_path: Path) -> None:
    (tmp_path / "space.py").write_text(SPACE)

    said = mistake("search", "run", "space.py", "--task", "mnist", cwd=tmp_path)

    assert "a task must be one of digits, fashion_mnist, file.py:name or module:name; got 'mnist'" in said


def test_a_device_that_is_not_there_is_said_once_and_no_trial_is_spent_on_it(tmp_path: Path) -> None:
    tree = "op('flatten'), op('linear', out=10)"
    (tmp_path / "space.py").write_text(
        SPACE.replace('op("relu")', f"chain({tree})").replace("import op", "import chain, op")
    )
    words = ("--task", "digits", "--trials", "3", "--set", "device=cuda:99")

    done = archsmith("search", "run", "space.py", *words, cwd=tmp_path)
    left = json.loads(archsmith("search", "show", "1", "--json", cwd=tmp_path).stdout)

    assert done.returncode == 2
    assert "setting device is 'cuda:99'" in done.stderr.splitlines()[-1]
    assert [trial["state"] for trial in left["trials"]] == ["interrupted"]


def test_a_store_that_is_not_ours(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("create table cats (name text)")

    assert "holds another program's tables (cats)" in mistake(
        "search", "list", "--store", "sqlite:///other.db", cwd=tmp_path
    )


def test_a_store_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database, but long enough to have a header\n" * 9)

    assert "must be a SQLite file" in mistake("search", "list", "--store", "sqlite:///text.db", cwd=tmp_path)


def test_a_missing_store(tmp_path: Path) -> None:
    assert "no store at " in mistake("search", "list", cwd=tmp_path)
    assert not (tmp_path / "archsmith.db").exists()


def test_a_url_that_is_none(tmp_path: Path) -> None:
    assert "a store must be a URL" in mistake("search", "list", "--store", "store.db", cwd=tmp_path)


def test_a_store_of_a_newer_schema(tmp_path: Path) -> None:
    assert archsmith("db", "upgrade", cwd=tmp_path).returncode == 0
    with sqlite3.connect(tmp_path / "archsmith.db") as connection:
        connection.execute("update alembic_version set version_num = '9999'")

    message = mistake("search", "list", cwd=tmp_path)

    assert "has schema 9999" in message
    assert "update archsmith" in message


def test_a_folder_that_does_not_exist_for_the_store(tmp_path: Path) -> None:
    (tmp_path / "space.py").write_text(SPACE)

    assert "a store's folder must exist" in mistake(
        "db", "upgrade", "--store", "sqlite:///nowhere/store.db", cwd=tmp_path
    )


def test_an_export_to_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    assert archsmith("db", "upgrade", cwd=tmp_path).returncode == 0

    assert "no study" in mistake("search", "export", "1/best", "out.py", cwd=tmp_path)
    assert "ending in .py" in mistake("search", "export", "1/best", "out.txt", cwd=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fuzz", "run", "--oracle", "onnx"), "oracles must be one or more of aot_eager, inductor; got onnx"),
        (("fuzz", "run", "--minutes", "-1"), "minutes must be above 0; got -1"),
        (("fuzz", "run", "--set", "nodes"), "--set takes KEY=VALUE; got 'nodes'"),
        (("fuzz", "run", "--set", "size=3"), "there is no 'size'; did you mean one of: sizes"),
        (("fuzz", "run", "--include", "rleu"), "there is no 'rleu'; did you mean one of: relu"),
        (("fuzz", "run", "--resume"), "no store at "),
        (("fuzz", "show", "1"), "no store at "),
    ],
)
def test_mistakes_of_a_campaign(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    assert message in mistake(*arguments, cwd=tmp_path)


def test_a_mistake_in_the_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.archsmith]\nstore = 3\n")

    assert "store in [tool.archsmith]" in mistake("search", "list", cwd=tmp_path)


def test_the_store_is_taken_from_the_environment_or_the_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.archsmith]\nstore = "sqlite:///configured.db"\n')

    archsmith("db", "upgrade", cwd=tmp_path)
    archsmith("db", "upgrade", cwd=tmp_path, environment={"ARCHSMITH_STORE": "sqlite:///environment.db"})

    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["configured.db", "environment.db"]


def test_an_unknown_option_is_a_mistake(tmp_path: Path) -> None:
    done = archsmith("search", "list", "--colour", cwd=tmp_path)

    assert done.returncode == 2
    assert "No such option" in done.stderr


def test_a_path_where_nothing_can_be_written_is_said_so(tmp_path: Path) -> None:
    # Not even root may create a file there, so this holds whoever runs the tests.
    assert "/proc/store.db cannot be opened" in mistake(
        "db", "upgrade", "--store", "sqlite:////proc/store.db", cwd=tmp_path
    )
