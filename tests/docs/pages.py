"""The project's pages, and the fenced blocks in them.

A block's language says what a test does with it: ``python`` is run, ``pycon`` is run and its output compared,
the lines of ``console`` are parsed as the command line parses them; everything else is only shown. A ``python``
block whose first line is ``# name.py`` is also saved under that name, as its reader would save it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"

FENCE = "```"
FILE_NAME = re.compile(r"# (\w+\.py)\n")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; ``line`` is the number of its first line in the page, from 1."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def file_name(self) -> str | None:
        """The name under which a reader is told to save it."""
        found = FILE_NAME.match(self.text)
        return found[1] if found and self.language == "python" else None


def pages() -> list[Path]:
    """README.md and the pages of docs/, less those that are made for a build and not kept."""
    return [ROOT / "README.md", *sorted(DOCS.glob("*.md")), DOCS / "api" / "index.md"]


def title(page: Path) -> str:
    """The page's path in the checkout: what a test is named by."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    language: str | None = None
    lines: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.startswith(FENCE):
            lines.append(line)
            continue
        if language is not None:
            yield Block(page, number - len(lines), language, "".join(f"{entry}\n" for entry in lines))
        language = line.removeprefix(FENCE) if language is None else None
        lines = []
    if language is not None:
        raise ValueError(f"{title(page)}: a fence is never closed")


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
