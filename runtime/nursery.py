"""The parent's side of the nursery, the process from which workers are forked."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress

from archsmith.runtime.job import Json
from archsmith.runtime.post_mortem import tail
from archsmith.runtime.wire import Channel, encode

_FAREWELL = 10.0


class Nursery:
    """One nursery process; it starts importing at once and forks after that; the parent waits for neither."""

    def __init__(self, *, preload: Sequence[str], threads: int, environment: Mapping[str, str]) -> None:
        self.ready = False
        """Whether it has finished its imports."""
        self._end, theirs = socket.socketpair()
        self._channel = Channel(self._end)
        self._log = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (it lives as long as the process)
        with theirs:
            # `-P`: the current folder must not shadow modules; the parent's own search path is sent instead
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "archsmith.runtime.nursery_main", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env={**os.environ, **_thread_limits(threads), **environment},
                start_new_session=True,
            )
        self._tell(preload=list(preload), path=sys.path, parent=os.getpid(), threads=threads)

    def fileno(self) -> int:
        return self._channel.fileno()

    @property
    def gone(self) -> bool:
        """Whether the process has hung up, which it does only when it dies."""
        return self._channel.ended

    @property
    def log(self) -> str:
        """The end of what the process printed."""
        return tail(self._log.fileno())

    def fork(self, number: int, connection: int, output: int) -> None:
        """Orders worker `number`, which speaks on `connection` and prints to `output`."""
        self._tell((connection, output), kind="fork", number=number)

    def kill(self, number: int) -> None:
        """Orders the end of a worker and of all that it started."""
        self._tell(kind="kill", number=number)

    def receive(self) -> list[Json]:
        """What it has told since: "ready" or "failed", then "forked" and "exited" for its workers."""
        return self._channel.receive()

    def close(self) -> None:
        """Hangs up, upon which the process kills its workers and leaves; amid its imports, it is killed."""
        self._channel.close()
        if not self.ready:
            self._process.kill()
        try:
            self._process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _tell(self, descriptors: Sequence[int] = (), **message: Json) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # `gone` tells, after the next `receive`
            socket.send_fds(self._end, [encode(message)], descriptors)


def _thread_limits(threads: int) -> dict[str, str]:
    """OpenBLAS gets one thread in any case: it starts its threads when numpy is imported, before any fork."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": "1",
        "TORCHINDUCTOR_COMPILE_THREADS": str(threads),
    }
