"""Processes that infer the rules of operators, each with a sandbox of its own in which it asks PyTorch.

What is learned depends on what a process is sent and on nothing else, so that the number of processes changes no rule.
"""

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from threadpoolctl import threadpool_limits

from archsmith.fuzz.infer.family import Broken, Family, learn_family
from archsmith.fuzz.infer.learn import Learnt
from archsmith.fuzz.infer.probe import Ask

_SPAWN = get_context("spawn")  # a forked learner would share the driver's database connection


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the family under this key: of each operator what was learned, and in how many seconds.

    ``lost`` if the process ended before it had answered.
    """

    key: str
    learnt: Sequence[tuple[Learnt | Broken, float]] = ()
    lost: bool = False


@dataclass(slots=True)
class _Learner:
    process: BaseProcess
    connection: Connection
    key: str | None = None


class Learners:
    """Up to ``workers`` processes; each is started when it is first needed, and replaced when it is lost."""

    def __init__(self, workers: int) -> None:
        self._size = workers
        self._learners: list[_Learner] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for learner in self._learners:
            learner.connection.close()  # a learner that waits ends by itself, and takes its sandbox with it
            if learner.key is not None:
                learner.process.terminate()
        for learner in self._learners:
            learner.process.join()

    @property
    def free(self) -> int:
        """How many families can be submitted now."""
        return self._size - sum(learner.key is not None for learner in self._learners)

    def submit(self, key: str, family: Family) -> None:
        """Give a family to an idle process."""
        learner = next((one for one in self._learners if one.key is None), None) or self._start()
        learner.key = key
        learner.connection.send(family)

    def wait(self) -> list[Answer]:
        """What has ended; blocks until something has."""
        busy = {learner.connection: learner for learner in self._learners if learner.key is not None}
        return [self._taken(busy[ready]) for ready in wait(list(busy)) if isinstance(ready, Connection)]

    def _taken(self, learner: _Learner) -> Answer:
        key, learner.key = learner.key, None
        assert key is not None
        try:
            return Answer(key, learner.connection.recv())
        except (EOFError, ConnectionResetError):
            learner.connection.close()
            learner.process.join()
            self._learners.remove(learner)
            return Answer(key, lost=True)

    def _start(self) -> _Learner:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_learn, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        learner = _Learner(process, ours)
        self._learners.append(learner)
        return learner


def _learn(connection: Connection) -> None:
    """The life of a learner: a family after another, until nobody asks."""
    from archsmith.fuzz.trials import Trials  # torch, of which the driver has no need

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver says when it is over
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # Learners share the cores as it is; each with threads of its own for small matrices is several times as slow.
    with threadpool_limits(1), Trials() as trials, suppress(BrokenPipeError):  # the driver may be gone by then
        while (family := _next(connection)) is not None:
            connection.send(list(_timed(family, trials.run_points)))


def _next(connection: Connection) -> Family | None:
    try:
        family: Family = connection.recv()
    except EOFError:
        return None
    return family


def _timed(family: Family, ask: Ask) -> Iterator[tuple[Learnt | Broken, float]]:
    began = time.monotonic()
    for learnt in learn_family(family, ask):
        ended = time.monotonic()
        yield learnt, ended - began
        began = ended
