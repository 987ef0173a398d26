"""How values are written for people, and how JSON from the store is made fit for any reader."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from math import isfinite
from typing import Any

NONE = "–"
UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
LONG = 10**15
"""From here on a whole number is written with an exponent; it may be longer than any float."""

SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def plain(value: object) -> Any:
    """``value`` as JSON that every reader takes: facts as objects, times as ISO 8601, NaN as a string."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [plain(item) for item in value]
    raise TypeError(f"no JSON for a {type(value).__name__}")


def number(value: object) -> str:
    """A number in few characters, or the text of anything else.

    >>> number(0.91234), number(1.5e-7), number(None)
    ('0.9123', '1.5e-07', '–')
    """
    if value is None:
        return NONE
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{Decimal(value):.4g}" if abs(value) >= LONG else f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if not isfinite(value):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.4f}"
    return f"{value:.4g}"


def exact(value: object) -> str:
    """A setting as it was given, to be read and copied."""
    if value is None:
        return NONE
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def scaled(value: object) -> str:
    """A count with a unit prefix, 1.23 M for 1 234 567; what is not large as ``number`` writes it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LONG:
        return number(value)
    for size, letter in SCALES:
        if abs(value) >= size:
            return f"{value / size:.3g}\N{NARROW NO-BREAK SPACE}{letter}"
    return number(value)


def duration(seconds: float | None) -> str:
    """Time in its two largest units: 2 h 5 min, 3.2 s, 40 ms."""
    if seconds is None or not isfinite(seconds):
        return NONE
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    for i, (size, letter) in enumerate(UNITS[:-1]):
        if seconds >= size:
            smaller, unit = UNITS[i + 1]
            return f"{seconds // size:.0f} {letter} {seconds % size // smaller:.0f} {unit}"
    return NONE


def ago(then: datetime, now: datetime) -> str:
    """How long before ``now`` something was, in its largest unit."""
    seconds = (now - then).total_seconds()
    for size, letter in UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {letter} ago"
    return "just now" if seconds < 5 else f"{seconds:.0f} s ago"


def moment(then: datetime) -> str:
    """Date and time to the second, in UTC."""
    return f"{then:%Y-%m-%d %H:%M:%S} UTC"


def percent(part: float, whole: float | None) -> int:
    """The share of ``part`` in ``whole`` as 0 to 100; 0 for a whole that is unknown or nothing."""
    return max(0, min(100, int(100 * part / whole))) if whole else 0
