"""Reading a space: one of the catalogue, a user's own from a file, one from a module by ``module:name``, or JSON."""

import sys
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from archsmith.graph.errors import UserError
from archsmith.graph.loading import load_object
from archsmith.spaces.catalog import CATALOG
from archsmith.spaces.decisions import Space
from archsmith.spaces.text import from_json

NAME = "space"
"""The variable that a space file is asked for."""


def load_space(given: str) -> Space:
    """The space that ``given`` names: a Python file that defines ``space``, ``module:name``, or one of ``CATALOG``.

    A file ending in .json is read as data: one that needs code is refused, since it does not look like code.

    Raises:
        UserError: there is no such file, module or name, its code fails, or it is not a space.
    """
    if given.endswith(".json"):
        return _from_json(Path(given))
    if _is_word(given) and not Path(given).is_file():
        if given in CATALOG:
            return as_space(load_object(CATALOG[given], default=NAME), given)
        if not _is_module(given):
            raise UserError(_unknown(given))
    return as_space(load_object(given, default=NAME), given)


def _from_json(path: Path) -> Space:
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} must be a file that can be read; {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} must be text in UTF-8") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


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
    places = "a file ending in .py or .json, module:name, or a space of the catalogue"
    return f"{given!r} must be {places}; it is none of these. {guess}The catalogue has: {', '.join(CATALOG)}"
