"""Reading a user's space: from a file, or from a module by ``module:name``."""

from archsmith.graph.errors import UserError
from archsmith.graph.loading import load_object
from archsmith.spaces.decisions import Space

NAME = "space"
"""The variable that a space file is asked for."""


def load_space(given: str) -> Space:
    """The space that ``given`` names: a Python file that defines ``space``, or ``module:name``.

    Raises:
        UserError: there is no such file, module or name, its code fails, or it is not a space.
    """
    return as_space(load_object(given, default=NAME), given)


def as_space(found: object, given: str) -> Space:
    """``found`` if it is a space (``UserError`` otherwise)."""
    if not callable(getattr(found, "walk", None)) or not callable(getattr(found, "text", None)):
        hint = "; wrap the tree: search_space(tree, input=(channels, height, width))" if hasattr(found, "lines") else ""
        made = "a space made by archsmith.spaces.space.search_space(...)"
        raise UserError(f"{given} must give {made}; got {type(found).__name__}{hint}")
    return found  # type: ignore[return-value]  # checked by its methods: a Protocol is structural
