"""A pool of workers forked from one nursery; single-threaded: everything happens inside `submit` and `wait`."""

import selectors
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self, TypeAlias

from archsmith.graph.errors import UserError
from archsmith.runtime.job import Job, Json
from archsmith.runtime.nursery import Nursery
from archsmith.runtime.outcome import Crashed, OutOfMemory, Outcome, Raised, from_json
from archsmith.runtime.wire import Garbled
from archsmith.runtime.worker import Task, Worker

_TICK = 0.2
_TRIES = 3
_SIGKILL = 9


@dataclass(frozen=True, slots=True)
class Report:
    """A job under this key has said something."""

    key: Hashable
    message: Json


@dataclass(frozen=True, slots=True)
class Done:
    """The job under this key has ended; exactly one of these comes for every submitted job."""

    key: Hashable
    outcome: Outcome


Event: TypeAlias = Report | Done


class Pool:
    """`workers` child processes that run jobs and are replaced, in milliseconds, when a job kills them.

    The nursery starts with the first job and imports `preload` once, so modules that jobs use belong there (they may
    not start threads at import). A worker is retired after `max_jobs` jobs, or when it holds `max_growth` bytes more
    between jobs than before its first. A job whose worker was lost with the nursery, or before it began, is run
    again (at most twice), so its reports may repeat. Use as a context manager, from one thread.
    """

    def __init__(
        self,
        workers: int,
        *,
        preload: Sequence[str] = ("torch",),
        threads: int = 1,
        environment: Mapping[str, str] | None = None,
        max_jobs: int = 1000,
        max_growth: int = 1 << 29,
    ) -> None:
        if workers < 1 or threads < 1 or max_jobs < 1:
            raise UserError(f"a pool needs 1 or more of each: {workers=}, {threads=}, {max_jobs=}")
        self._size = workers
        self._preload = tuple(preload)
        self._threads = threads
        self._environment = dict(environment or {})
        self._max_jobs = max_jobs
        self._max_growth = max_growth
        self._workers: dict[int, Worker] = {}
        self._hired = 0
        self._events: list[Event] = []
        self._selector = selectors.DefaultSelector()
        self._nursery: Nursery | None = None
        self._false_starts = 0
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def free(self) -> int:
        """How many jobs can be submitted now."""
        return self._size - len(self._tasks())

    def submit(self, key: Hashable, job: Job) -> None:
        """Starts the job on an idle worker; raises RuntimeError when there is none, ValueError for a key in flight.

        A payload that is not JSON raises TypeError or ValueError here, and no job starts.
        """
        if self._closed or not self.free:
            raise RuntimeError("the pool is closed" if self._closed else f"all {self._size} workers are busy")
        if any(task.key == key for task in self._tasks()):
            raise ValueError(f"a job with the key {key!r} is running already")
        self._start(Task(key, job))

    def cancel(self, key: Hashable) -> None:
        """Kills the job and what it started; nothing more is heard of it. A key that is not in flight is ignored."""
        for worker in [one for one in self._workers.values() if one.task is not None and one.task.key == key]:
            self._dismiss(worker)
            self._events = [event for event in self._events if event.key != key]

    def wait(self, timeout: float | None = None) -> list[Event]:
        """What has happened, in order; blocks until there is something, or for `timeout` seconds.

        Empty at the timeout, and at once when no job is in flight. Raises UserError when `preload` cannot be imported.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            self._step(0.0 if self._events or not self._tasks() else _pause(end))
            over = end is not None and time.monotonic() >= end
            if self._events or over or not self._tasks():
                break
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Kills every job and ends the nursery; what was in flight is forgotten."""
        self._closed = True
        for worker in list(self._workers.values()):
            self._forget(worker)
        if self._nursery is not None:
            self._leave(self._nursery)
        self._selector.close()
        self._events = []

    def _tasks(self) -> list[Task]:
        return [worker.task for worker in self._workers.values() if worker.task is not None]

    def _start(self, task: Task) -> None:
        idle = next((worker for worker in self._workers.values() if worker.task is None), None)
        worker = idle or self._hire()
        try:
            worker.start(task)
        except (TypeError, ValueError, RecursionError):  # the payload is not JSON
            self._dismiss(worker)
            raise
        self._listen(worker)

    def _step(self, timeout: float) -> None:
        """Waits once for messages and takes them; then ends the jobs that are over a limit."""
        if self._closed:
            return
        deadline = min((task.deadline for task in self._tasks()), default=float("inf"))
        patience = max(0.0, min(timeout, deadline - time.monotonic()))
        for selected, events in self._selector.select(patience):
            worker = selected.data
            if worker is None:
                self._attend_nursery()
            elif self._workers.get(worker.number) is worker:  # it may have been dismissed since the select
                self._attend(worker, writable=bool(events & selectors.EVENT_WRITE))
        now = time.monotonic()
        for worker in list(self._workers.values()):
            outcome = worker.overrun(now)
            if outcome is not None:
                self._finish(worker, outcome, dismiss=True)

    def _attend(self, worker: Worker, *, writable: bool) -> None:
        """Takes what a worker has sent, and sends it the rest of its job."""
        if writable:
            worker.channel.flush()
        try:
            for message in worker.channel.receive():
                self._take(worker, message)
        except (Garbled, UserError, KeyError, TypeError, ValueError):  # a job wrote over its worker's memory or socket
            if worker.task is not None:
                self._finish(worker, Crashed(None, None, worker.output), dismiss=True)
            elif worker.number in self._workers:
                self._dismiss(worker)
            return
        if worker.number in self._workers:
            self._listen(worker)

    def _take(self, worker: Worker, message: Json) -> None:
        task = worker.task
        if task is None or message["order"] != worker.jobs:
            return
        match message["kind"]:
            case "began":
                worker.begin(message)
            case "report":
                self._events.append(Report(task.key, message["message"]))
            case "ended":
                outcome = from_json(message["outcome"])
                if isinstance(outcome, Raised):
                    outcome = replace(outcome, output=worker.output)
                self._finish(worker, outcome, dismiss=self._worn_out(worker, outcome, int(message["memory"])))
            case unknown:
                raise ValueError(f"a message of kind {unknown!r}")

    def _worn_out(self, worker: Worker, outcome: Outcome, memory: int) -> bool:
        """After a failed allocation, too, a worker is not used again: some import may have been cut short."""
        grown = memory - (memory if worker.memory is None else worker.memory)
        return isinstance(outcome, OutOfMemory) or worker.jobs >= self._max_jobs or grown > self._max_growth

    def _finish(self, worker: Worker, outcome: Outcome, *, dismiss: bool) -> None:
        """Ends the worker's task with the outcome; a dismissed worker is replaced ahead of the next job."""
        assert worker.task is not None
        self._events.append(Done(worker.task.key, outcome))
        worker.task = None
        if dismiss:
            self._dismiss(worker)
            self._hire()

    def _attend_nursery(self) -> None:
        nursery = self._nursery
        assert nursery is not None
        for message in nursery.receive():
            match message["kind"]:
                case "ready":
                    nursery.ready = True
                    self._false_starts = 0
                case "failed":
                    self.close()
                    raise UserError(f"the sandbox cannot start: {message['problem']}")
                case "forked" if worker := self._workers.get(message["number"]):
                    worker.pid = message["pid"]
                case "exited" if worker := self._workers.get(message["number"]):
                    self._bury(worker, message["status"])
        if nursery.gone and not self._closed:
            self._replace_nursery(nursery)

    def _bury(self, worker: Worker, status: int) -> None:
        """A worker has ended by itself, or was killed from outside: its last words count first."""
        self._attend(worker, writable=False)
        if worker.number not in self._workers:
            return
        task = worker.task
        lost_early = task is not None and task.began is None and task.sent < _TRIES
        outcome = None if task is None or lost_early else worker.post_mortem(status)
        if outcome is not None:
            self._finish(worker, outcome, dismiss=True)
            return
        self._forget(worker)
        if task is not None:
            self._start(task)

    def _replace_nursery(self, nursery: Nursery) -> None:
        """The nursery has died and its workers with it: their jobs, innocent as far as is known, start again."""
        self._false_starts += not nursery.ready
        if self._false_starts >= _TRIES:
            log = nursery.log
            self.close()
            raise RuntimeError(f"the sandbox died {_TRIES} times while importing {', '.join(self._preload)}: {log}")
        self._leave(nursery)
        lost = list(self._workers.values())
        for worker in lost:
            self._forget(worker)
        for task in [worker.task for worker in lost if worker.task is not None]:
            if task.began is not None and task.sent >= _TRIES:
                self._events.append(Done(task.key, Crashed(_SIGKILL, None, nursery.log)))
            else:
                self._start(task)

    def _hire(self) -> Worker:
        if self._nursery is None:
            self._nursery = Nursery(
                preload=self._preload, threads=self._threads, environment=self._environment
            )
            self._selector.register(self._nursery, selectors.EVENT_READ, None)
        self._hired += 1
        worker = Worker(self._hired, self._nursery)
        self._workers[worker.number] = worker
        self._selector.register(worker, selectors.EVENT_READ, worker)
        return worker

    def _dismiss(self, worker: Worker) -> None:
        if self._nursery is not None:
            self._nursery.kill(worker.number)
        self._forget(worker)

    def _forget(self, worker: Worker) -> None:
        if self._workers.pop(worker.number, None) is not None:
            if worker.fileno() in self._selector.get_map():
                self._selector.unregister(worker)
            worker.close()

    def _leave(self, nursery: Nursery) -> None:
        self._selector.unregister(nursery)
        nursery.close()
        self._nursery = None

    def _listen(self, worker: Worker) -> None:
        """Selects for what is left to do; a dead worker's socket, always readable, is left to the nursery's word."""
        events = selectors.EVENT_WRITE if worker.channel.unsent else 0
        if not worker.channel.ended:
            events |= selectors.EVENT_READ
        if events:
            self._selector.modify(worker, events, worker)
        else:
            self._selector.unregister(worker)


def _pause(end: float | None) -> float:
    return _TICK if end is None else max(0.0, min(_TICK, end - time.monotonic()))
