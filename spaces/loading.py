"""Reading a space: one of the catalogue, a user's own from a file, or one from a module by ``module:name``."""

import sys
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from archsmith.graph.errors import UserError
from archsmith.graph.loading import load_object
from archsmith.spaces.catalog import CATALOG
from archsmith.spaces.decisions import Space

NAME = "space"
"""The variable that a space file is asked for."""


def load_space(given: str) -> Space:
    """The space that ``given`` names: a Python file that defines ``space``, ``module:name``, or one of ``CATALOG``.

    Raises:
        UserError: there is no such file, module or name, its code fails, or it is not a space.
    """
    if _is_word(given) and not Path(given).is_file():
        if given in CATALOG:
            return as_space(load_object(CATALOG[given], default=NAME), given)
        if not _is_module(given):
            raise UserError(_unknown(given))
    return as_space(load_object(given, default=NAME), given)


def as_space(found: object, given: str) -> Space:
    """``found`` if it is a space (``UserError`` otherwise)."""
    if not callable(getattr(found, "walk", None)) or not callable(getattr(found, "text", None)):
        hint = "; wrap the tree: search_space(tree, input=(channels, height, width))" if hasattr(found, "lines") else ""
        made = "a space made by archsmith.spaces.space.search_space(...)"
        raise UserError(f"{given} must give {made}; got {type(found).__name__}{hint}")
    return found  # type: ignore[return-value]  # checked by its methods: a Protocol is structural


def _is_word(given: str) -> bool:
    """Whether it reads as a name of the catalogue, and not as a path, a dotted module or ``module:name``."""
    return given.replace("-", "_").isidentifier()


def _is_module(given: str) -> bool:
    return given in sys.modules or find_spec(given) is not None


def _unknown(given: str) -> str:
    near = get_close_matches(given, CATALOG, n=3)
    guess = f"did you mean {' or '.join(near)}? " if near else ""
    places = "a file ending in .py, module:name, or a space of the catalogue"
    return f"{given!r} must be {places}; it is none of these. {guess}The catalogue has: {', '.join(CATALOG)}"
