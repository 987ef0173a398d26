"""SPACE and TASK arguments that name files, so that they still mean the same from another folder or on another day."""

from pathlib import Path

from archsmith.evaluate.tasks import FROM_FOLDERS
from archsmith.graph.errors import UserError

FILES = (".py", ".json")
"""How the names of files end that hold a space; a task is only in the first kind."""


def settled(given: str) -> str:
    """The argument with the path of its file or folder made absolute; a module's or a known name stays as it is."""
    known, _, folder = given.partition(":")
    if known in FROM_FOLDERS and folder:
        return f"{known}:{Path(folder).resolve()}"
    path, colon, name = _split(given)
    return f"{path.resolve()}{colon}{name}" if path.suffix in FILES else given


def source_of(given: str) -> str | None:
    """The text of the file that the argument names, kept as a record of what was run; None if it names none."""
    path = _split(given)[0]
    if path.suffix not in FILES:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} must be a file of text that can be read; {error}") from None


def _split(given: str) -> tuple[Path, str, str]:
    if given.endswith(FILES):
        return Path(given), "", ""
    place, colon, name = given.rpartition(":")
    return (Path(place), colon, name) if place.endswith(".py") else (Path(given), "", "")
