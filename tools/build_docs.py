"""Build docs/ into docs/_build/html, where a warning is an error: ``make docs``.

Two pages repeat what the code says, the command line's and the operators': below a mark they are written anew
first. ``--check`` writes and builds nothing, and exits with 1 if one of them is out of date. The pages of the
API reference are made for each build and are not kept.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import click

from archsmith.cli.main import archsmith
from archsmith.graph.book import Attribute, Operator
from archsmith.graph.ops import (
    attention,
    convolution,
    join,
    linear,
    normalisation,
    pointwise,
    pooling,
    reduction,
    shape,
)
from archsmith.graph.rules import Rule

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
MARK = "<!-- tools/build_docs.py writes what follows -->\n"
WIDTH = 100

ROOMS = ("graph", "spaces", "search", "runtime", "evaluate", "fuzz", "storage", "jobs", "web", "cli")
FAMILIES: Mapping[str, tuple[Operator, ...]] = MappingProxyType(
    {
        "Element by element": pointwise.POINTWISE,
        "Convolution": convolution.CONVOLUTION,
        "Pooling and resampling": pooling.POOLING,
        "Matrix products": linear.LINEAR,
        "Attention": attention.ATTENTION,
        "Normalisation": normalisation.NORMALISATION,
        "Along a dimension": reduction.REDUCTION,
        "Moving elements": shape.SHAPE,
        "Joining": join.JOIN,
    }
)


def commands(group: click.Group, words: tuple[str, ...] = ("archsmith",)) -> Iterator[tuple[str, click.Command]]:
    """Every command by its words, ``archsmith search run``; a group stands before its commands."""
    yield " ".join(words), group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def command_help() -> str:
    """A section with the help text of every command."""
    parts = []
    for words, command in commands(archsmith):
        context = click.Context(command, info_name=words, terminal_width=WIDTH, max_content_width=WIDTH)
        parts.append(f"\n## {words}\n\n```text\n{command.get_help(context)}\n```\n")
    return "".join(parts)


def operator_tables() -> str:
    """A table for every family of operators."""
    parts = []
    for family, operators in FAMILIES.items():
        rows = [_row(operator) for operator in operators]
        head = "| operator | what it gives | attributes | inputs | rules |\n| --- | --- | --- | --- | --- |\n"
        parts.append(f"\n## {family}\n\n{head}{''.join(rows)}")
    return "".join(parts)


def _row(operator: Operator) -> str:
    attributes = ", ".join(map(_attribute, operator.attributes)) or "none"
    inputs = "; ".join(dict.fromkeys(map(_inputs, operator.rules)))
    summary = operator.summary.replace("|", "\\|")
    return f"| `{operator.name}` | {summary} | {attributes} | {inputs} | {len(operator.rules)} |\n"


def _attribute(attribute: Attribute) -> str:
    words = "".join(f" or `{word!r}`" for word, _ in attribute.named)
    return (
        f"`{attribute.name}={attribute.default!r}`{words}"
        if attribute.default is not None
        else f"`{attribute.name}`{words}"
    )


def _inputs(rule: Rule) -> str:
    """The dtypes of the inputs: ``Float, Float``; equal rules of several ranks read the same."""
    return ", ".join(entry.dtype for entry in rule.inputs)


GENERATED: Mapping[str, Callable[[], str]] = MappingProxyType(
    {"command-line.md": command_help, "operators.md": operator_tables}
)


def renewed(page: str) -> str:
    """The text that the page should have: above the mark as people wrote it, below as the code says."""
    written, mark, _ = (DOCS / page).read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise ValueError(f"docs/{page} must have a line {MARK.strip()!r}; it has none")
    return f"{written}{mark}{GENERATED[page]()}"


def stale() -> list[str]:
    """The pages that are not what the code says."""
    return [page for page in GENERATED if (DOCS / page).read_text(encoding="utf-8") != renewed(page)]


def modules(room: str) -> list[str]:
    """The modules of a room by name, the room itself first; migrations are nobody's reading."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / room).rglob("*.py")]
    shown = [path.parent if path.name == "__init__" else path for path in paths if "migrations" not in path.parts]
    return sorted(".".join(("archsmith", *path.parts)) for path in shown)


def write_api() -> None:
    """A page for every room: its modules, by their docstrings."""
    for room in ROOMS:
        first, *rest = modules(room)
        parts = [f"# archsmith.{room}\n", _automodule(first, members=False)]
        parts += [f"\n## {name.removeprefix('archsmith.')}\n{_automodule(name, members=True)}" for name in rest]
        (DOCS / "api" / f"{room}.md").write_text("".join(parts), encoding="utf-8")


def _automodule(name: str, *, members: bool) -> str:
    options = "   :members:\n" if members else ""
    return f"\n```{{eval-rst}}\n.. automodule:: {name}\n{options}```\n"


def build() -> int:
    """Write every page that is made from the code, then run Sphinx; its exit code."""
    from sphinx.cmd.build import main as sphinx

    for page in stale():
        (DOCS / page).write_text(renewed(page), encoding="utf-8")
        print(f"wrote docs/{page}")
    write_api()
    html = DOCS / "_build" / "html"
    return sphinx(
        [
            "--fail-on-warning",
            "--keep-going",
            "--quiet",
            "-d",
            str(DOCS / "_build/trees"),
            str(DOCS),
            str(html),
        ]
    )


def main(arguments: list[str]) -> int:
    """Check, or build; 0 if all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say which pages are out of date")
    if parser.parse_args(arguments).check:
        found = stale()
        for page in found:
            print(f"docs/{page} is out of date: run make docs")
        return 1 if found else 0
    code = build()
    print("docs: docs/_build/html/index.html" if code == 0 else "docs: not built, see above")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
