"""JSON as spaces and architectures are written in it: laid out for people, and read with a path for every mistake."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from reprlib import repr as shortened
from typing import Any, Never, TypeVar

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Scalar

T = TypeVar("T")

WIDTH = 100
"""What fits into so many columns is on one line."""


@dataclass(frozen=True, slots=True)
class _Doubled:
    """An object that has a key twice, of which JSON would keep the last."""

    key: str


def laid_out(document: object, indent: str = "") -> str:
    """The document as JSON text, each object or list on one line if it fits; the order of keys is kept.

    Raises:
        ValueError: a number in it is not finite.
    """
    line = json.dumps(document, allow_nan=False)
    if len(indent) + len(line) <= WIDTH or not isinstance(document, dict | list) or not document:
        return line
    if isinstance(document, dict) and len(document) == 1:
        ((key, value),) = document.items()
        return f"{{{json.dumps(key)}: {laid_out(value, indent)}}}"
    inner = f"{indent}  "
    if isinstance(document, dict):
        parts = [f"{json.dumps(key)}: {laid_out(value, inner)}" for key, value in document.items()]
    else:
        parts = [laid_out(value, inner) for value in document]
    first, last = "{}" if isinstance(document, dict) else "[]"
    return f"{first}\n{inner}{f',{chr(10)}{inner}'.join(parts)}\n{indent}{last}"


def parsed(text: str, what: str) -> object:
    """The document that the text is; ``what`` it is said to be.

    Raises:
        UserError: the text is not JSON, has a number that is not finite, or an object with a key twice.
    """
    try:
        document = json.loads(text, parse_constant=_no_number, object_pairs_hook=_once)
        _demand_single(document, "")
    except (ValueError, RecursionError) as error:
        raise UserError(f"{what} must be JSON: {error}") from None
    return document


def _no_number(name: str) -> Never:
    raise ValueError(f"{name} is no number in JSON")


def _once(pairs: list[tuple[str, object]]) -> object:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    keys = [key for key, _ in pairs]
    return _Doubled(next(key for key in keys if keys.count(key) > 1))


def _demand_single(document: object, path: str) -> None:
    if isinstance(document, _Doubled):
        fail(path, f"{document.key!r} is there twice; it has one meaning")
    if isinstance(document, float) and not isfinite(document):
        fail(path, "the number is too large")
    if isinstance(document, dict):
        for key, value in document.items():
            _demand_single(value, at(path, key))
    if isinstance(document, list):
        for place, value in enumerate(document):
            _demand_single(value, at(path, place))


def at(path: str, step: str | int) -> str:
    """The path of a key or of a place, ``root.chain[2].any_of``."""
    if isinstance(step, str) and step.isidentifier():
        return f"{path}.{step}" if path else step
    return f"{path}[{json.dumps(step)}]"


def fail(path: str, said: str) -> Never:
    """Raise a ``UserError`` that says where the mistake is."""
    raise UserError(f"{path or 'the document'}: {said}") from None


def made(path: str, function: Callable[..., T], /, *given: Any, **named: Any) -> T:
    """What the function returns; its ``UserError``, and a number that is too large for it, with the path."""
    try:
        return function(*given, **named)
    except (UserError, OverflowError) as mistake:
        fail(path, str(mistake))


def fields(document: object, path: str, needed: tuple[str, ...], others: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object that has all the ``needed`` keys, and no more than the ``others`` beside them."""
    if not isinstance(document, dict):
        fail(path, f"must be an object with {', '.join(needed + others)}; got {shortened(document)}")
    for key in document:
        if key not in needed + others:
            fail(at(path, key), f"is no key here; there are {', '.join(needed + others)}")
        if document[key] is None:
            fail(at(path, key), "must have a value; leave out what is as it is unless told otherwise")
    for key in needed:
        if key not in document:
            fail(path, f"needs {key!r}")
    return document


def tagged(document: object, path: str, tags: tuple[str, ...]) -> tuple[str, object]:
    """The one key of an object, which is one of the tags, and its value."""
    if not isinstance(document, dict) or len(document) != 1:
        fail(path, f"must be an object with one key, which is one of {', '.join(tags)}; got {shortened(document)}")
    ((tag, value),) = document.items()
    if tag not in tags:
        fail(at(path, tag), f"is unknown; there are {', '.join(tags)}")
    return tag, value


def items(document: object, path: str) -> Iterator[tuple[object, str]]:
    """The entries of a list with their paths."""
    if not isinstance(document, list):
        fail(path, f"must be a list; got {shortened(document)}")
    return ((value, at(path, place)) for place, value in enumerate(document))


def entries(document: object, path: str) -> Iterator[tuple[str, object, str]]:
    """Name, value and path of what such a list has in order: ``[{"out": 16}, {"kernel": 3}]``, all names different."""
    seen: set[str] = set()
    for entry, here in items(document, path):
        if not isinstance(entry, dict) or len(entry) != 1:
            fail(here, f"must be an object with one key, a name; got {shortened(entry)}")
        ((name, value),) = entry.items()
        if name in seen:
            fail(at(here, name), "is there twice; give one of them another name")
        seen.add(name)
        yield name, value, at(here, name)


def word(document: object, path: str) -> str:
    """The document, which is text."""
    return document if isinstance(document, str) else fail(path, f"must be text; got {shortened(document)}")


def flag(document: object, path: str) -> bool:
    """The document, which is true or false."""
    return document if isinstance(document, bool) else fail(path, f"must be true or false; got {shortened(document)}")


def scalar(document: object, path: str) -> Scalar:
    """The document, which is a number, text, true or false; ``{"float": "1.0"}`` is a number too."""
    match document:
        case {"float": str(digits), **others} if not others:
            return _number(digits, path)
        case int() | float() | str():
            return document
    fail(path, f"must be a number, text, true or false; got {shortened(document)}")


def _number(digits: str, path: str) -> float:
    try:
        number = float(digits)
    except ValueError:
        fail(path, f"must have the digits of a number; got {digits!r}")
    return number if isfinite(number) else fail(path, f"must be finite; got {digits}")
