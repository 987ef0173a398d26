"""Files of call records: JSON lines, compressed with gzip, that survive whatever happens to them.

A line is a record and says all of it. A writer appends a whole gzip member of whole lines at a time, so several
processes may write one file, and one that is killed leaves what it had written. A reader takes what it can read, and
says of the rest which line is wrong and why; it runs nothing and believes nothing that a file says.
"""

import gzip
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from archsmith.fuzz.call import (
    Argument,
    Call,
    CallRecord,
    Lost,
    Refused,
    Returned,
    TensorValue,
    Verdict,
)
from archsmith.fuzz.collect.members import lines_of
from archsmith.graph.errors import UserError
from archsmith.graph.signature import Word

T = TypeVar("T")

_encoded = json.JSONEncoder(allow_nan=False, separators=(",", ":"), check_circular=False).encode

DEEPEST = 32
"""Lists in lists."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a line of a file; lines are counted from 1."""

    line: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


@dataclass(slots=True)
class Reading:
    """The records of a file, one by one as they are iterated over; ``complaints`` grows meanwhile.

    Raises:
        UserError: while iterating, if there is no such file or it cannot be read.
    """

    path: Path
    complaints: list[Complaint] = field(default_factory=list)

    def __iter__(self) -> Iterator[CallRecord]:
        self.complaints.clear()
        try:
            with self.path.open("rb") as file:
                for number, line in lines_of(file, self._complain):
                    record = self._read(number, line)
                    if record is not None:
                        yield record
        except OSError as error:
            raise UserError(f"{self.path} must be a file that can be read; {error.strerror}") from None

    def _read(self, number: int, line: bytes) -> CallRecord | None:
        if not line.strip():
            return None
        try:
            return from_json(json.loads(line))
        except (ValueError, RecursionError) as error:
            self._complain(number, f"not a call record: {error}")
            return None

    def _complain(self, number: int, problem: str) -> None:
        self.complaints.append(Complaint(number, problem))


def read_records(path: Path) -> tuple[list[CallRecord], list[Complaint]]:
    """All records of a file that can be read, and what is wrong with the others.

    Raises:
        UserError: there is no such file, or it cannot be read.
    """
    reading = Reading(path)
    return list(reading), reading.complaints


class RecordWriter:
    """Appends records to a file, ``every`` so many of them at a time; threads may share one.

    A process forked from the one that opened it writes every record at once, as it may end without a word. A program
    that is traced has no part in it if the disk is full: from then on nothing is written, and ``close`` says so.

    Raises:
        UserError: the file cannot be written.
    """

    def __init__(self, path: Path, *, every: int = 64) -> None:
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise UserError(f"{path} must be a file that can be written; {error.strerror}") from None
        self._path = path
        self._failure: OSError | None = None
        self._open = True
        self._process = os.getpid()
        self._every = every
        self._lines: deque[str] = deque()  # appending and taking are atomic, so threads need no lock

    def write(self, record: CallRecord) -> None:
        """Keep the record for the next time that lines are written."""
        if os.getpid() != self._process:
            self._process, self._every = os.getpid(), 1
            self._lines.clear()  # they are the parent's to write
        self._lines.append(_encoded(to_json(record)))
        if len(self._lines) >= self._every:
            self.flush()

    def flush(self) -> None:
        """Write what was kept back."""
        taken: list[str] = []
        while self._lines:
            try:
                taken.append(self._lines.popleft())
            except IndexError:  # another thread was faster
                break
        if not taken or not self._open or self._failure is not None:
            return
        text = "".join(f"{line}\n" for line in taken)
        rest = memoryview(gzip.compress(text.encode(), compresslevel=6, mtime=0))
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            self._failure = error

    def close(self) -> None:
        """Write what was kept back, and nothing after that.

        Raises:
            UserError: not all records could be written.
        """
        if not self._open:
            return
        if os.getpid() == self._process:
            self.flush()
        self._open = False
        os.close(self._file)
        if self._failure is not None:
            raise UserError(f"{self._path} lacks records, as it could not be written; {self._failure.strerror}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def to_json(record: CallRecord) -> dict[str, Any]:
    """The record as JSON values."""
    call = record.call
    return {
        "operator": call.operator,
        "arguments": [[name, _plain(value)] for name, value in call.arguments],
        "positional": call.positional,
        **_plain_verdict(record.verdict),
        "torch": record.torch,
        "source": record.source,
    }


def _plain_verdict(verdict: Verdict) -> dict[str, Any]:
    match verdict:
        case Returned(values, aliases, mutates):
            told = {"values": [_plain(value) for value in values], "aliases": list(aliases), "mutates": list(mutates)}
            return {"returned": told}
        case Refused(kind, message):
            return {"refused": [kind, message]}
        case Lost(reason):
            return {"lost": reason}


def _plain(argument: Argument) -> Any:
    match argument:
        case TensorValue(shape, dtype, strides, low, high):
            told = {"tensor": list(shape), "dtype": dtype, "strides": strides, "low": low, "high": high}
            return {name: value for name, value in told.items() if value is not None}
        case Word(kind, text):
            return {"word": [kind, text]}
        case tuple():
            return [_plain(entry) for entry in argument]
        case float() if not isfinite(argument):
            return {"float": repr(argument)}
        case _:
            return argument


def from_json(document: object) -> CallRecord:
    """The record of which ``to_json`` made these JSON values.

    Raises:
        ValueError: it made no such values.
    """
    fields = _Fields(document, "a record")
    call = Call(
        fields.take("operator", _text),
        fields.take("arguments", _arguments),
        fields.take("positional", _count),
    )
    verdict = fields.one_of({"returned": _returned, "refused": _refused, "lost": lambda value: Lost(_text(value))})
    record = CallRecord(call, verdict, fields.take("torch", _text), fields.take("source", _text))
    fields.done()
    if call.positional > len(call.arguments):
        raise ValueError(f"{call.positional} arguments by place, of {len(call.arguments)} in all")
    return record


class _Fields:
    """An object of a JSON document, whose fields are taken one by one."""

    def __init__(self, document: object, what: str) -> None:
        if not isinstance(document, dict):
            raise ValueError(f"{what} must be an object; got {_shown(document)}")
        self._left: dict[str, object] = dict(document)
        self._what = what

    def take(self, name: str, read: Callable[[object], T]) -> T:
        if name not in self._left:
            raise ValueError(f"{self._what} must have {name!r}")
        return read(self._left.pop(name))

    def one_of(self, readers: Mapping[str, Callable[[object], T]]) -> T:
        there = [name for name in readers if name in self._left]
        if len(there) != 1:
            raise ValueError(f"{self._what} must have one of {', '.join(map(repr, readers))}; it has {len(there)}")
        return readers[there[0]](self._left.pop(there[0]))

    def done(self) -> None:
        if self._left:
            raise ValueError(f"{self._what} has no {min(self._left)!r}")


def _returned(value: object) -> Verdict:
    fields = _Fields(value, "'returned'")
    returned = Returned(
        tuple(_argument(entry, DEEPEST) for entry in fields.take("values", _list)),
        tuple(None if entry is None else _count(entry) for entry in fields.take("aliases", _list)),
        tuple(map(_count, fields.take("mutates", _list))),
    )
    fields.done()
    return returned


def _refused(value: object) -> Verdict:
    kind, message = _pair(value)
    return Refused(_text(kind), _text(message))


def _arguments(value: object) -> tuple[tuple[str, Argument], ...]:
    return tuple((_text(name), _argument(entry, DEEPEST)) for name, entry in map(_pair, _list(value)))


def _argument(value: object, deep: int) -> Argument:
    if isinstance(value, list):
        if deep == 0:
            raise ValueError(f"lists must not be deeper than {DEEPEST}")
        return tuple(_argument(entry, deep - 1) for entry in value)
    if not isinstance(value, dict):
        assert value is None or isinstance(value, bool | int | float | str)  # there is nothing else in JSON
        return value
    if "tensor" in value:
        return _tensor(value)
    fields = _Fields(value, "an argument")
    found = fields.one_of({"word": _word, "float": _special})
    fields.done()
    return found


def _word(value: object) -> Argument:
    kind, text = _pair(value)
    return Word(_text(kind), _text(text))


def _tensor(value: dict[str, object]) -> TensorValue:
    fields = _Fields(value, "a tensor")
    made = TensorValue(
        tuple(map(_count, fields.take("tensor", _list))),
        fields.take("dtype", _text),
        tuple(map(_count, fields.take("strides", _list))) if "strides" in value else None,
        fields.take("low", _whole) if "low" in value else None,
        fields.take("high", _whole) if "high" in value else None,
    )
    fields.done()
    return made


def _special(value: object) -> Argument:
    if value not in ("nan", "inf", "-inf"):
        raise ValueError(f"a float must be a number, nan, inf or -inf; got {_shown(value)}")
    return float(str(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a text was expected; got {_shown(value)}")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"a whole number was expected; got {_shown(value)}")
    return value


def _count(value: object) -> int:
    if _whole(value) < 0:
        raise ValueError(f"a number of at least 0 was expected; got {value}")
    return _whole(value)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"a list was expected; got {_shown(value)}")
    return value


def _pair(value: object) -> tuple[object, object]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"a list of two was expected; got {_shown(value)}")
    return value[0], value[1]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
