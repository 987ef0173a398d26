"""The parent's view of one worker: its channel, what it printed, and the job that it has."""

import fcntl
import math
import os
import socket
import tempfile
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeAlias

from archsmith.graph.errors import UserError
from archsmith.runtime import procfs
from archsmith.runtime.job import Job, Json
from archsmith.runtime.nursery import Nursery
from archsmith.runtime.outcome import Outcome, OutOfMemory, from_json
from archsmith.runtime.post_mortem import tail, verdict
from archsmith.runtime.wire import Channel, Garbled

_MOST_OUTPUT = 1 << 23


@dataclass(frozen=True, slots=True)
class Began:
    """The worker has begun its job at this monotonic time, holding so many bytes."""

    at: float
    memory: int


@dataclass(frozen=True, slots=True)
class Said:
    """The job has reported this at that monotonic time."""

    at: float
    message: Json


@dataclass(frozen=True, slots=True)
class Ended:
    """The job, over at that time, is cleaned up after, and the worker holds so many bytes; `short`: it had too few."""

    at: float
    outcome: Outcome
    memory: int
    short: bool


Heard: TypeAlias = Began | Said | Ended


@dataclass(slots=True)
class Task:
    """A job in flight under the caller's key."""

    key: Hashable
    job: Job
    sent: int = 0
    """How often it was given to a worker: again only if that worker was lost through no fault of the job."""
    began: Began | None = None
    oom_kills: int | None = None

    @property
    def deadline(self) -> float:
        """In monotonic seconds, which are the same for all processes of a machine."""
        return math.inf if self.began is None else self.began.at + self.job.seconds

    def seconds(self, at: float) -> float:
        """How long the job had been running at that monotonic time."""
        return 0.0 if self.began is None else max(0.0, at - self.began.at)


class Worker:
    """One worker process, from the order to fork it to its end."""

    def __init__(self, number: int, nursery: Nursery) -> None:
        self.number = number
        self.pid: int | None = None
        self.task: Task | None = None
        self.jobs = 0
        """How many jobs it was given."""
        self._first_memory: int | None = None
        end, theirs = socket.socketpair()
        self.channel = Channel(end)
        self._output = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (it lives as long as the worker)
        # so that after a cut the process goes on at the new end
        flags = fcntl.fcntl(self._output, fcntl.F_GETFL)
        fcntl.fcntl(self._output, fcntl.F_SETFL, flags | os.O_APPEND)
        with theirs:
            nursery.fork(number, theirs.fileno(), self._output.fileno())

    def fileno(self) -> int:
        return self.channel.fileno()

    @property
    def output(self) -> str:
        """The end of what its present job has printed."""
        return tail(self._output.fileno())

    def start(self, task: Task) -> None:
        """Sends the job to the process, which may still be on its way; raises what `wire.encode` raises."""
        job = task.job
        order = {"function": job.function, "payload": job.payload, "memory": job.memory}
        os.ftruncate(self._output.fileno(), 0)
        self.channel.send({"order": self.jobs + 1, **order})
        self.jobs += 1
        self.task = task
        task.sent += 1
        task.began = None
        task.oom_kills = procfs.kernel_oom_kills()

    def receive(self) -> list[Heard]:
        """What it has sent about its present job; raises Garbled if that makes no sense."""
        messages = self.channel.receive()
        try:
            return [_heard(message) for message in messages if message["order"] == self.jobs]
        except (KeyError, TypeError, ValueError, UserError) as error:
            raise Garbled(f"worker {self.number} sent something that is no message of its: {error}") from error

    def begin(self, began: Began) -> None:
        """Takes the "began" of its task, from which the limits count."""
        assert self.task is not None
        self.task.began = began
        if self._first_memory is None:
            self._first_memory = began.memory

    def growth(self, memory: int) -> int:
        """How many bytes it holds more than before its first job, when it holds `memory` now."""
        return 0 if self._first_memory is None else memory - self._first_memory

    def excess(self) -> OutOfMemory | None:
        """Whether its task, with the processes that it started, holds more than it may."""
        task = self.task
        if task is None or task.began is None or task.job.memory is None or self.pid is None:
            return None
        used = procfs.family_memory(self.pid) - task.began.memory
        if used <= task.job.memory:
            return None
        return OutOfMemory(task.job.memory, f"held {used / 2**20:,.0f} MiB, with the processes that it started")

    def shorten_output(self) -> None:
        """Keeps a job that prints without end from filling the disk."""
        file = self._output.fileno()
        if os.fstat(file).st_size > _MOST_OUTPUT:
            end = self.output
            os.ftruncate(file, 0)
            os.write(file, end.encode())

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


def _heard(message: Json) -> Heard:
    match message["kind"]:
        case "began":
            return Began(float(message["at"]), int(message["memory"]))
        case "report":
            return Said(float(message["at"]), message["message"])
        case "ended":
            outcome, memory = from_json(message["outcome"]), int(message["memory"])
            return Ended(float(message["at"]), outcome, memory, bool(message["short"]))
    raise ValueError(f"a message of kind {message['kind']!r}")
