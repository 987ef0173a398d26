"""The loop of a study: ask the searcher, evaluate in the pool, record, tell.

Trial n draws its randomness from (study seed, n) and a searcher's state is the fold of its tells, so a study that was
killed at any moment goes on as if nothing had happened: its history is told again, and the trials that were running
are run again with the traces that they had.
"""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from archsmith.evaluate.evaluator import NOT_WRITTEN
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph, Scalar
from archsmith.graph.text import to_json
from archsmith.jobs.artifacts import Artifacts
from archsmith.jobs.lease import HeldJob
from archsmith.jobs.limits import check_limits
from archsmith.jobs.progress import EpochEnded, Listener, StudyStarted, TrialEnded, TrialStarted
from archsmith.runtime.job import Job
from archsmith.runtime.outcome import Crashed, Outcome, OutOfMemory, Raised, Returned, TimedOut, reason
from archsmith.runtime.pool import Done, Pool, Report
from archsmith.search.searchers import make_searcher
from archsmith.spaces.decisions import Space, Trace, replay
from archsmith.spaces.recipe import recipe_of
from archsmith.storage.facts import Epoch, Study, Trial, TrialResult, TrialState
from archsmith.storage.store import Transaction

ENTRY = "archsmith.evaluate.entry:measure"

MISTAKE = f"{UserError.__module__}.{UserError.__qualname__}"
"""How a worker calls a mistake of the caller's."""

_STATES: dict[type[Outcome], TrialState] = {
    Raised: TrialState.RAISED,
    Crashed: TrialState.CRASHED,
    TimedOut: TrialState.TIMED_OUT,
    OutOfMemory: TrialState.OUT_OF_MEMORY,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one trial may take: wall-clock ``seconds``, and ``memory`` in bytes beyond that of an idle worker."""

    seconds: float = 600.0
    memory: int = 4 << 30

    def __post_init__(self) -> None:
        check_limits(self.seconds, self.memory)


@dataclass(frozen=True, slots=True)
class _Running:
    """A trial in a worker; ``epochs`` grows as they are reported."""

    trial: Trial
    trace: Trace
    since: datetime
    epochs: list[Epoch] = field(default_factory=list)


class TrialLoop:
    """One process's time with a study."""

    def __init__(self, study: Study, space: Space, held: HeldJob, artifacts: Artifacts, listen: Listener) -> None:
        self._study, self._space, self._held = study, space, held
        self._artifacts, self._listen = artifacts, listen
        self._searcher = make_searcher(study.spec.searcher, study.spec.settings["searcher"])
        self._limits = Limits(**study.spec.settings["limits"])
        self._running: dict[int, _Running] = {}
        self._lost: list[Trial] = []
        self._best: tuple[int, float] | None = None
        self._next = self._recall()

    def run(self, pool: Pool) -> None:
        """Work until every trial of the budget has ended."""
        self._listen(StudyStarted(self._study, self._next - len(self._lost)))
        while True:
            while pool.free and (self._lost or self._next < self._study.spec.trials):
                self._launch(pool)
            if not self._running:
                return
            for event in pool.wait(timeout=1.0):
                match event:
                    case Report(key=int(number), message=message):
                        self._hear(number, message)
                    case Done(key=int(number), outcome=outcome):
                        self._end(self._running.pop(number), outcome)
            self._held.beat()

    def _recall(self) -> int:
        """Tell the searcher all that was measured before; the number of the first trial that was never started."""
        with self._held.store.read() as tx:
            history = tx.trials.history(self._study.id)
        for trial in history:
            if trial.result is None:
                self._lost.append(trial)
            else:
                self._tell(trial.number, Trace.of(trial.trace), trial.result)
        return len(history)

    def _launch(self, pool: Pool) -> None:
        lost = self._lost.pop(0) if self._lost else None
        number = lost.number if lost is not None else self._next
        trace = Trace.of(lost.trace) if lost is not None else self._ask(number)
        graph = replay(self._space, trace).graph
        if graph is None:
            raise UserError(f"the trace of trial {number} leads to a dead end: the space is not the one it was")
        recipe = recipe_of(self._space, trace)
        self._next = max(self._next, number + 1)
        now = self._held.clock()
        with self._held.writing() as tx:
            name = tx.graphs.put(graph)
            trial = tx.trials.start(self._study.id, number, trace.as_dict(), name, now)
            result = _reused(tx.trials.known(self._study.id, name, lambda trace: self._recipe(trace) == recipe))
            if result is not None:
                self._write_end(tx, number, result, [])
        self._listen(TrialStarted(trial))
        if result is not None:
            self._tell(number, trace, result)
            self._listen(TrialEnded(number, result, self._best))
        else:
            self._running[number] = _Running(trial, trace, now)
            pool.submit(number, self._job(number, graph, recipe))

    def _recipe(self, trace: Mapping[str, Any]) -> dict[str, Scalar]:
        return recipe_of(self._space, Trace.of(trace))

    def _ask(self, number: int) -> Trace:
        pending = [self._running[key].trace for key in sorted(self._running)]
        return self._searcher.ask(self._space, random.Random(f"{self._study.spec.seed}/{number}"), pending)

    def _job(self, number: int, graph: Graph, recipe: dict[str, Scalar]) -> Job:
        payload = {
            "graph": to_json(graph),
            "task": self._study.spec.task,
            "settings": self._study.spec.settings["training"],
            "recipe": recipe,
            "seed": random.Random(f"{self._study.spec.seed}/{number}/measure").getrandbits(31),
            "weights": str(self._artifacts.fresh(self._weights(number))),
        }
        return Job(ENTRY, payload, self._limits.seconds, self._limits.memory)

    def _weights(self, number: int) -> str:
        """What a worker calls its weights; a process that lost the study to this one writes elsewhere."""
        return f"{self._study.id}-{number}-{os.getpid()}.pt"

    def _hear(self, number: int, message: Any) -> None:
        epoch = Epoch(message["epoch"], message["metrics"])
        if epoch.number <= len(self._running[number].epochs):
            return  # a job whose worker was lost begins again, and says what it said
        self._running[number].epochs.append(epoch)
        with self._held.writing() as tx:
            tx.trials.add_epochs(self._study.id, number, [epoch])
        self._listen(EpochEnded(number, epoch))

    def _end(self, running: _Running, outcome: Outcome) -> None:
        number = running.trial.number
        seconds = (self._held.clock() - running.since).total_seconds()
        if isinstance(outcome, Returned) and outcome.value["state"] == NOT_WRITTEN:
            raise UserError(outcome.value["reason"])  # the trial stays without an end, and is run again by a resume
        if isinstance(outcome, Raised) and outcome.type == MISTAKE and self._best is None:
            # Seen only where the trial ran, such as a device that is not there: it would meet every trial alike.
            raise UserError(outcome.message)
        result = result_of(outcome, seconds, self._kept(number, outcome))
        with self._held.writing() as tx:
            self._write_end(tx, number, result, running.epochs)
        self._tell(number, running.trace, result)
        self._listen(TrialEnded(number, result, self._best))

    def _kept(self, number: int, outcome: Outcome) -> str | None:
        written = self._artifacts.incoming(self._weights(number))
        if not isinstance(outcome, Returned):
            written.unlink(missing_ok=True)
        return self._artifacts.adopt(written) if written.is_file() else None

    def _write_end(self, tx: Transaction, number: int, result: TrialResult, epochs: list[Epoch]) -> None:
        tx.trials.finish(self._study.id, number, result, epochs, self._held.clock())
        self._held.announce(tx, "trial ended", number=number, state=result.state.value, value=result.value)

    def _tell(self, number: int, trace: Trace, result: TrialResult) -> None:
        self._searcher.tell(trace, result.value)
        if result.value is not None and (self._best is None or result.value > self._best[1]):
            self._best = (number, result.value)


def result_of(outcome: Outcome, seconds: float, weights: str | None) -> TrialResult:
    """What an outcome of ``archsmith.evaluate.entry:measure`` means for its trial."""
    if not isinstance(outcome, Returned):
        return TrialResult(_STATES[type(outcome)], None, reason=reason(outcome), seconds=seconds)
    found = outcome.value
    if found["state"] == TrialState.NOT_FINITE.value:
        return TrialResult(TrialState.NOT_FINITE, None, reason=found["reason"], seconds=seconds)
    return TrialResult(TrialState.COMPLETE, found["value"], found["metrics"], None, seconds, weights=weights)


def _reused(known: Trial | None) -> TrialResult | None:
    """The result of an earlier trial of the same architecture and recipe, as that of a later one."""
    if known is None or known.result is None:
        return None
    result = known.result
    origin = known.number if result.reused_from is None else result.reused_from
    return TrialResult(result.state, result.value, result.measurement, reused_from=origin, weights=result.weights)
