"""The project's pages, and the fenced blocks in them.

What a block's language says is what a test does with it: ``python`` is run, ``pycon`` is run and its output compared,
the ``$`` lines of ``console`` are parsed by the command line's own parser. Everything else (``text``, ``toml``, ``sh``)
is only shown. A ``python`` block whose first line is ``# name.py`` is also saved under that name, as a reader would.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"

FENCE = re.compile(r"^(?P<fence>`{3,}|:{3,})(?P<info>.*)$")
FILE_NAME = re.compile(r"# ([\w/]+\.py)\n")


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
    """README.md and every page of docs/ that people write or that is kept in the tree."""
    written = [path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts]
    return [
        ROOT / "README.md",
        *(path for path in written if path.parent.name != "api" or path.stem == "index"),
    ]


def title(page: Path) -> str:
    """The page's path in the checkout: what a test is named by."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order; a fence ends with one of the same kind and at least its length."""
    opened: re.Match[str] | None = None
    lines: list[str] = []
    start = 0
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        found = FENCE.match(line)
        if opened is None and found:
            opened, lines, start = found, [], number + 1
        elif (
            opened is not None and found and not found["info"] and found["fence"].startswith(opened["fence"])
        ):
            yield Block(page, start, opened["info"].strip(), "".join(f"{entry}\n" for entry in lines))
            opened = None
        elif opened is not None:
            lines.append(line)
    if opened is not None:
        raise ValueError(f"{title(page)}:{start}: a fence is never closed")


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^(`{3,}).*?^\1`*$", "", text, flags=re.MULTILINE | re.DOTALL)
