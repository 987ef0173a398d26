"""What a space needs beside data: functions and classes of a user's own, named by where they are found.

Such a name is ``module:name``, or ``/home/me/my_space.py:name`` of what was loaded from a file. To find what it names
is to run code, so it is done only where somebody asked for it.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from archsmith.graph.book import Operator
from archsmith.graph.errors import UserError
from archsmith.graph.loading import load_object

LOADED = "archsmith_user_"
"""What the name of a module begins with that was loaded from a file."""

OPERATOR_OF = "archsmith.runtime.modules:operator_of"
"""What makes an operator of a class by its name. It needs torch, so it is imported where a class is asked for."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be used of what a document needs: that which is ``given`` by name; if ``trusted``, whatever is found."""

    given: Mapping[str, object]
    trusted: bool

    def demand(self, needs: tuple[str, ...]) -> None:
        """``UserError`` with the names of what may not be used."""
        refused = [name for name in needs if name not in self.given]
        if refused and not self.trusted:
            raise UserError(
                f"the space needs code that is not part of it: {', '.join(refused)}. It is run only where you ask for"
                " it: from_json(text, trusted=True), or give each by its name: from_json(text, needs={...})"
            )

    def function(self, name: str) -> Callable[..., Any]:
        """The function of that name (``UserError`` if it is none)."""
        found = self.given[name] if name in self.given else _function_at(name)
        if not callable(found):
            raise UserError(f"{name} must be a function; got {found!r}")
        return found

    def operator(self, name: str) -> Operator:
        """The operator made of the class of that name (``UserError`` if it is none)."""
        if name not in self.given:
            operator_of: Callable[[str], object] = load_object(OPERATOR_OF, default="")  # type: ignore[assignment]
            found = operator_of(name)
        else:
            found = self.given[name]
        if not isinstance(found, Operator):
            raise UserError(f"{name} must be an operator, such as module(MyLayer); got {found!r}")
        return found


def place_of(function: Callable[..., Any]) -> str:
    """Where a function is found again (``UserError`` if it is not found there)."""
    module, name = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    where = sys.modules.get(module)
    if not name or _within(where, name) is not function:
        raise UserError(
            f"a function is named by where it is found; {module}:{name} is not found, or another one by now"
        )
    file = getattr(where, "__file__", None) if module.startswith(LOADED) else None
    return f"{file or module}:{name}"


def _function_at(name: str) -> object:
    where, _, qualified = name.rpartition(":")
    if not where or not all(map(str.isidentifier, qualified.split("."))):
        raise UserError(f"what a space needs is named module:name; got {name!r}")
    first = qualified.partition(".")[0]
    # A file that is loaded twice has two functions of each name, and a space with one is not that with the other.
    known = [module for key, module in sys.modules.items() if key.startswith(LOADED) and _file(module) == where]
    loaded = getattr(known[0], first, None) if known else load_object(f"{where}:{first}", default=first)
    return _within(loaded, qualified.partition(".")[2])


def _within(whole: object, qualified: str) -> object:
    return reduce(lambda found, name: getattr(found, name, None), filter(None, qualified.split(".")), whole)


def _file(module: object) -> object:
    return getattr(module, "__file__", None)
