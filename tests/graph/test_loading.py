"""A user's own object is found by file or module, and whatever is wrong with it fits on one line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archsmith.graph.errors import UserError
from archsmith.graph.loading import load_object


@pytest.fixture(autouse=True)
def _modules_as_before() -> Iterator[None]:
    before, path = set(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refusal(given: str) -> str:
    """The message, which has to be one line."""
    with pytest.raises(UserError) as caught:
        load_object(given, default="thing")
    message = str(caught.value)

    assert "\n" not in message
    return message


def written(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_gives_its_object(tmp_path: Path) -> None:
    path = written(tmp_path, "thing = 1\nother = 2\n")

    assert load_object(str(path), default="thing") == 1
    assert load_object(f"{path}:other", default="thing") == 2


def test_a_module_gives_its_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "thing = 1\nother = 2\n", "archsmith_test_module.py")
    monkeypatch.syspath_prepend(tmp_path)

    assert load_object("archsmith_test_module", default="thing") == 1
    assert load_object("archsmith_test_module:other", default="thing") == 2


def test_a_file_may_import_its_neighbours(tmp_path: Path) -> None:
    written(tmp_path, "size = 7\n", "archsmith_test_neighbour.py")
    path = written(tmp_path, "from archsmith_test_neighbour import size as thing\n")

    assert load_object(str(path), default="thing") == 7


def test_a_file_may_import_its_neighbours_when_it_is_called_and_hides_no_library(tmp_path: Path) -> None:
    written(tmp_path, "size = 7\n", "archsmith_test_neighbour.py")
    written(tmp_path, "raise ImportError('not the library')\n", "colorsys.py")
    path = written(
        tmp_path,
        "def thing():\n"
        "    import colorsys\n"
        "    import archsmith_test_neighbour as neighbour\n"
        "    return colorsys.ONE_THIRD, neighbour.size\n",
    )
    thing = load_object(str(path), default="thing")
    assert callable(thing)

    assert thing() == (1 / 3, 7)


def test_a_file_may_define_classes_that_look_their_module_up(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "from __future__ import annotations\n"
        "from dataclasses import dataclass, field\n"
        "from typing import ClassVar, NamedTuple, get_type_hints\n"
        "@dataclass\n"
        "class Settings:\n"
        "    kind: ClassVar[str] = 'a'\n"
        "    sizes: list[int] = field(default_factory=list)\n"
        "class Pair(NamedTuple):\n"
        "    settings: Settings\n"
        "thing = get_type_hints(Pair)['settings'] is Settings and Settings() == Settings()\n",
    )

    assert load_object(str(path), default="thing") is True


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(f"{tmp_path}/none.py") == f"{tmp_path}/none.py must be a Python file that exists; there is none"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()

    assert refusal(f"{tmp_path}/folder.py").endswith("must be a Python file that exists; it is a folder")
    assert refusal(str(tmp_path)).startswith(f"'{tmp_path}' must be a file ending in .py, or module:name")


def test_a_file_without_the_name_is_told_what_to_add(tmp_path: Path) -> None:
    path = written(tmp_path, "thong = 1\n")

    assert refusal(str(path)) == f"{path} must define 'thing'; it does not. Add: thing = ..."
    assert refusal(f"{path}:other") == f"{path} must define 'other'; it does not. Add: other = ..."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("thing = 1\nthing = = 2\n", ":2: SyntaxError: invalid syntax"),
        ("thing = 1\nif thing:\nthing = 2\n", ":3: IndentationError: expected an indented block"),
        ("\n\nthing = 1 / 0\n", ":3: ZeroDivisionError: division by zero"),
        ("def f():\n    return {}['x']\nthing = f()\n", ":2: KeyError: 'x'"),
        ("import json\nthing = json.loads('{')\n", ":2: JSONDecodeError: Expecting property name"),
        ("raise SystemExit('enough')\n", ":1: SystemExit: enough"),
        ("thing = 1\nassert not thing\n", ":2: AssertionError"),
        ("raise ValueError('one\\n  two\\n\\nthree')\n", ":1: ValueError: one two three"),
        ("import archsmith_test_nowhere\n", ":1: ModuleNotFoundError: No module named 'archsmith_test_nowhere'"),
        ("from archsmith.spaces.nodes import choose\n\nthing = choose()\n", ":3: choose needs at least one option"),
    ],
)
def test_a_file_that_fails_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    path = written(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)

    assert refusal(str(path)).startswith(f"{path}{message}")
    assert refusal("mine.py").startswith(f"mine.py{message}")
    assert not any(name.startswith("archsmith_user_") for name in set(sys.modules) - before)


def test_a_mistake_in_a_neighbour_is_told_at_the_import(tmp_path: Path) -> None:
    written(tmp_path, "size = = 7\n", "archsmith_test_broken.py")
    path = written(tmp_path, "\nimport archsmith_test_broken\n")

    assert refusal(str(path)) == f"{path}:2: SyntaxError: invalid syntax (archsmith_test_broken.py, line 1)"


@pytest.mark.parametrize("content", [b"thing = '\xff'\n", b"thing = '\0'\n", b"\x89PNG\r\n\x1a\n\0"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.py"
    path.write_bytes(content)

    assert refusal(str(path)).startswith(f"{path}:")


@pytest.mark.parametrize("given", ["archsmith_test_nowhere:thing", "archsmith_test_nowhere", "archsmith.nowhere:x"])
def test_a_module_that_is_not_installed_is_named(given: str) -> None:
    module = given.partition(":")[0]

    assert refusal(given) == (
        f"{given!r} must be a file ending in .py, or module:name; no module {module!r} is installed"
    )


@pytest.mark.parametrize("given", ["", ":", ":thing", "..above:thing"])
def test_what_is_no_place_is_refused(given: str) -> None:
    assert refusal(given)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import archsmith_test_mod\n", "No module named 'archsmith_test_mod'"),
        ("thing = 1 / 0\n", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
    ],
)
def test_a_module_that_fails_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    written(tmp_path, text, "archsmith_test_module.py")
    monkeypatch.syspath_prepend(tmp_path)

    assert refusal("archsmith_test_module:thing") == f"module archsmith_test_module cannot be imported: {reason}"
