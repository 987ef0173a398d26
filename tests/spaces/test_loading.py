"""A user's space is loaded from a file, and what is no space is told apart."""

from pathlib import Path

import pytest

from archsmith.graph.errors import UserError
from archsmith.spaces.loading import as_space, load_space

TREE = (
    "from archsmith.spaces.nodes import chain, choose, op\n"
    "from archsmith.spaces.space import search_space as space_of\n"
    "tree = chain(op('linear', out=choose(2, 4)), op('relu'))\n"
)


def test_a_file_gives_its_space(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(TREE + "space = space_of(tree, input=(8,))\nwide = space_of(tree, input=(9,))\n", encoding="utf-8")

    assert load_space(str(path)).text().splitlines()[0] == "input float32[1, 8]"
    assert load_space(f"{path}:wide").text().splitlines()[0] == "input float32[1, 9]"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "must define 'space'; it does not. Add: space = ..."),
        ("space = 3", "must give a space made by archsmith.spaces.space.search_space(...); got int"),
        ("space = None", "must give a space made by archsmith.spaces.space.search_space(...); got NoneType"),
        ("space = tree", "got Chain; wrap the tree: search_space(tree, input=(channels, height, width))"),
        ("space = space_of", "must give a space made by archsmith.spaces.space.search_space(...); got function"),
    ],
)
def test_a_file_without_a_space_is_told_what_a_space_is(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"{TREE}{line}\n", encoding="utf-8")

    with pytest.raises(UserError) as caught:
        load_space(str(path))
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).endswith(message)


def test_anything_that_walks_and_has_a_text_is_a_space() -> None:
    class Own:
        def walk(self) -> None: ...

        def text(self) -> str:
            return "own"

    assert as_space(Own(), "mine.py").text() == "own"
