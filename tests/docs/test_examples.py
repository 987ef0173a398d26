"""Every Python example of the README and of docs/ runs, and says what the page says it does."""

import doctest
import re
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
        exec(compile(source, title(block.page), "exec"), scope)  # noqa: S102 (our own page)
        return []
    name = f"{title(block.page)}:{block.line}"  # tells the blocks of a page apart in tracebacks
    examples = doctest.DocTestParser().get_doctest(
        session(block.text), scope, name, str(block.page), block.line - 1
    )
    problems: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(examples, out=problems.append, clear_globs=False)
    scope.update(examples.globs)
    return problems


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=title)
def test_the_examples_of_a_page_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    scope: dict[str, Any] = {"__name__": "page"}
    problems: list[str] = []
    for block in blocks(page):
        if block.file_name is not None:
            (tmp_path / block.file_name).write_text(block.text, encoding="utf-8")
        if block.language in RUN:
            problems += run(block, scope)

    assert "".join(problems) == ""
