"""House rules that ruff and import-linter have no words for: ``python tools/check_style.py FOLDER...``.

A file belongs to the room that its path starts with. Global randomness is nobody's. Clocks, stopwatches and
environment variables are hidden inputs: a few rooms, listed here, may read them; the others take arguments.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

Breach = tuple[int, str]
"""A line number and what is wrong there."""

PROGRAMS = frozenset({"benchmarks", "cli", "tests", "tools"})
CLOCK_ROOMS = PROGRAMS | {"evaluate", "jobs", "runtime", "web"}
STOPWATCH_ROOMS = CLOCK_ROOMS | {"fuzz"}
ENVIRONMENT_FILES = frozenset(f"runtime/{name}.py" for name in ("child", "nursery", "pool", "sandbox"))

CLOCKS = frozenset(
    {"datetime.date.today", "datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow"}
    | {"time.gmtime", "time.localtime", "time.time", "time.time_ns"}
)
STOPWATCHES = frozenset(
    f"time.{name}{unit}" for name in ("monotonic", "perf_counter", "process_time") for unit in ("", "_ns")
)
ENVIRONMENT = frozenset({"os.environ", "os.environb", "os.getenv", "os.putenv"})
SEEDED_RANDOM = frozenset({"random.Random", "random.SystemRandom"})

VAGUE_FILES = frozenset({"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"})
VAGUE_WORDS = re.compile(r"manager|helper", re.IGNORECASE)
VAGUE_VERBS = ("handle_", "process_")
OPEN_BASES = re.compile(r"(^|\.)(Group|Module)$|(Error|Exception|Interrupt|Warning)$")
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def imported_names(tree: ast.Module) -> dict[str, str]:
    """What each imported name of the file stands for, in full: ``{"dt": "datetime.datetime"}``."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                names[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def full_name(node: ast.expr, names: Mapping[str, str]) -> str:
    """The dotted name that an expression stands for by the file's imports, or "" if it is no name."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        owner = full_name(node.value, names)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def hidden_input(name: str, path: Path) -> str | None:
    """What is wrong with a file's use of a full name, or None."""
    room = path.parts[0]
    if name.startswith("random.") and name.count(".") == 1 and name not in SEEDED_RANDOM:
        return f"{name} is global randomness: take a random.Random as an argument"
    if name in CLOCKS and room not in CLOCK_ROOMS:
        return f"{name} is a hidden clock: take the time, or a clock, as an argument"
    if name in STOPWATCHES and room not in STOPWATCH_ROOMS:
        return f"{name} is a hidden clock: measure time where work is run"
    if name in ENVIRONMENT and room not in PROGRAMS and path.as_posix() not in ENVIRONMENT_FILES:
        return f"{name} is a hidden input: read the environment in cli and pass what it says"
    return None


def hidden_inputs(tree: ast.Module, path: Path) -> Iterator[Breach]:
    """Global randomness anywhere; clocks and the environment outside the rooms that may have them."""
    names = imported_names(tree)
    modules = {name.partition(".")[0] for name in names.values()}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        name = full_name(node, names)
        message = hidden_input(name, path) if name.partition(".")[0] in modules else None
        if message is not None:
            yield node.lineno, message


def vague_names(tree: ast.Module, path: Path) -> Iterator[Breach]:
    """Files, classes and functions whose names do not say what they hold or do.

    The methods of a derived class are left alone: the framework that calls them has named them.
    """
    if path.stem in VAGUE_FILES:
        yield 1, f"a file named {path.name} says nothing: name it after what it holds"
    derived = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.bases]
    named_elsewhere = {method for owner in derived for method in owner.body}
    for node in ast.walk(tree):
        if not isinstance(node, Definition) or node in named_elsewhere:
            continue
        if VAGUE_WORDS.search(node.name) or node.name.lstrip("_").startswith(VAGUE_VERBS):
            yield node.lineno, f"{node.name} says nothing: a noun for data, the exact verb for a function"


def calls_of_super(tree: ast.AST) -> Iterator[ast.Call]:
    """Every ``super()`` below a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super":
            yield node


def overriding(tree: ast.Module, path: Path) -> Iterator[Breach]:
    """``super()`` anywhere but in exceptions, click's groups and ``nn.Module``s, also indirect ones of the same file.

    Tests are left alone: they borrow parsers and state machines that are made to be derived from.
    """
    if path.parts[0] == "tests":
        return
    open_classes: set[str] = set()
    allowed: set[ast.Call] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        bases = [full_name(base, {}) for base in node.bases]
        if any(OPEN_BASES.search(base) or base in open_classes for base in bases):
            open_classes.add(node.name)
            allowed.update(calls_of_super(node))
    for call in calls_of_super(tree):
        if call not in allowed:
            yield call.lineno, "super() means overriding: compose, or pass a function"


def unfinished(tree: ast.Module, path: Path) -> Iterator[Breach]:
    """Functions that promise something and raise ``NotImplementedError``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if full_name(raised, {}) == "NotImplementedError":
                yield node.lineno, "NotImplementedError is a stub: write it, or leave the name out"


def pickled_arrays(tree: ast.Module, path: Path) -> Iterator[Breach]:
    """``allow_pickle=True``: a data file that may run code when it is read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            if isinstance(node.value, ast.Constant) and node.value.value is False:
                continue
            yield node.value.lineno, "nothing is pickled here: store plain arrays, or JSON"


RULES = (vague_names, hidden_inputs, overriding, unfinished, pickled_arrays)


def main(folders: list[str]) -> int:
    """Print every breach as ``file:line: message``; 1 if there is any."""
    breaches = 0
    for path in sorted(path for folder in folders for path in Path(folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        for line, message in sorted(breach for rule in RULES for breach in rule(tree, path)):
            print(f"{path}:{line}: {message}")
            breaches += 1
    print(f"style: {breaches} breaches" if breaches else "style: fine")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
