"""What names a file means the same from another folder, and its text is kept."""

from pathlib import Path

import pytest

from archsmith.graph.errors import UserError
from archsmith.jobs.places import settled, source_of


@pytest.mark.parametrize("name", ["net.py", "net.json"])
def test_a_file_is_named_by_its_whole_path_and_its_text_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("what it holds", encoding="utf-8")

    assert settled(name) == str(tmp_path / name)
    assert source_of(settled(name)) == "what it holds"


def test_what_stands_in_a_file_is_named_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert settled("net.py:wide") == f"{tmp_path / 'net.py'}:wide"


@pytest.mark.parametrize("name", ["digits", "my_layers:space", "mobilenet-v3"])
def test_what_names_no_file_stays_as_it_is(name: str) -> None:
    assert settled(name) == name
    assert source_of(name) is None


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone.json must be a file of text that can be read"):
        source_of(str(tmp_path / "gone.json"))
