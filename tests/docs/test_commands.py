"""What the pages say about the command line and the Makefile is what these take."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from archsmith.cli.main import archsmith
from tests.docs.pages import DOCS, ROOT, blocks, pages, title
from tools.build_docs import commands, stale

TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def command_lines() -> Iterator[tuple[str, str]]:
    """Every ``$`` line of the pages, with the place where it stands."""
    for page in pages():
        for block in blocks(page):
            for offset, line in enumerate(block.text.splitlines()):
                if block.language == "console":
                    yield f"{title(page)}:{block.line + offset}", line


LINES = list(command_lines())


def words_of(line: str) -> list[str]:
    """The words of a command without prompt, variables, its program's folder, and what follows ``>``."""
    words = shlex.split(line.removeprefix("$ "), comments=True)
    words = words[: words.index(">")] if ">" in words else words
    while "=" in words[0]:
        words = words[1:]
    return [words[0].removeprefix(".venv/bin/"), *words[1:]]


def parse(command: click.Command, words: list[str]) -> None:
    """Take the words as the command line does, and run nothing; raises ``click.ClickException``."""
    if isinstance(command, click.Group):
        _, below, rest = command.resolve_command(click.Context(command), words)
        assert below is not None
        parse(below, rest)
    else:
        command.make_context(command.name, words)


@pytest.mark.parametrize(("place", "line"), LINES, ids=[place for place, _ in LINES])
def test_a_command_that_a_page_shows_is_one(place: str, line: str) -> None:
    assert line.startswith("$ "), f"{place}: a line of a console block begins with a prompt"
    program, *words = words_of(line)
    if program == "archsmith":
        parse(archsmith, words)
    elif program == "make":
        assert [word for word in words if "=" not in word and word not in TARGETS] == []
    else:
        assert program in {"python", "source", "pip"}, f"{place}: nothing checks {program}"


def test_a_command_that_does_not_exist_would_be_found() -> None:
    with pytest.raises(click.ClickException):
        parse(archsmith, words_of("$ archsmith search run space.py --task digits --no-such-option"))
    with pytest.raises(click.ClickException):
        parse(archsmith, words_of("$ archsmith searches"))


def test_pages_made_from_the_code_are_up_to_date() -> None:
    assert stale() == [], "run make docs"


def test_every_command_and_option_is_on_the_page_of_the_command_line() -> None:
    text = (DOCS / "command-line.md").read_text(encoding="utf-8")
    missing = []
    for words, command in commands(archsmith):
        _, found, section = text.partition(f"\n## {words}\n")
        section = section.partition("\n## ")[0]
        options = [name for option in command.params for name in option.opts if name.startswith("-")]
        missing += [words] if not found else [f"{words} {name}" for name in options if name not in section]

    assert missing == []
