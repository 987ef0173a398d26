"""The examples in the docstrings of PyTorch's public functions, methods and modules, run as they stand there."""

import codeop
import doctest
import itertools
import math
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy
import torch

from archsmith.fuzz.call import CallRecord
from archsmith.fuzz.collect.module_uses import use_records, uses_of
from archsmith.fuzz.collect.naming import function_of, operators
from archsmith.fuzz.collect.tracer import record_calls

SOURCE = "docs"

NAMES: Mapping[str, Any] = {
    "torch": torch,
    "nn": torch.nn,
    "F": torch.nn.functional,
    "linalg": torch.linalg,
    "tensor": torch.tensor,
    "np": numpy,
    "numpy": numpy,
    "math": math,
    "itertools": itertools,
}
"""What examples take for granted."""

Skip = Callable[[str], None]


_PROMPT = ">>>"


def docstring_entries() -> tuple[str, ...]:
    """The operators and modules whose docstrings have examples, by name."""
    return tuple(name for name in operators() if _PROMPT in _docstring(name))


def docstring_records(entry: str, skip: Skip) -> Iterator[CallRecord]:
    """The calls that the examples make; of a module, those of the module itself too.

    Each statement is run even where one before it failed. ``skip`` hears which failed, and why: for want of a GPU, of
    a package, of a name that the example takes for granted.
    """
    function = function_of(entry)
    module = function if isinstance(function, type) else None
    torch.manual_seed(0)
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        records = stack.enter_context(record_calls(source=SOURCE))
        uses = stack.enter_context(uses_of(module)) if module else []
        _run(entry, skip)
    if module is not None:
        records += use_records(module, uses, SOURCE, skip)
    yield from records


def _run(entry: str, skip: Skip) -> None:
    scope = dict(NAMES)
    for statement in examples(_docstring(entry)):
        if (failed := _failed(statement, scope, entry)) is not None:
            skip(f"{entry}: {failed}")


def examples(docstring: str) -> list[str]:
    """The statements of a docstring's examples.

    Found too are those after an indentation that doctest rejects, and those that go on with another ``>>>``.
    """
    try:
        lines = [example.source for example in doctest.DocTestParser().get_examples(docstring)]
    except ValueError:
        lines = _marked(docstring)
    statements: list[str] = []
    for line in lines:
        if statements and _is_open(statements[-1]):
            statements[-1] += line
        else:
            statements.append(line)
    return statements


def _marked(docstring: str) -> list[str]:
    found: list[str] = []
    for line in docstring.splitlines():
        text = line.strip()
        if text.startswith(f"{_PROMPT} "):
            found.append(text.removeprefix(f"{_PROMPT} ") + "\n")
        elif text.startswith("... ") and found:
            found[-1] += text.removeprefix("... ") + "\n"
    return found


def _is_open(statement: str) -> bool:
    """Whether something is missing at its end."""
    try:
        return codeop.compile_command(statement, symbol="exec") is None
    except (SyntaxError, ValueError, OverflowError):
        return False


def _docstring(operator: str) -> str:
    return textwrap.dedent(function_of(operator).__doc__ or "")


def _failed(statement: str, scope: dict[str, Any], entry: str) -> str | None:
    try:
        # PyTorch's own documentation, in a process of its own
        exec(compile(statement, f"<{entry}>", "exec"), scope)  # noqa: S102
    except Exception as error:  # noqa: BLE001 (the boundary: an example may raise anything)
        return f"{statement.strip()}: {type(error).__name__}: {error}"
    return None
