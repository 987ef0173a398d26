"""A pool of workers forked from one nursery; single-threaded: everything happens in `submit` and `wait`."""

import selectors
import signal
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self, TypeAlias

from archsmith.graph.errors import UserError
from archsmith.runtime.job import Job, Json
from archsmith.runtime.nursery import Nursery
from archsmith.runtime.outcome import Crashed, Outcome, Raised, TimedOut
from archsmith.runtime.wire import Garbled
from archsmith.runtime.worker import Began, Ended, Heard, Said, Task, Worker

_TICK = 0.2
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Report:
    """The job under this key has said something, so many `seconds` after its worker began it."""

    key: Hashable
    message: Json
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Done:
    """The job under this key has ended; exactly one of these comes for every job that is not cancelled.

    `seconds` count, as the limit does, from when the worker began it: the start of the worker itself is not in them.
    """

    key: Hashable
    outcome: Outcome
    seconds: float = field(default=0.0, compare=False)


Event: TypeAlias = Report | Done


class Pool:
    """`workers` child processes that run jobs and are replaced, in milliseconds, when a job kills them.

    The nursery starts with the first job and imports `preload` once: what jobs use belongs there, unless it
    starts threads when imported. A worker is retired after `max_jobs` jobs, when it holds `max_growth` bytes
    more between jobs than before its first, and when a job came near its memory limit. A job whose worker
    was lost before it began, or with the nursery, is run again, at most twice, so its reports may repeat. To
    be used from one thread only.
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
        self._next_watch = 0.0
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
        """Starts the job on an idle worker; RuntimeError if there is none, ValueError for a key in flight.

        A payload that is not JSON raises TypeError or ValueError, and no job starts.
        """
        if self._closed or not self.free:
            raise RuntimeError("the pool is closed" if self._closed else f"all {self._size} workers are busy")
        if any(task.key == key for task in self._tasks()):
            raise ValueError(f"a job with the key {key!r} is running already")
        self._start(Task(key, job))

    def cancel(self, key: Hashable) -> None:
        """Kills the job and what it started; nothing more is heard of it. Ignores a key not in flight."""
        for worker in list(self._workers.values()):
            if worker.task is not None and worker.task.key == key:
                self._dismiss(worker)
                self._events = [event for event in self._events if event.key != key]

    def wait(self, timeout: float | None = None) -> list[Event]:
        """What has happened, in order; blocks until there is something, or for `timeout` seconds.

        Empty at the timeout, and at once when no job is in flight. UserError if `preload` cannot be imported.
        """
        end = float("inf") if timeout is None else time.monotonic() + timeout
        self._step(0.0)
        while not self._events and self._tasks() and (left := end - time.monotonic()) > 0:
            self._step(min(left, _TICK))
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Kills every job and ends the nursery; what was in flight is forgotten."""
        self._closed = True
        self._events = []
        for worker in list(self._workers.values()):
            self._forget(worker)
        if self._nursery is not None:
            self._leave(self._nursery)
        self._selector.close()

    def _tasks(self) -> list[Task]:
        return [worker.task for worker in self._workers.values() if worker.task is not None]

    def _start(self, task: Task) -> None:
        idle = next((worker for worker in self._workers.values() if worker.task is None), None)
        worker = idle or self._hire()
        worker.start(task)
        self._listen(worker)

    def _step(self, timeout: float) -> None:
        """Waits once for messages and takes them; then ends the jobs that are over a limit."""
        if self._closed:
            return
        deadline = min((task.deadline for task in self._tasks()), default=float("inf"))
        ready = self._selector.select(max(0.0, min(timeout, deadline - time.monotonic())))
        for selected, events in ready:
            worker: Worker | None = selected.data
            if worker is None:
                self._attend_nursery()
            elif worker.number in self._workers:  # it may have been dismissed since the select
                self._attend(worker, writable=bool(events & selectors.EVENT_WRITE))
        self._watch(time.monotonic())

    def _watch(self, now: float) -> None:
        """Kills the jobs whose time is over and, a few times a second, those that hold too much memory."""
        for worker in list(self._workers.values()):
            if worker.task is not None and now >= worker.task.deadline:
                self._finish(worker, TimedOut(worker.task.job.seconds), dismiss=True)
        if now < self._next_watch:
            return
        self._next_watch = now + _TICK
        for worker in list(self._workers.values()):
            worker.shorten_output()
            excess = worker.excess()
            if excess is not None:
                self._finish(worker, excess, dismiss=True)

    def _attend(self, worker: Worker, *, writable: bool) -> None:
        """Takes what a worker has sent, and sends it the rest of its job."""
        if writable:
            worker.channel.flush()
        try:
            messages = worker.receive()
        except Garbled:  # a job wrote over its worker's memory or socket
            if worker.task is None:
                self._dismiss(worker)
            else:
                self._finish(worker, Crashed(None, None, worker.output), dismiss=True)
            return
        for heard in messages:
            self._take(worker, heard)
        if worker.number in self._workers:
            self._listen(worker)

    def _take(self, worker: Worker, heard: Heard) -> None:
        if worker.task is None:
            return  # the job has ended, but not a thread that it started
        match heard:
            case Began():
                worker.begin(heard)
            case Said(at, message):
                self._events.append(Report(worker.task.key, message, worker.task.seconds(at)))
            case Ended(at, outcome, memory, short):
                if isinstance(outcome, Raised):
                    outcome = replace(outcome, output=worker.output)
                worn = worker.jobs >= self._max_jobs or worker.growth(memory) > self._max_growth
                self._finish(worker, outcome, dismiss=worn or short, at=at)

    def _finish(self, worker: Worker, outcome: Outcome, *, dismiss: bool, at: float | None = None) -> None:
        """Ends the worker's task with the outcome; a dismissed worker is replaced ahead of the next job.

        Without the time `at` which it was over, that is now.
        """
        assert worker.task is not None
        seconds = worker.task.seconds(time.monotonic() if at is None else at)
        self._events.append(Done(worker.task.key, outcome, seconds))
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
        if nursery.gone:
            self._replace_nursery(nursery)

    def _bury(self, worker: Worker, status: int) -> None:
        """A worker has ended by itself, or was killed from outside: its last words count first."""
        self._attend(worker, writable=False)
        if worker.number not in self._workers:
            return
        task = worker.task
        if task is not None and (task.began is not None or task.sent >= _TRIES):
            self._finish(worker, worker.post_mortem(status), dismiss=True)
            return
        self._forget(worker)
        if task is not None:
            self._start(task)

    def _replace_nursery(self, nursery: Nursery) -> None:
        """The nursery has died and its workers with it: their jobs, not known to be guilty, start again."""
        log = nursery.log
        self._leave(nursery)
        self._false_starts += not nursery.ready
        if self._false_starts >= _TRIES:
            self.close()
            raise RuntimeError(f"the sandbox died {_TRIES} times importing {', '.join(self._preload)}: {log}")
        lost = list(self._workers.values())
        for worker in lost:
            self._forget(worker)
        for task in [worker.task for worker in lost if worker.task is not None]:
            if nursery.ready and task.sent >= _TRIES:
                self._events.append(Done(task.key, Crashed(int(signal.SIGKILL), None, log)))
            else:
                self._start(task)

    def _hire(self) -> Worker:
        if self._nursery is None:
            self._nursery = Nursery(preload=self._preload, threads=self._threads, environment=self._environment)
            self._selector.register(self._nursery, selectors.EVENT_READ, None)
        self._hired += 1
        worker = Worker(self._hired, self._nursery)
        self._workers[worker.number] = worker
        self._listen(worker)
        return worker

    def _dismiss(self, worker: Worker) -> None:
        if self._nursery is not None:
            self._nursery.kill(worker.number)
        self._forget(worker)

    def _forget(self, worker: Worker) -> None:
        del self._workers[worker.number]
        if worker in self._selector.get_map():
            self._selector.unregister(worker)
        worker.close()

    def _leave(self, nursery: Nursery) -> None:
        self._selector.unregister(nursery)
        nursery.close()
        self._nursery = None

    def _listen(self, worker: Worker) -> None:
        """Selects for what is left to do; a socket whose other end is shut would be readable for ever."""
        wanted = 0 if worker.channel.ended else selectors.EVENT_READ
        if worker.channel.unsent:
            wanted |= selectors.EVENT_WRITE
        registered = worker in self._selector.get_map()
        if wanted and registered:
            self._selector.modify(worker, wanted, worker)
        elif wanted:
            self._selector.register(worker, wanted, worker)
        elif registered:
            self._selector.unregister(worker)
