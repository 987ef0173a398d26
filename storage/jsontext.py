"""JSON for the store: floats keep their NaN and infinities, and the text is plain ASCII.

A float that is not finite is written as ``{"$float": "nan"}`` (or "inf", "-inf"); a key of the caller that
begins with ``$`` gets one more ``$``, so nothing that a caller stores is mistaken for such a float.
"""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

_FLOAT = "$float"


def dumps(value: object) -> str:
    """Text of a JSON value; tuples become lists.

    Raises:
        ValueError: a part of the value is none of the kinds that JSON has, or a key is not a string.
    """
    return json.dumps(_spelled(value, "$"), allow_nan=False, separators=(",", ":"))


def loads(text: str) -> Any:
    """The value that ``dumps`` wrote."""
    return json.loads(text, object_hook=_restored) if '"$' in text else json.loads(text)


def _spelled(value: object, place: str) -> object:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if isfinite(value) else {_FLOAT: repr(float(value))}
    if isinstance(value, Mapping):
        return {_key(key, place): _spelled(item, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_spelled(item, f"{place}[{i}]") for i, item in enumerate(value)]
    raise ValueError(f"the store keeps JSON; {place} is a {type(value).__name__}: convert it first")


def _key(key: object, place: str) -> str:
    if not isinstance(key, str):
        raise ValueError(f"the store keeps JSON, whose keys are strings; {place} has the key {key!r}")
    return f"${key}" if key.startswith("$") else key


def _restored(found: dict[str, Any]) -> Any:
    if found.keys() == {_FLOAT}:
        return float(found[_FLOAT])
    return {key[1:] if key.startswith("$") else key: item for key, item in found.items()}
