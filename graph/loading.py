"""Reading a user's object from a file, or from a module by ``module:name``. It runs their code."""

import importlib
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from archsmith.graph.errors import UserError


def load_object(given: str, *, default: str) -> object:
    """What ``path.py``, ``path.py:name`` or ``module:name`` names; ``default`` is the name that is left out.

    Raises:
        UserError: there is no such file, module or name, or its code fails.
    """
    place, _, name = given.rpartition(":") if ":" in given and not given.endswith(".py") else (given, "", default)
    module = _from_file(Path(place)) if place.endswith(".py") else _from_module(place, given)
    if not hasattr(module, name):
        raise UserError(f"{place} must define {name!r}; it does not. Add: {name} = ...")
    return getattr(module, name)


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        found = "it is a folder" if path.is_dir() else "there is none"
        raise UserError(f"{path} must be a Python file that exists; {found}")
    name = f"archsmith_user_{path.stem}"
    spec = spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise UserError(f"{path} must be a Python file; Python cannot load it")
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and typing look a class's module up by name
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        # At the end, so that no file of the user's hides a library; and for good, since a function may import later.
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except (
        Exception,
        SystemExit,
    ) as error:  # the user's own code: whatever it raises is reported as its mistake
        sys.modules.pop(name, None)
        raise UserError(_where(path, error)) from error
    return module


def _from_module(name: str, given: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise UserError(
                f"{given!r} must be a file ending in .py, or module:name; no module {name!r} is installed"
            ) from None
        raise UserError(f"module {name} cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:  # as above: user code runs here
        raise UserError(f"module {name} cannot be imported: {_reason(error)}") from error


def _where(path: Path, error: BaseException) -> str:
    """One line: which line of the user's file failed, and how."""
    here = str(path.resolve())
    line, reason = None, _reason(error)
    if isinstance(error, SyntaxError) and error.filename == here:
        line, reason = error.lineno, f"{type(error).__name__}: {error.msg}"
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == here:
            line = frame.tb_lineno
        frame = frame.tb_next
    return f"{path}:{line}: {reason}" if line else f"{path}: {reason}"


def _reason(error: BaseException) -> str:
    """The error on one line; a ``UserError`` speaks for itself."""
    message = " ".join(str(error).split())
    if isinstance(error, UserError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
