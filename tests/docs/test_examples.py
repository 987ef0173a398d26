"""Every Python example of the README and of docs/ runs, and says what the page says it does."""

import doctest
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT, Block, blocks, pages, title

RUN = ("python", "pycon")
WITH_EXAMPLES = [page for page in pages() if any(block.language in RUN for block in blocks(page))]


def session(text: str) -> str:
    """The session as doctest reads it: there an empty line ends what is expected, here only a prompt does."""
    return re.sub(r"^(?=\n+[^>\n])", "<BLANKLINE>", text, flags=re.MULTILINE)


def run(block: Block, scope: dict[str, Any]) -> list[str]:
    """Run one block in the page's scope; what it should have printed and did not."""
    if block.language == "python":
        source = "\n" * (block.line - 1) + block.text
        exec(compile(source, title(block.page), "exec"), scope)
        return []
    name = f"{title(block.page)}:{block.line}"  # tells the blocks of a page apart in tracebacks
    examples = doctest.DocTestParser().get_doctest(session(block.text), scope, name, str(block.page), block.line - 1)
    problems: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(examples, out=problems.append, clear_globs=False)
    scope.update(examples.globs)
    return problems


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory with the examples in it, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=title)
def test_the_examples_of_a_page_run_in_order(page: Path, folder: Path) -> None:
    scope: dict[str, Any] = {"__name__": "page"}
    problems: list[str] = []
    for block in blocks(page):
        if block.file_name is not None:
            (folder / block.file_name).write_text(block.text, encoding="utf-8")
        if block.language in RUN:
            problems += run(block, scope)

    assert "".join(problems) == ""


def test_an_example_that_is_wrong_would_be_found() -> None:
    wrong = Block(ROOT / "README.md", 1, "pycon", ">>> 1 + 1\n3\n")

    assert run(wrong, {}) != []
    assert run(Block(ROOT / "README.md", 1, "pycon", ">>> print('a', '', 'b', sep='\\n')\na\n\nb\n"), {}) == []
