"""Reading JSON documents piece by piece, with errors that say where in the document they are: ``rules[3].requires``.

All raise ``ValueError`` where a document is not what is asked for.
"""

import re
from collections.abc import Callable, Collection, Mapping
from reprlib import repr as shortened
from typing import Any, TypeVar

T = TypeVar("T")


def text_of(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text; got {shortened(value)}")
    return value


def count_of(value: object) -> int:
    """A whole number of at least 0."""
    if type(value) is not int or value < 0:
        raise ValueError(f"must be a whole number of at least 0; got {shortened(value)}")
    return value


def mapping_of(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"must be an object; got {shortened(value)}")
    return value


def demand_keys(fields: Mapping[str, Any], demanded: Collection[str], further: Collection[str]) -> None:
    """All of ``demanded`` must be among the fields, and nothing else but those of ``further``."""
    missing = [key for key in demanded if key not in fields]
    if missing:
        raise ValueError(f"{', '.join(sorted(missing))} must be there; got {', '.join(fields) or 'nothing'}")
    unknown = sorted(key for key in fields if key not in demanded and key not in further)
    if unknown:
        raise ValueError(f"{unknown[0]} is no field here; fields are {', '.join(sorted({*demanded, *further}))}")


def field(key: str, read: Callable[[Any], T], value: object) -> T:
    """What ``read`` makes of the value; an error says that it is that of ``key``."""
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{key}{_behind(str(error))}") from None


def each(key: str, read: Callable[[Any], T], entries: object) -> tuple[T, ...]:
    """What ``read`` makes of each entry of the list; an error says of which."""
    if not isinstance(entries, list):
        raise ValueError(f"{key}: must be a list; got {shortened(entries)}")
    found: list[T] = []
    try:
        for entry in entries:
            found.append(read(entry))
    except ValueError as error:
        raise ValueError(f"{key}[{len(found)}]{_behind(str(error))}") from None
    return tuple(found)


_PATH = re.compile(r"\w+(\[\d+\])?(\.\w+(\[\d+\])?)*: ")


def _behind(message: str) -> str:
    """The message behind the name of a field: a path goes on, and anything else is said of the field."""
    return f".{message}" if _PATH.match(message) else f": {message}"
