"""Books of learned rules: files that hold hundreds of operators and are read operator by operator.

A book is a gzip file of JSON lines: a header, then one line for each operator, in order of their names. It is
compressed in parts of many operators each, of which the header has the lengths, so that an operator is found without
reading the others. Equal books have equal bytes.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from archsmith.graph.book import Operator
from archsmith.graph.errors import UserError
from archsmith.graph.rule_json import operator_from_json, operator_to_json, rule_from_json, rule_to_json
from archsmith.graph.rules import Rule
from archsmith.graph.signature import Plain

__all__ = [
    "FORMAT",
    "KIND",
    "RULEBOOKS",
    "VERSION",
    "Header",
    "LearnedBook",
    "book_bytes",
    "book_from_bytes",
    "learned_book",
    "learned_operator",
    "learned_operators",
    "load_book",
    "rule_from_json",
    "rule_to_json",
    "shipped",
    "write_book",
]

FORMAT = 1
"""Version of the file's form; a reader refuses any other."""

KIND = "archsmith rule book"

VERSION = "2.13"
"""The PyTorch whose book is used where none is named."""

RULEBOOKS = Path(__file__).with_name("rulebooks")
"""Where the books are that come with archsmith."""

PART = 1 << 16
"""Characters of JSON that are compressed together, or a little more."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a book says of itself: for which PyTorch it was made, and how and when, in the words of whoever made it."""

    pytorch: str
    built: str
    operators: int
    rules: int


@dataclass(frozen=True, slots=True)
class _Part:
    names: tuple[str, ...]
    start: int
    length: int


@dataclass(frozen=True)
class LearnedBook:
    """The operators of a book, read when they are asked for; ``name`` is what errors call the book.

    Raises:
        UserError: what is read is damaged.
    """

    name: str
    header: Header
    _parts: tuple[_Part, ...] = field(repr=False)
    _data: bytes = field(repr=False)
    _places: Mapping[str, tuple[int, int]] = field(repr=False)
    _lines: dict[int, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _known: dict[str, Operator] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def names(self) -> Sequence[str]:
        """The names of all operators, sorted."""
        return tuple(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def operator(self, name: str) -> Operator:
        """The operator of that name; a ``UserError`` if there is none."""
        if name not in self._known:
            if name not in self._places:
                raise UserError(f"no operator {name!r} in {self.name}; `archsmith rules list` has the names")
            self._known[name] = self._read(name)
        return self._known[name]

    def operators(self) -> Iterator[Operator]:
        """All operators, in order of their names."""
        return map(self.operator, self._places)

    def _read(self, name: str) -> Operator:
        part, place = self._places[name]
        try:
            found = operator_from_json(json.loads(self._part(part)[place], parse_constant=_no_number))
        except (ValueError, RecursionError) as error:
            raise UserError(f"{self.name}: {name}: {error}") from None
        if found.name != name:
            raise UserError(f"{self.name}: {name} is said to be here; got {found.name}")
        return found

    def _part(self, place: int) -> tuple[str, ...]:
        if place not in self._lines:
            part = self._parts[place]
            text = _unpacked(self._data[part.start : part.start + part.length])[0].decode()
            lines = tuple(text.splitlines())
            if len(lines) != len(part.names):
                raise ValueError(f"a part must have a line for each of {len(part.names)} operators; got {len(lines)}")
            self._lines[place] = lines
        return self._lines[place]


def learned_operator(
    name: str, rules: Iterable[Rule], *, summary: str = "", defaults: Mapping[str, Plain] | None = None
) -> Operator:
    """An operator of these rules, which were all learned for it.

    Raises:
        ValueError: there are none, or one was declared or is of another operator.
    """
    kept = tuple(rules)
    if not kept or any(rule.learned is None or rule.operator != name for rule in kept):
        raise ValueError(f"a learned operator has learned rules, all of {name}; got {len(kept)} rules")
    return Operator(name, summary, (), kept, defaults=tuple(sorted((defaults or {}).items())))


def learned_operators(rules: Iterable[Rule]) -> list[Operator]:
    """The operators of these learned rules, by name; each has its rules in the order given."""
    by_name = sorted(rules, key=lambda rule: rule.operator)
    return [learned_operator(name, found) for name, found in groupby(by_name, key=lambda rule: rule.operator)]


def book_bytes(operators: Iterable[Operator], *, pytorch: str, built: str) -> bytes:
    """The file of a book; ``built`` says how and when it was made, in words.

    Raises:
        ValueError: an operator was not learned, or two have one name.
    """
    given = sorted(operators, key=lambda entry: entry.name)
    names = [entry.name for entry in given]
    if len(set(names)) < len(names) or not all(entry.learned for entry in given):
        raise ValueError("a book has operators that were learned, each once")
    parts = list(_parts([(entry.name, _line(operator_to_json(entry))) for entry in given]))
    header = {
        "kind": KIND,
        "format": FORMAT,
        "pytorch": pytorch,
        "built": built,
        "operators": len(given),
        "rules": sum(len(entry.rules) for entry in given),
        "parts": [[len(packed), *inside] for packed, inside in parts],
    }
    return b"".join([_packed(_line(header)), *(packed for packed, _ in parts)])


def write_book(
    path: Path,
    rules: Iterable[Rule],
    *,
    torch: str,
    built: datetime,
    defaults: Callable[[str], Mapping[str, Plain]] = lambda operator: {},
) -> None:
    """Write a book of learned rules, made at the time ``built``; ``defaults`` are those of an operator's arguments.

    Raises:
        UserError: the file cannot be written.
    """
    found = [replace(entry, defaults=tuple(sorted(defaults(entry.name).items()))) for entry in learned_operators(rules)]
    try:
        path.write_bytes(book_bytes(found, pytorch=torch, built=built.isoformat(timespec="seconds")))
    except OSError as error:
        raise UserError(f"{path} must be a file that can be written; {error.strerror}") from None


def _parts(lines: Sequence[tuple[str, str]]) -> Iterator[tuple[bytes, list[str]]]:
    names: list[str] = []
    text = ""
    for name, line in lines:
        names.append(name)
        text += line
        if len(text) >= PART:
            yield _packed(text), names
            names, text = [], ""
    if names:
        yield _packed(text), names


def _line(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode(), 9, mtime=0)


def load_book(path: Path) -> LearnedBook:
    """The book of a file (``UserError`` if it is none)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} must be a book of rules that can be read; {error.strerror}") from None
    return book_from_bytes(data, name=str(path))


def book_from_bytes(data: bytes, *, name: str) -> LearnedBook:
    """The book of a file's bytes (``UserError``, by ``name``, if it is none)."""
    try:
        text, rest = _unpacked(data)
        header, sizes = _header(json.loads(text, parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name} must be a book that `archsmith rules infer` wrote; {error}") from None
    parts: list[_Part] = []
    start = len(data) - len(rest)
    for length, names in sizes:
        parts.append(_Part(names, start, length))
        start += length
    if start != len(data):
        raise UserError(f"{name} is damaged: it should have {start:,} bytes, and has {len(data):,}; write it again")
    places = {one: (place, line) for place, part in enumerate(parts) for line, one in enumerate(part.names)}
    return LearnedBook(name, header, tuple(parts), data, places)


def _unpacked(data: bytes) -> tuple[bytes, bytes]:
    """The first part of the data and what stands behind it."""
    reader = zlib.decompressobj(wbits=31)
    try:
        found = reader.decompress(data)
    except zlib.error as error:
        raise ValueError(f"it is no gzip file, or a damaged one: {error}") from None
    if not reader.eof:
        raise ValueError("its end is missing")
    return found, reader.unused_data


def _header(document: object) -> tuple[Header, list[tuple[int, tuple[str, ...]]]]:
    match document:
        case {"kind": kind, "format": version} if (kind, version) != (KIND, FORMAT):
            raise ValueError(f"this is {kind} of format {version}, and archsmith reads {KIND} of format {FORMAT}")
        case {
            "kind": _, "format": _, "pytorch": str(pytorch), "built": str(built), "operators": int(operators),
            "rules": int(rules), "parts": list(parts),
        }:  # fmt: skip
            sizes = [_part_size(entry) for entry in parts]
            if sum(len(names) for _, names in sizes) == operators:
                return Header(pytorch, built, operators, rules), sizes
    raise ValueError(
        f"its first line says kind, format, pytorch, built, operators, rules and parts; got {shortened(document)}"
    )


def _part_size(entry: object) -> tuple[int, tuple[str, ...]]:
    match entry:
        case [int(length), *names] if length > 0 and all(isinstance(name, str) for name in names):
            return length, tuple(map(str, names))
    raise ValueError(f"a part is its length and the names in it; got {shortened(entry)}")


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number in JSON")


def learned_book(version: str = VERSION) -> LearnedBook:
    """The book that comes with archsmith for a version of PyTorch (``UserError`` if there is none)."""
    path = RULEBOOKS / f"pytorch-{version}.json.gz"
    if not path.is_file():
        found = sorted(
            one.name.removeprefix("pytorch-").removesuffix(".json.gz") for one in RULEBOOKS.glob("pytorch-*")
        )
        raise UserError(f"there are books for PyTorch {', '.join(found) or '(none)'}; got {version}")
    return _loaded(path)


@cache
def _loaded(path: Path) -> LearnedBook:
    return replace(load_book(path), name=path.name)


def shipped() -> LearnedBook:
    """The book for the PyTorch that archsmith is for; one without operators where it is not installed."""
    if not (RULEBOOKS / f"pytorch-{VERSION}.json.gz").is_file():
        return LearnedBook("no book", Header(VERSION, "never", 0, 0), (), b"", {})
    return learned_book()
