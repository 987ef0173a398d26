"""What runs in a worker: one job after another, each under its memory limit, until the parent hangs up."""

import gc
import importlib
import os
import resource
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from archsmith.runtime import procfs
from archsmith.runtime.job import Json
from archsmith.runtime.outcome import OutOfMemory, Outcome, Raised, Returned, to_json
from archsmith.runtime.post_mortem import ran_out_of_memory, said
from archsmith.runtime.wire import LARGEST, decode, encode

Report: TypeAlias = Callable[[Json], None]
JobFunction: TypeAlias = Callable[[Json, Report], Json]

_LONGEST_TEXT = 1 << 15


def serve(connection: socket.socket, threads: int) -> None:
    """Answers each order on the connection with "began", any number of "report" and one "ended"; returns at its end.

    Every message carries the number of its order, so that a thread that a job left behind cannot speak for the next.
    """
    worker = os.getpid()
    voice = _Voice(connection)
    start = _Start(threads)
    for line in connection.makefile("rb"):
        order = decode(line)
        number = order["order"]
        voice.say({"kind": "began", "order": number, "memory": procfs.private_memory(worker)})
        outcome = perform(
            order["function"],
            order["payload"],
            order["memory"],
            lambda message, number=number: voice.say({"kind": "report", "order": number, "message": message}),
        )
        if os.getpid() != worker:
            return  # the job forked and its child came back here too: only the worker answers
        start.restore()
        memory = procfs.private_memory(worker)
        voice.say_last({"kind": "ended", "order": number, "memory": memory}, outcome, order["function"])


def perform(function: str, payload: Json, memory: int | None, report: Report) -> Outcome:
    """Imports and calls the function; whatever it raises, SystemExit too, becomes the outcome."""
    try:
        with data_limit(memory):
            return Returned(_load(function)(payload, report))
    except BaseException as error:  # the boundary: a job may raise anything
        if ran_out_of_memory(error):
            return OutOfMemory(memory, said(error)[:_LONGEST_TEXT] or type(error).__name__)
        return _raised(error)


@contextmanager
def data_limit(allowance: int | None) -> Iterator[None]:
    """Lets this process map at most `allowance` more bytes of private writable memory meanwhile.

    RLIMIT_DATA and not RLIMIT_AS: mapped files and the address ranges that CUDA reserves cost no memory, and only
    the former leaves them out. What the job frees it may use again; a failed allocation raises in the job.
    """
    used = procfs.data_size(os.getpid())
    if allowance is None or not used:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = used + allowance
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _load(function: str) -> JobFunction:
    module, _, name = function.partition(":")
    found: JobFunction = getattr(importlib.import_module(module), name)
    return found


def _raised(error: BaseException) -> Raised:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    frames = error.__traceback__ and error.__traceback__.tb_next  # the first frame is `perform`
    text = "".join(traceback.format_exception(kind, error, frames))
    return Raised(name, said(error)[:_LONGEST_TEXT], text[-_LONGEST_TEXT:])


class _Voice:
    """Sends whole lines, from whichever thread of a job."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def say(self, message: Json) -> None:
        line = encode(message)
        if len(line) > LARGEST:
            raise ValueError(f"{len(line)} bytes of JSON, at most {LARGEST} can be sent: send less, or write a file")
        with self._lock:
            self._connection.sendall(line)

    def say_last(self, message: dict[str, Json], outcome: Outcome, function: str) -> None:
        try:
            self.say(message | {"outcome": to_json(outcome)})
        except (TypeError, ValueError, RecursionError) as error:
            text = f"{function} returned what cannot be sent as JSON: {said(error)}"
            self.say(message | {"outcome": to_json(Raised(type(error).__qualname__, text, text))})


@dataclass(frozen=True, slots=True)
class _Start:
    """The settings of a worker before its first job, which `restore` brings back after each."""

    threads: int
    directory: str = field(default_factory=os.getcwd)
    recursion: int = field(default_factory=sys.getrecursionlimit)

    def restore(self) -> None:
        """Also frees the job's cyclic garbage, so that a crash in a destructor is counted against this job."""
        with suppress(OSError):  # the folder itself may be gone by now
            os.chdir(self.directory)
        sys.setrecursionlimit(self.recursion)
        gc.collect()
        gc.freeze()  # what lives now stays: looking at it again would cost 0.1 s a job once torch's compiler is loaded
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_grad_enabled(True)
            torch.set_default_dtype(torch.float32)
            if torch.get_num_threads() != self.threads:
                torch.set_num_threads(self.threads)
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None and not stream.closed:
                stream.flush()
