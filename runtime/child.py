"""What runs in a worker: one job after another, each under its memory limit, until the parent hangs up."""

import gc
import importlib
import mmap
import os
import resource
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from archsmith.runtime import procfs
from archsmith.runtime.job import Json
from archsmith.runtime.outcome import Outcome, OutOfMemory, Raised, Returned, to_json
from archsmith.runtime.post_mortem import ran_out_of_memory, said
from archsmith.runtime.wire import LARGEST, decode, encode

Report: TypeAlias = Callable[[Json], None]
JobFunction: TypeAlias = Callable[[Json, Report], Json]

_LONGEST_TEXT = 1 << 15
_RESERVE = 1 << 22
_NEAR = 1 << 26
_LARGEST_LIMIT = (1 << 63) - 1


def serve(connection: socket.socket, threads: int) -> None:
    """Answers each order with "began", any number of "report" and one "ended", until the connection ends.

    Every message carries the number of its order: a thread that a job left behind cannot speak for the next.
    """
    worker = os.getpid()
    voice = _Voice(connection)
    start = _Start(threads)
    for line in connection.makefile("rb"):
        order = decode(line)
        number = order["order"]
        memory = procfs.private_memory(worker)
        voice.say({"kind": "began", "order": number, "at": time.monotonic(), "memory": memory})
        outcome, short = perform(order["function"], order["payload"], order["memory"], partial(voice.report, number))
        at = time.monotonic()
        if os.getpid() != worker:
            return  # the job forked and its child came back here too: only the worker answers
        start.restore()
        memory = procfs.private_memory(worker)
        ended = {"kind": "ended", "order": number, "at": at, "memory": memory, "short": short}
        voice.say_last(ended, outcome, order["function"])


def perform(function: str, payload: Json, memory: int | None, report: Report) -> tuple[Outcome, bool]:
    """Imports and calls the function; whatever it raises, SystemExit too, becomes the outcome.

    The answer's second part is whether memory became so short that the process should not be used again.
    """
    limit = DataLimit(memory)
    try:
        value = _load(function)(payload, report)
    except BaseException as error:  # noqa: BLE001 (the boundary: a job may raise anything)
        limit.lift()  # first of all: with no memory left, nothing else can be done
        short = limit.was_near()
        if ran_out_of_memory(error, short=short):
            return OutOfMemory(memory, said(error)[:_LONGEST_TEXT] or type(error).__name__), True
        return _raised(error), short
    limit.lift()
    return Returned(value), limit.was_near()


class DataLimit:
    """Lets this process map at most `allowance` more bytes of private writable memory until it is lifted.

    RLIMIT_DATA and not RLIMIT_AS: mapped files and the address ranges that CUDA reserves cost no memory, and
    only the former leaves them out. What the job frees it may use again; a failed allocation raises in it.
    """

    def __init__(self, allowance: int | None) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_DATA)
        self._allowance = allowance
        # never touched, so it costs nothing; given back, it is what an exception needs to be looked at
        self._reserve = mmap.mmap(-1, _RESERVE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._data = 0 if allowance is None else procfs.data_size()
        if allowance is not None and self._data:
            procfs.forget_peak()
            self._resident = procfs.peak_resident()
            _, hard = self._before
            wanted = min(self._data + allowance, _LARGEST_LIMIT)
            wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))

    def lift(self) -> None:
        """Ends the limit, even where not a byte is left."""
        self._reserve.close()
        resource.setrlimit(resource.RLIMIT_DATA, self._before)

    def was_near(self) -> bool:
        """Whether the job came within 64 MiB of its limit, where allocations of any library may fail.

        Such a failure can outlive the job: a convolution for which oneDNN once lacked memory to generate code
        fails in that process ever after, limit or not.
        """
        if self._allowance is None or not self._data:
            return False
        resident = procfs.peak_resident() - self._resident
        mapped = procfs.data_size() + _RESERVE - self._data
        return max(resident, mapped) > self._allowance - _NEAR


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
            raise ValueError(f"{len(line)} bytes of JSON, but at most {LARGEST} can be sent; write a file instead")
        with self._lock:
            self._connection.sendall(line)

    def report(self, number: int, message: Json) -> None:
        self.say({"kind": "report", "order": number, "at": time.monotonic(), "message": message})

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
        """Also frees the job's cyclic garbage, so that a crash in a destructor counts against this job."""
        with suppress(OSError):  # the folder itself may be gone by now
            os.chdir(self.directory)
        sys.setrecursionlimit(self.recursion)
        gc.collect()
        gc.freeze()  # what lives now stays: with torch's compiler loaded, a new look would cost 0.2 s a job
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_grad_enabled(True)
            torch.set_default_dtype(torch.float32)
            if torch.get_num_threads() != self.threads:
                torch.set_num_threads(self.threads)
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None and not stream.closed:
                stream.flush()
