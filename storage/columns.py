"""The kinds of column: each refuses, or makes safe, what a database would silently spoil."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Double, Integer, Text
from sqlalchemy.types import TypeDecorator

from archsmith.graph.errors import UserError
from archsmith.storage.jsontext import dumps, loads


class UtcTime(TypeDecorator[datetime]):
    """A moment; naive ones are refused, and what comes out is always aware UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time in the store must carry a timezone; got {value}")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Finite(TypeDecorator[float]):
    """A number; NaN is refused, since SQLite would keep it as NULL, and so are the infinities."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        if value is not None and not isfinite(value):
            raise ValueError(f"a number in the store must be finite; got {value}")
        return None if value is None else float(value)


class Whole(TypeDecorator[int]):
    """An integer of 64 bits, which is the most that SQL has."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        # only a column declared INTEGER may be a SQLite table's row id; it holds 64 bits all the same
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        if value is not None and not -(2**63) <= value < 2**63:
            raise UserError(f"an integer in the store must fit in 64 bits; got {value}: use a smaller one")
        return value


class Words(TypeDecorator[str]):
    """Text; what no database can hold (NUL, half a surrogate pair) is kept as its visible escape."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.replace("\0", r"\x00").encode("utf-8", "backslashreplace").decode("utf-8")


class JsonText(TypeDecorator[Mapping[str, Any]]):
    """A JSON value as text, NaN and infinities included; see ``jsontext``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else loads(value)
