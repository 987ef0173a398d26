"""Lines of a file that may be compressed, cut off, or damaged in the middle."""

import zlib
from collections.abc import Callable, Generator, Iterator
from typing import BinaryIO

MAGIC = b"\x1f\x8b\x08"
"""What a gzip member begins with."""

LONGEST_LINE = 1 << 24
"""Bytes; a longer line is no record."""

_CHUNK = 1 << 16
_AT_ONCE = 1 << 20
"""Bytes unpacked at a time, whatever the file would unpack to."""
_STEP = 64
_GZIP = 31
"""The window size by which zlib knows gzip."""

Complain = Callable[[int, str], None]
"""Told the number of a line, from 1, and what is wrong there."""


def lines_of(file: BinaryIO, complain: Complain) -> Iterator[tuple[int, bytes]]:
    """The whole lines that can be read, with their numbers; ``complain`` hears of what cannot."""
    lines = _Lines(complain)
    first = file.read(_CHUNK)
    if first.startswith(MAGIC[:2]):
        members = _Members(lines)
        while first:
            yield from members.fed(first)
            first = file.read(_CHUNK)
        yield from members.ended()
        return
    while first:
        yield from lines.fed(first)
        first = file.read(_CHUNK)
    yield from lines.ended()


class _Lines:
    """Cuts bytes into lines."""

    def __init__(self, complain: Complain) -> None:
        self.number = 1
        self._complain = complain
        self._begun = bytearray()
        self._too_long = False

    def fed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        *whole, rest = data.split(b"\n")
        for piece in whole:
            self._add(piece)
            line, self._begun = bytes(self._begun), bytearray()
            if self._too_long:
                self.complain(f"longer than {LONGEST_LINE:,} bytes")
            else:
                yield self.number, line
            self._too_long = False
            self.number += 1
        self._add(rest)

    def _add(self, piece: bytes) -> None:
        if len(self._begun) + len(piece) > LONGEST_LINE:
            self._too_long = True
            self._begun.clear()
        elif not self._too_long:
            self._begun += piece

    def ended(self) -> Iterator[tuple[int, bytes]]:
        """The last line, if nothing ends it."""
        if self._begun and not self._too_long:
            yield self.number, bytes(self._begun)

    def broken(self, problem: str) -> None:
        """What follows is not the rest of the line that was begun."""
        self.complain(problem)
        if self._begun or self._too_long:
            self.number += 1
        self._begun.clear()
        self._too_long = False

    def complain(self, problem: str) -> None:
        self._complain(self.number, problem)


class _Members:
    """Unpacks gzip members one after the other; after damage, it goes on with the next one that can be unpacked."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self._unpacker: zlib._Decompress | None = None
        self._searching = False
        self._kept = b""

    def fed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        data, self._kept = self._kept + data, b""
        place = 0
        while place < len(data):
            if self._unpacker is None:
                start = self._next(data, place)
                if start is None:
                    return
                self._unpacker, place = zlib.decompressobj(_GZIP), start
                place += yield from self._unpacked(data, place, own=True)
            else:
                place += yield from self._unpacked(data, place, own=False)

    def ended(self) -> Iterator[tuple[int, bytes]]:
        if self._unpacker is not None or self._kept:
            self._lines.broken("the file ends in the middle of what was compressed")
        yield from self._lines.ended()

    def _next(self, data: bytes, place: int) -> int | None:
        """Where the next member begins; None if that is not in these data."""
        start = data.find(MAGIC, place)
        if start == place:
            return start
        begun = next((size for size in (2, 1) if data.endswith(MAGIC[:size], place)), 0) if start < 0 else 0
        self._kept = data[len(data) - begun :]
        if place + begun < len(data) and not self._searching:
            self._searching = True
            self._lines.broken("what follows is not compressed, up to the next that is")
        return start if start >= 0 else None

    def _unpacked(self, data: bytes, place: int, *, own: bool) -> Generator[tuple[int, bytes], None, int]:
        """Returns how many bytes were used; ``own``: the member begins there."""
        unpacker = self._unpacker
        assert unpacker is not None
        piece = memoryview(data)[place:]
        while True:
            before = unpacker.copy()
            try:
                found = unpacker.decompress(piece, _AT_ONCE)
            except zlib.error as error:
                self._unpacker = None
                if not self._searching:
                    yield from self._lines.fed(_before_damage(before, piece))
                    self._lines.broken(f"damaged from here to the next that is not: {error}")
                self._searching = True
                return int(own)
            self._searching = False
            yield from self._lines.fed(found)
            if unpacker.eof:
                self._unpacker = None
                return len(data) - place - len(unpacker.unused_data)
            if not unpacker.unconsumed_tail:
                return len(data) - place
            piece = memoryview(unpacker.unconsumed_tail)


def _before_damage(unpacker: "zlib._Decompress", piece: memoryview) -> bytes:
    """What can be unpacked of the piece, which cannot be unpacked whole."""
    found = b""
    for start in range(0, len(piece), _STEP):
        try:
            found += unpacker.decompress(piece[start : start + _STEP], _AT_ONCE)
        except zlib.error:
            break
    return found
