"""The house rules hold, and the tools that keep them can fail."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = {path.name for path in (ROOT / "src/archsmith").iterdir() if path.is_dir()}

LIGHT = ("graph", "spaces", "search", "storage", "web", "cli")
"""The rooms that start without torch."""


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=cwd, capture_output=True, text=True, timeout=120)


def plant(folder: Path, path: str, text: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_every_list_of_rooms_is_the_same() -> None:
    hatch = PROJECT["tool"]["hatch"]["build"]["targets"]
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    beside = {"benchmarks", "docs", "examples", "tests", "tools"}
    shipped = {name for name in hatch["sdist"]["only-include"] if (ROOT / name).is_dir()}

    assert folders == ROOMS
    assert hatch["wheel"]["force-include"] == {room: f"archsmith/{room}" for room in ROOMS}
    assert shipped - beside == ROOMS
    assert {name.strip() for layer in layers for name in layer.split("|")} == ROOMS
    assert set(PROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]) >= ROOMS


def test_every_room_is_linked_by_a_relative_path() -> None:
    links = {room: str((ROOT / "src/archsmith" / room).readlink()) for room in ROOMS}

    assert links == {room: f"../../{room}" for room in ROOMS}


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    outside = {folder for folder in folders if "migrations" in folder.parts}

    assert {folder for folder in folders - outside if not (folder / "__init__.py").exists()} == set()


def test_every_requirement_is_pinned_exactly() -> None:
    project = PROJECT["project"]
    demanded = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.split(r"[<>=!~ \[]", demand)[0].lower() for demand in demanded}
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0].lower() for line in pins if re.fullmatch(r"[\w.-]+==[\w.!]+", line)}

    assert names <= pinned
    assert len(pinned) == sum(1 for line in pins if line and not line.startswith("#"))
    assert "torch==2.13.0" in pins


def test_every_import_contract_breaks_when_it_is_broken(tmp_path: Path) -> None:
    breaches = {
        "cli": "import torch, sqlalchemy, z3",
        "evaluate": "import archsmith.spaces",
        "graph": "import archsmith.spaces",
        "search": "import archsmith.runtime",
        "storage": "import archsmith.fuzz",
        "web": "def draw() -> None:\n    import archsmith.runtime",
    }
    for room in ROOMS:
        plant(tmp_path, f"src/archsmith/{room}/__init__.py", breaches.get(room, ""))
    plant(tmp_path, "src/archsmith/__init__.py", "")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    result = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": "src", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert re.findall(r"(.*) BROKEN", result.stdout) == [
        contract["name"] for contract in PROJECT["tool"]["importlinter"]["contracts"]
    ]


@pytest.mark.parametrize("room", LIGHT)
def test_a_light_room_starts_without_torch(room: str) -> None:
    code = (
        "import importlib, pkgutil, sys, archsmith\n"
        f"room = importlib.import_module('archsmith.{room}')\n"
        "found = pkgutil.walk_packages(room.__path__, room.__name__ + '.')\n"
        "names = [module.name for module in found if '.migrations' not in module.name]\n"
        "for name in names: importlib.import_module(name)\n"
        "print('torch' in sys.modules)\n"
    )
    result = run("-c", code, cwd=ROOT)

    assert (result.stdout.strip(), result.stderr) == ("False", "")


def test_the_command_line_starts_without_anything_heavy() -> None:
    heavy = "{'torch', 'sqlalchemy', 'fastapi', 'rich', 'numpy', 'plotly', 'sklearn'}"
    result = run("-c", f"import sys, archsmith.cli.main; print({heavy} & sys.modules.keys())", cwd=ROOT)

    assert (result.stdout.strip(), result.stderr) == ("set()", "")


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("graph/utils.py", "", "utils.py:1: a file named utils.py"),
        ("graph/a.py", "class NodeManager: ...", "a.py:1: NodeManager says nothing"),
        ("graph/a.py", "def _process_node(): ...", "a.py:1: _process_node says nothing"),
        (
            "search/a.py",
            "import random as r\n\nx = r.choice([1])",
            "a.py:3: random.choice is global randomness",
        ),
        ("search/a.py", "from random import shuffle\nshuffle([])", "a.py:2: random.shuffle is global"),
        ("storage/a.py", "from datetime import datetime as d\nd.now()", "a.py:2: datetime.datetime.now is a"),
        ("storage/a.py", "import time\ndef f(clock=time.time): ...", "a.py:2: time.time is a hidden clock"),
        ("web/a.py", "import os\nos.environ['X']", "a.py:2: os.environ is a hidden input"),
        ("fuzz/a.py", "from os import getenv\ngetenv('X')", "a.py:2: os.getenv is a hidden input"),
        ("graph/a.py", "class A(B):\n    def f(self):\n        super().f()", "a.py:3: super() means"),
        ("graph/a.py", "def f():\n    raise NotImplementedError('x')", "a.py:2: NotImplementedError is"),
        ("evaluate/a.py", "import numpy\nnumpy.load('x', allow_pickle=True)", "a.py:2: nothing is pickled"),
    ],
)
def test_check_style_finds(path: str, text: str, message: str, tmp_path: Path) -> None:
    plant(tmp_path, path, text)
    result = run(str(ROOT / "tools/check_style.py"), path.partition("/")[0], cwd=tmp_path)

    assert result.returncode == 1
    assert message in result.stdout


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("search/a.py", "import random\nrandom.Random(0).choice([1])"),
        ("search/a.py", "from archsmith.search import random\nrandom.choose()"),
        ("search/a.py", "def ask(random, time):\n    return random.choice(time.time())"),
        ("jobs/a.py", "import time\ntime.time()"),
        ("fuzz/a.py", "import time\ntime.perf_counter()"),
        ("cli/a.py", "import os\nos.environ.get('X')"),
        ("runtime/child.py", "import os\nos.environ['X'] = '1'"),
        ("graph/a.py", "class A(ValueError):\n    def __init__(self):\n        super().__init__()"),
        (
            "runtime/a.py",
            "class A(nn.Module): ...\nclass B(A):\n    def __init__(self):\n        super().__init__()",
        ),
        ("cli/a.py", "class A(click.Group):\n    def __init__(self):\n        super().__init__()"),
        ("tests/a.py", "class A(HTMLParser):\n    def __init__(self):\n        super().__init__()"),
        ("storage/a.py", "class A(TypeDecorator):\n    def process_bind_param(self): ..."),
        ("fuzz/a.py", "try:\n    f()\nexcept NotImplementedError:\n    g()"),
    ],
)
def test_check_style_allows(path: str, text: str, tmp_path: Path) -> None:
    plant(tmp_path, path, text)
    result = run(str(ROOT / "tools/check_style.py"), path.partition("/")[0], cwd=tmp_path)

    assert (result.returncode, result.stdout) == (0, "style: fine\n")


@pytest.mark.parametrize(
    ("lines", "status", "message"),
    [
        (300, 0, "sizes: fine"),
        (301, 0, "a.py:1: 301 lines (notice: past 300)"),
        (500, 0, "a.py:1: 500 lines (notice: past 300)"),
        (501, 1, "a.py:1: 501 lines; at most 500"),
    ],
)
def test_check_sizes_counts_the_lines_of_a_file(lines: int, status: int, message: str, tmp_path: Path) -> None:
    plant(tmp_path, "graph/a.py", "x = 1\n" * lines)
    result = run(str(ROOT / "tools/check_sizes.py"), "graph", cwd=tmp_path)

    assert result.returncode == status
    assert message in result.stdout


@pytest.mark.parametrize(("lines", "status"), [(59, 0), (60, 1)])
def test_check_sizes_counts_the_lines_of_a_function_less_its_docstring(lines: int, status: int, tmp_path: Path) -> None:
    plant(tmp_path, "graph/a.py", 'def f():\n    """Two\n    lines."""\n' + "    x = 1\n" * lines)
    result = run(str(ROOT / "tools/check_sizes.py"), "graph", cwd=tmp_path)

    assert result.returncode == status
    assert ("a.py:1: f has 61 lines" in result.stdout) == bool(status)


@pytest.mark.parametrize(
    ("signature", "status"),
    [
        ("def f(a, b, c, d, e, f, g, h): ...", 0),
        ("def f(a, b, c, d, e, f, g, h, i): ...", 1),
        ("def f(a, b, c, d, *, e, f, g, h, i): ...", 0),
        ("@command\ndef f(a, b, c, d, e, f, g, h, i): ...", 0),
    ],
)
def test_check_sizes_counts_positional_arguments(signature: str, status: int, tmp_path: Path) -> None:
    plant(tmp_path, "graph/a.py", signature)
    result = run(str(ROOT / "tools/check_sizes.py"), "graph", cwd=tmp_path)

    assert result.returncode == status
    assert ("a.py:1: f has 9 positional arguments" in result.stdout) == bool(status)


@pytest.mark.parametrize("skip", ["pytest.skip('no chromium')", "pytest.skip('x', allow_module_level=True)"])
@pytest.mark.parametrize(("required", "status"), [("", {0, 5}), ("1", {1, 2})])
def test_a_skip_is_a_failure_where_all_is_required(
    skip: str, required: str, status: set[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = skip if "module" in skip else f"def test_it():\n    {skip}"
    plant(tmp_path, "test_it.py", f"import pytest\n{body}\n")
    plant(tmp_path, "conftest.py", (ROOT / "tests/conftest.py").read_text(encoding="utf-8"))
    monkeypatch.setenv("ARCHSMITH_REQUIRE_ALL", required)
    result = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "test_it.py", cwd=tmp_path)

    assert result.returncode in status, result.stdout
    assert ("ARCHSMITH_REQUIRE_ALL is set" in result.stdout) == bool(required)
