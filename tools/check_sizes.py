"""Keep files and functions small: ``python tools/check_sizes.py FOLDER...`` prints what is too long.

The tail is where newcomers get lost, so the rule is a hard stop: a file past 500 lines fails, and so does a
function past 60, or with more than 8 positional arguments. Files past 300 lines are listed, so that their
authors look for a seam before the stop forces one.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_STOP = 500
FILE_NOTICE = 300
FUNCTION_STOP = 60
POSITIONAL_STOP = 8
SUFFIXES = frozenset({".css", ".html", ".js", ".py"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(folders: list[str]) -> Iterator[Path]:
    """The hand-written files below the folders, in order of path."""
    for folder in folders:
        yield from sorted(path for path in Path(folder).rglob("*") if path.suffix in SUFFIXES)


def lines_of(function: Function) -> int:
    """Lines from ``def`` to the end, less the docstring: words that explain do not make a function long."""
    assert function.end_lineno is not None
    total = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is None or first.end_lineno is None:
        return total
    return total - (first.end_lineno - first.lineno + 1)


def positional(function: Function) -> int:
    """How many arguments callers may give by position; a decorated function is called by its decorator."""
    if function.decorator_list:
        return 0
    return len(function.args.posonlyargs) + len(function.args.args)


def unwieldy_functions(path: Path) -> Iterator[str]:
    """One message for each function of a Python file that does not fit a screen, or a caller's memory."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if not isinstance(node, Function):
            continue
        lines, arguments = lines_of(node), positional(node)
        if lines > FUNCTION_STOP:
            yield f"{path}:{node.lineno}: {node.name} has {lines} lines; at most {FUNCTION_STOP}, so split it"
        if arguments > POSITIONAL_STOP:
            what = f"{node.name} has {arguments} positional arguments"
            yield f"{path}:{node.lineno}: {what}; at most {POSITIONAL_STOP}, the others by keyword"


def main(folders: list[str]) -> int:
    """Print every breach and every large file; 1 if anything is past its stop."""
    errors: list[str] = []
    for path in sources(folders):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_STOP:
            errors.append(f"{path}:1: {lines} lines; at most {FILE_STOP}, so split it along a seam")
        elif lines > FILE_NOTICE:
            print(f"{path}:1: {lines} lines (notice: past {FILE_NOTICE})")
        if path.suffix == ".py":
            errors += unwieldy_functions(path)
    print("\n".join(errors) if errors else "sizes: fine")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
