"""What a docstring shows is what happens."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = sorted(path.name for path in (ROOT / "src/archsmith").iterdir() if path.is_dir())
SHOWING = sorted(
    ".".join(("archsmith", *path.relative_to(ROOT).with_suffix("").parts))
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", SHOWING)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    result = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)

    assert result.attempted
    assert not result.failed


def test_there_are_examples() -> None:
    assert {"archsmith.graph.expr", "archsmith.graph.rules", "archsmith.graph.types"} <= set(SHOWING)
