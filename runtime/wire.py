"""JSON lines over a Unix socket, as the parent, the nursery and the workers speak them. Never pickle."""

import json
import socket

from archsmith.runtime.job import Json

_CHUNK = 1 << 18
_CHUNKS_AT_ONCE = 64
LARGEST = 1 << 28
"""Bytes in the longest line that is accepted; a process that sends more is not answering but running wild."""


class Garbled(Exception):
    """The other side sent something that is not a line of JSON."""


def encode(message: Json) -> bytes:
    """One line of ASCII; raises TypeError, ValueError or RecursionError for what JSON cannot say."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes | bytearray) -> Json:
    """The inverse of `encode`; raises Garbled."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Garbled(f"{bytes(line[:200])!r} is not a line of JSON: {error}") from error


class Channel:
    """One end of a socket, never blocking: a select loop calls `flush` and `receive` when it is ready."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self.ended = False
        """Whether the other side has hung up."""

    def fileno(self) -> int:
        return self._end.fileno()

    @property
    def unsent(self) -> bool:
        """Whether `flush` has something left to do once the socket can be written."""
        return bool(self._outgoing)

    def send(self, message: Json) -> None:
        """Queues the message and sends as much of it as the socket takes now."""
        self._outgoing += encode(message)
        self.flush()

    def flush(self) -> None:
        """Sends what the socket takes now; what was meant for a dead peer is dropped."""
        while self._outgoing:
            try:
                sent = self._end.send(self._outgoing[:_CHUNK], socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except (BrokenPipeError, ConnectionResetError):
                sent = len(self._outgoing)
            del self._outgoing[:sent]

    def receive(self) -> list[Json]:
        """The whole messages that have arrived, oldest first; raises Garbled.

        Reads at most 16 MiB at once, so that one worker that never stops reporting cannot starve the others.
        """
        lines: list[bytearray] = []
        for _ in range(_CHUNKS_AT_ONCE):
            chunk = self._read()
            self._incoming += chunk
            if b"\n" in chunk:
                *whole, self._incoming = self._incoming.split(b"\n")
                lines += whole
            if not chunk:
                break
        if len(self._incoming) > LARGEST:
            raise Garbled(f"a message of more than {LARGEST} bytes")
        return [decode(line) for line in lines]

    def close(self) -> None:
        self._end.close()

    def _read(self) -> bytes:
        try:
            chunk = self._end.recv(_CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return b""
        except ConnectionResetError:
            chunk = b""
        self.ended = self.ended or not chunk
        return chunk
