"""What commands print: tables for people, JSON for machines."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from shutil import get_terminal_size
from typing import Any

import click


def print_json(document: Any) -> None:
    """One JSON document; NaN and infinities as "nan", "inf" and "-inf", as the dashboard's API has them."""
    click.echo(json.dumps(plain(document), indent=2, allow_nan=False))


def plain(value: Any) -> Any:
    """A fact of the store as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table in columns, numbers to the right; on a terminal the last column is cut where the line ends.

    Written by hand: importing rich for it would take longer than all the rest of such a command.
    """
    cells = [[_cell(entry) for entry in row] for row in rows]
    widths = [max(map(len, entries)) for entries in zip(columns, *cells, strict=True)]
    columnwise = list(zip(*rows, strict=True)) or [("",)] * len(columns)
    numeric = [all(entry is None or isinstance(entry, int | float) for entry in column) for column in columnwise]
    limit = get_terminal_size().columns if sys.stdout.isatty() else None

    def line(entries: Sequence[str]) -> str:
        parts = [
            entry.rjust(width) if right else entry.ljust(width)
            for entry, width, right in zip(entries, widths, numeric, strict=True)
        ]
        return "  ".join(parts).rstrip()[:limit]

    if title:
        click.secho(title, italic=True)
    click.secho(line(columns), bold=True)
    for entries in cells:
        click.echo(line(entries))


def _cell(entry: object) -> str:
    if entry is None:
        return "-"
    text = f"{entry:.4f}" if isinstance(entry, float) else str(entry)
    # A control character in a name or a message must not steer the terminal.
    return "".join(character if character.isprintable() else " " for character in text)
