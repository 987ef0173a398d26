"""The nursery process: imports what workers need, once, and forks a worker whenever the parent asks.

A fork takes milliseconds where importing torch takes seconds. It is safe only while the process has one
thread, so nothing here ever runs a torch operator, and a preloaded module that starts a thread is refused.

Orders arrive as JSON lines on the Unix socket whose descriptor is the only argument; answers leave the same
way. A "fork" order brings the worker's own socket and its output file along as descriptors. When the parent
hangs up or is gone, every worker is killed together with all that it started.
"""

import ctypes
import faulthandler
import gc
import importlib
import io
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from archsmith.runtime import child, procfs
from archsmith.runtime.job import Json
from archsmith.runtime.wire import decode, encode

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PARENT_CHECK = 1.0
_FAREWELL = 5.0
_BAD_START = 70


class Control:
    """The nursery's end of the socket to the parent."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self._incoming = bytearray()
        self.descriptors: deque[int] = deque()
        """What came along with "fork" orders and was not taken yet: connection, output, connection, ..."""

    def tell(self, **message: Json) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # the next `receive` sees that nobody is there
            self.end.sendall(encode(message))

    def receive(self) -> list[Json] | None:
        """The orders that have arrived, waiting for the first; None when the parent has hung up."""
        try:
            chunk, descriptors, _, _ = socket.recv_fds(self.end, 1 << 16, 16)
        except ConnectionResetError:
            return None
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        self.descriptors.extend(descriptors)
        self._incoming += chunk
        *lines, self._incoming = self._incoming.split(b"\n")
        return [decode(line) for line in lines] if chunk else None


class Brood:
    """The living workers by pid, and everything that happens to them."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell
        self._numbers: dict[int, int] = {}

    def fork(self, number: int, connection: int, output: int, threads: int, close: Callable[[], None]) -> None:
        """Starts worker `number`; `close` frees, in the worker, what belongs to the nursery alone."""
        nursery = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                close()
                _be_worker(nursery, connection, output, threads)
            except BaseException:  # noqa: BLE001 (the boundary: the nursery's loop must not run twice)
                traceback.print_exc()
                os._exit(_BAD_START)
            os._exit(0)
        os.close(connection)
        os.close(output)
        self._numbers[pid] = number
        self._tell(kind="forked", number=number, pid=pid)

    def kill(self, number: int) -> None:
        """Kills the worker and its process group; unknown numbers are those of workers that died already."""
        for pid, other in self._numbers.items():
            if other == number:
                _kill(pid)

    def reap(self) -> None:
        """Tells of every worker that has ended and kills what it left behind."""
        while (pid := _ended()) is not None:
            _kill(pid)  # the rest of its group, while the pid cannot belong to anybody else
            _, status = os.waitpid(pid, 0)
            number = self._numbers.pop(pid, None)
            if number is not None:
                self._tell(kind="exited", number=number, status=status)
            self._kill_strays()

    def kill_all(self) -> None:
        """Ends every descendant, waiting up to 5 seconds for those that the kernel lets go of slowly."""
        end = time.monotonic() + _FAREWELL
        for pid in self._numbers:
            _kill(pid)
        self.reap()
        while (self._numbers or procfs.children(os.getpid())) and time.monotonic() < end:
            time.sleep(0.01)
            self.reap()

    def _kill_strays(self) -> None:
        """What dead workers started, in whatever session: the nursery, a subreaper, became its parent."""
        for pid in procfs.children(os.getpid()):
            if pid not in self._numbers:
                _kill(pid)


def main() -> None:
    """Runs until the parent hangs up; the first order says what to import."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    control = Control(socket.socket(fileno=int(sys.argv[1])))
    orders = control.receive()
    if not orders:
        return
    first, *rest = orders
    sys.path[:] = first["path"] + [entry for entry in sys.path if entry not in first["path"]]
    problem = preload(first["preload"])
    if problem is not None:
        control.tell(kind="failed", problem=problem)
        return
    control.tell(kind="ready")
    tend(control, rest, parent=first["parent"], threads=first["threads"])


def preload(modules: list[str]) -> str | None:
    """Imports the modules; the answer is what went wrong, if anything did."""
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 (a boundary: an import may raise anything)
            return f"importing {module!r} raised {type(error).__name__}: {error}"
        names = procfs.thread_names()
        if len(names) > 1:
            return (
                f"importing {module!r} started threads ({', '.join(names[1:])}), and a process with threads "
                "cannot be forked safely: leave it out of `preload`, the jobs import it themselves"
            )
    gc.collect()
    gc.freeze()
    return None


def tend(control: Control, orders: list[Json], *, parent: int, threads: int) -> None:
    """The nursery's loop: forks and kills on demand, reaps at once, ends with the parent."""
    brood = Brood(control.tell)
    waker, woken = socket.socketpair()
    for end in (waker, woken):
        end.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)

    def close() -> None:
        signal.set_wakeup_fd(-1)
        for end in (waker, woken, control.end):
            end.close()
        for descriptor in control.descriptors:
            os.close(descriptor)

    pending: list[Json] | None = orders
    while pending is not None and os.getppid() == parent:
        for order in pending:
            if order["kind"] == "fork":
                connection, output = control.descriptors.popleft(), control.descriptors.popleft()
                brood.fork(order["number"], connection, output, threads, close)
            else:
                brood.kill(order["number"])
        readable, _, _ = select.select([control.end, woken], [], [], _PARENT_CHECK)
        if woken in readable:
            woken.recv(1 << 12)
        brood.reap()
        pending = control.receive() if control.end in readable else []
    brood.kill_all()


def _be_worker(nursery: int, connection: int, output: int, threads: int) -> None:
    """Turns a fresh fork into a worker in a session of its own, which dies with the nursery, and serves."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)  # a crash must not take along what was printed before
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        with suppress(OSError):  # let the kernel, short of memory, choose a worker and not the parent
            Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    if os.getppid() != nursery:
        return
    faulthandler.enable(file=2, all_threads=False)
    child.serve(socket.socket(fileno=connection), threads)


def _ended() -> int | None:
    """The pid of some child that has ended, left as a zombie."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return None if found is None else found.si_pid


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
