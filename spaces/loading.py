"""Reading a user's space: from a file, or from a module by ``module:name``. Runs the user's code, as asked."""

import importlib
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from archsmith.graph.errors import UserError
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
        hint = (
            "; wrap the tree: space(tree, input=(channels, height, width))" if hasattr(found, "lines") else ""
        )
        raise UserError(
            f"{given} must give a space made by archsmith.spaces.space.space(...); got {type(found).__name__}{hint}"
        )
    return found  # type: ignore[return-value]  # checked by its methods: a Protocol is structural


def load_object(given: str, *, default: str) -> object:
    """What ``path.py``, ``path.py:name`` or ``module:name`` names; ``default`` is the name where none is given."""
    place, _, name = (
        given.rpartition(":") if ":" in given and not given.endswith(".py") else (given, "", default)
    )
    module = _from_file(Path(place)) if place.endswith(".py") else _from_module(place, given)
    if not hasattr(module, name):
        raise UserError(f"{place} must define {name!r}; it does not. Add: {name} = ...")
    return getattr(module, name)


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UserError(
            f"{path} must be a Python file that exists; {'it is a folder' if path.is_dir() else 'there is none'}"
        )
    name = f"archsmith_user_{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} must be a Python file; Python cannot load it")
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and typing look a class's module up by name
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except (
        Exception,
        SystemExit,
    ) as error:  # the user's own code: whatever it raises is reported as its mistake
        del sys.modules[name]
        raise UserError(_where(path, error)) from error
    finally:
        sys.path.remove(folder)
    return module


def _from_module(name: str, given: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            raise UserError(
                f"{given!r} must be a file ending in .py, or module:name; no module {name!r} is installed"
            ) from None
        raise UserError(f"module {name} cannot be imported: {error}") from error
    except Exception as error:  # as above: user code runs here
        raise UserError(f"module {name} cannot be imported: {type(error).__name__}: {error}") from error


def _where(path: Path, error: BaseException) -> str:
    """One line: which line of the user's file failed, and how."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    frame = error.__traceback__
    while frame is not None:
        if Path(frame.tb_frame.f_code.co_filename) == path:
            line = frame.tb_lineno
        frame = frame.tb_next
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    if isinstance(error, UserError):
        return f"{path}:{line}: {message}"
    return f"{path}:{line}: {type(error).__name__}: {message}"
