"""Operators of a user's own, named by where their class is found: ``my_layers:Gate``, ``/home/me/my_space.py:Gate``.

No declared operator has a colon in its name. Reading such a name runs nobody's code: a graph that has one can be
shown, compared and written as source where the class itself is not at hand.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph

_NAME = re.compile(r"(?!__)[A-Za-z_]\w*", re.ASCII)
_TAKEN = re.compile(r"nn|F|Path|load|Network\w*|[xv]\d\w*", re.ASCII)
"""Words that mean something else in a source that archsmith writes."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a class is found: in ``module``, which is made from ``file`` where it was given as one."""

    module: str
    file: str | None
    class_name: str


def is_own(operator: str) -> bool:
    """Whether the operator is a user's own class rather than one of the declared operators."""
    return ":" in operator


def short(operator: str) -> str:
    """What people call the operator: a class's name alone, or all of a declared operator's.

    >>> short("/home/me/my_space.py:Gate")
    'Gate'
    """
    return operator.rpartition(":")[2]


def placed(operator: str) -> str:
    """The name without the folder of its file, the same wherever the file lies.

    >>> placed("/home/me/my_space.py:Gate")
    'my_space.py:Gate'
    """
    where, colon, name = operator.rpartition(":")
    return f"{Path(where).name}{colon}{name}" if where.endswith(".py") else operator


def home(operator: str) -> Home:
    """Where the class of that name is found.

    Raises:
        UserError: a source could not import and call what the name says.
    """
    where, _, name = operator.rpartition(":")
    file = where if where.endswith(".py") else None
    module = Path(where).stem if file else where
    parts = module.split(".")
    if not _NAME.fullmatch(name) or not all(map(_NAME.fullmatch, parts)) or _TAKEN.fullmatch(parts[0]):
        raise UserError(
            "an operator of your own is a class at the top of a module or file, whose names are plain and none of"
            f" nn, F, Path, load, Network or x0; got {operator!r}: rename it"
        )
    return Home(module, file, name)


def own_operators(*graphs: Graph) -> tuple[str, ...]:
    """The operators of a user's own in the graphs, each once."""
    named = (node.operator for graph in graphs for _, node in graph.operators())
    return tuple(dict.fromkeys(name for name in named if is_own(name)))
