"""The parent's view of one worker: its channel, what it printed, and the job that it has."""

import math
import os
import socket
import tempfile
import time
from collections.abc import Hashable
from dataclasses import dataclass

from archsmith.runtime import procfs
from archsmith.runtime.job import Job, Json
from archsmith.runtime.nursery import Nursery
from archsmith.runtime.outcome import OutOfMemory, Outcome, TimedOut
from archsmith.runtime.post_mortem import tail, verdict
from archsmith.runtime.wire import Channel

_MOST_OUTPUT = 1 << 23


@dataclass(slots=True)
class Task:
    """A job in flight under the caller's key."""

    key: Hashable
    job: Job
    sent: int = 0
    """How often it was given to a worker: again only if that worker was lost through no fault of the job."""
    began: float | None = None
    """Monotonic seconds when the worker began it; the clock is the same for all processes of a machine."""
    memory: int = 0
    """Bytes that the worker held when it began."""
    oom_kills: int | None = None

    @property
    def deadline(self) -> float:
        return math.inf if self.began is None else self.began + self.job.seconds


class Worker:
    """One worker process, from the order to fork it to its end."""

    def __init__(self, number: int, nursery: Nursery) -> None:
        self.number = number
        self.pid: int | None = None
        self.task: Task | None = None
        self.jobs = 0
        """How many jobs it was given."""
        self.memory: int | None = None
        """Bytes that it held when it began its first job."""
        end, theirs = socket.socketpair()
        self.channel = Channel(end)
        self._output = tempfile.TemporaryFile("a+b", buffering=0)
        with theirs:
            nursery.fork(number, theirs.fileno(), self._output.fileno())

    def fileno(self) -> int:
        return self.channel.fileno()

    @property
    def output(self) -> str:
        """The end of what its present job has printed."""
        return tail(self._output.fileno())

    def start(self, task: Task) -> None:
        """Sends the job to the process, which may still be on its way."""
        os.ftruncate(self._output.fileno(), 0)
        task.sent += 1
        task.began = None
        task.oom_kills = procfs.kernel_oom_kills()
        self.jobs += 1
        self.task = task
        job = task.job
        order = {"order": self.jobs, "function": job.function, "payload": job.payload, "memory": job.memory}
        self.channel.send(order)

    def begin(self, message: Json) -> None:
        """Takes the "began" of its task, from which the time limit counts."""
        assert self.task is not None
        self.task.began = time.monotonic()
        self.task.memory = int(message["memory"])
        if self.memory is None:
            self.memory = self.task.memory

    def overrun(self, now: float) -> Outcome | None:
        """What its task is to be killed for, if anything; also keeps the file of its output small."""
        task = self.task
        if task is None or task.began is None or self.pid is None:
            return None
        if now >= task.deadline:
            return TimedOut(task.job.seconds)
        self._shorten_output()
        limit = task.job.memory
        if limit is not None:
            used = procfs.family_memory(self.pid) - task.memory
            if used > limit:
                return OutOfMemory(limit, f"held {used / 2**20:,.0f} MiB, with the processes that it started")
        return None

    def post_mortem(self, status: int) -> Outcome:
        """The outcome of the task under which the process ended, by nobody's order, with this wait status."""
        assert self.task is not None
        before, now = self.task.oom_kills, procfs.kernel_oom_kills()
        kernel_killed = before is None or now is None or now > before
        return verdict(status, self.output, self.task.job.memory, kernel_killed=kernel_killed)

    def close(self) -> None:
        """Frees what the parent holds; the process itself is the nursery's to kill."""
        self.channel.close()
        self._output.close()

    def _shorten_output(self) -> None:
        file = self._output.fileno()
        if os.fstat(file).st_size > _MOST_OUTPUT:
            end = self.output
            os.ftruncate(file, 0)
            os.write(file, end.encode())
