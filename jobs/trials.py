"""The loop of a study: ask the searcher, evaluate in the pool, record, tell.

Trial n draws its randomness from (study seed, n) and a searcher's state is the fold of its tells, so a study that was
killed at any moment goes on as if nothing had happened: its history is told again, and the trials that were running
are run again with the traces that they had, from the last rung that they had reached.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archsmith.evaluate.evaluator import NOT_WRITTEN, BadCheckpoint
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph, Scalar
from archsmith.jobs.artifacts import Artifacts
from archsmith.jobs.early import EarlyStops
from archsmith.jobs.lease import HeldJob
from archsmith.jobs.limits import Limits
from archsmith.jobs.objectives import Goals
from archsmith.jobs.orders import Orders
from archsmith.jobs.parents import Parent
from archsmith.jobs.progress import (
    EpochEnded,
    Listener,
    StudyEnded,
    StudyStarted,
    TrialEnded,
    TrialPaused,
    TrialPromoted,
    TrialStarted,
)
from archsmith.jobs.record import Record
from archsmith.jobs.results import PARENT, counted, result_of, reused, stopped_early
from archsmith.jobs.rungs import Rungs
from archsmith.jobs.screening import Screen, Screening
from archsmith.jobs.stopping import EXHAUSTED, Ending, Stopping, used_up
from archsmith.jobs.user_space import UserSpace
from archsmith.runtime.outcome import Outcome, Raised, Returned
from archsmith.runtime.pool import Done, Pool, Report
from archsmith.search.fidelity import Promote, Start, Wait
from archsmith.search.searchers import make_searcher
from archsmith.spaces.books import book_in
from archsmith.spaces.decisions import Trace, replay
from archsmith.spaces.recipe import recipe_of
from archsmith.storage.facts import Epoch, Study, Trial, TrialResult, TrialState
from archsmith.storage.store import Transaction

MISTAKE = f"{UserError.__module__}.{UserError.__qualname__}"
"""How a worker calls a mistake of the caller's."""

UNREADABLE = f"{BadCheckpoint.__module__}.{BadCheckpoint.__qualname__}"
"""How it calls a checkpoint that was damaged or cut short."""


@dataclass(frozen=True, slots=True)
class _Running:
    """A trial in a worker; ``epochs`` grows as they are reported, ``before`` are the seconds of earlier rungs."""

    trial: Trial
    trace: Trace
    before: float = 0.0
    parent: int | None = None
    epochs: list[Epoch] = field(default_factory=list)


class TrialLoop:
    """One process's time with a study."""

    def __init__(
        self, study: Study, space: UserSpace, goals: Goals, held: HeldJob, artifacts: Artifacts, listen: Listener
    ) -> None:
        spec = study.spec
        self._study, self._space, self._goals, self._held = study, space, goals, held
        self._artifacts, self._listen = artifacts, listen
        self._orders = Orders(study, goals, artifacts, Limits(**spec.settings["limits"]))
        ending = Ending(Stopping.of(spec.settings), goals, held.clock())
        searcher = make_searcher(spec.searcher, spec.settings["searcher"])
        self._record = Record(space, spec.seed, goals, searcher, ending)
        self._rungs = Rungs.of(spec, goals)
        self._early = EarlyStops.of(spec, goals)
        self._screen = Screen.of(spec.settings)
        self._screening: Screening | None = None
        self._inherits = bool(spec.settings.get("inherit"))
        self._exhausted = False
        self._running: dict[int, _Running] = {}
        self._lost: list[Trial] = []
        self._recall()

    def run(self, pool: Pool) -> str:
        """Work until the study is over; gives the reason."""
        self._listen(StudyStarted(self._study, sum(trial.state.is_final for trial in self._record.trials.values())))
        while True:
            while pool.free and self._start_one(pool):
                pass
            if not self._running and self._screening is None:
                return self._close()
            for event in pool.wait(timeout=1.0):
                match event:
                    case Report(key=int(number)) if number in self._running:
                        self._hear(self._running[number], event, pool)
                    case Done(key=int(number)) if number in self._running:
                        self._end(self._running.pop(number), event, pool)
                    case Done(key=(int(), int(place)), outcome=outcome) if self._screening and self._screen:
                        self._screening.note(place, outcome, self._screen)
            self._held.beat()

    def _recall(self) -> None:
        """Take notice of all that was measured before."""
        with self._held.store.read() as tx:
            history = tx.trials.history(self._study.id)
            if self._early is not None:
                for trial in history:
                    self._early.note(trial.number, tx.trials.epochs(trial.study, trial.number))
        for trial in history:
            self._record.note(trial)
        self._lost = [trial for trial in history if trial.state is TrialState.RUNNING]

    def _start_one(self, pool: Pool) -> bool:
        """Start one job, or find out that none can be; whether to look for another one."""
        if self._lost:
            self._again(pool, self._lost.pop(0))
            return True
        if self._record.ending.reached or self._record.ending.late(self._held.clock()):
            self._drop_screening(pool)
            return False
        screening = self._screening
        if screening is not None and (best := screening.best) is not None:
            self._screening = None
            self._launch(pool, screening.number, best, screening.bracket, screening.until)
            return True
        if screening is not None and screening.waits:
            self._submit_candidate(pool, screening)
            return True
        match self._next():
            case Start(bracket, until):
                return self._begin(pool, bracket, until) if self._rungs is not None else self._begin(pool, None, None)
            case Promote(number, until):
                self._promote(pool, number, until)
                return True
            case Wait():
                return False

    def _next(self) -> Start | Promote | Wait:
        may_start = not self._exhausted and self._record.next < self._study.spec.trials
        move: Start | Promote | Wait = Start(0, 0) if may_start else Wait()
        if self._rungs is not None:
            move = self._rungs.next(self._record.trials.values(), may_start=may_start)
        return Wait() if isinstance(move, Start) and self._screening is not None else move

    def _begin(self, pool: Pool, bracket: int | None, until: int | None) -> bool:
        """Ask for a new trial; always True, since what else there is to do is then to be found out."""
        number = self._record.next
        pending = [self._running[key].trace for key in sorted(self._running)]
        if self._screen is None:
            trace = self._record.ask(number, pending)
            if trace is not None:
                self._launch(pool, number, trace, bracket, until)
            self._exhausted = trace is None
            return True
        found: list[Trace] = []
        for place in range(self._screen.candidates):
            trace = self._record.ask(number, [*pending, *found], place)
            if trace is None:
                break
            found.append(trace)
        self._exhausted = not found
        if found:
            self._screening = Screening(number, bracket, until, found)
        return True

    def _submit_candidate(self, pool: Pool, screening: Screening) -> None:
        assert self._screen is not None
        place, trace = screening.send()
        graph = self._graph(screening.number, trace)
        job = self._orders.screening(screening.number, graph, recipe_of(self._space, trace), self._screen)
        pool.submit((screening.number, place), job)

    def _drop_screening(self, pool: Pool) -> None:
        if self._screening is not None:
            for place in range(len(self._screening.traces)):
                pool.cancel((self._screening.number, place))
            self._screening = None

    def _graph(self, number: int, trace: Trace) -> Graph:
        graph = replay(self._space, trace).graph
        if graph is None:
            raise UserError(f"the trace of trial {number} leads to a dead end: the space is not the one it was")
        return graph

    def _launch(self, pool: Pool, number: int, trace: Trace, bracket: int | None, until: int | None) -> None:
        graph, recipe = self._graph(number, trace), recipe_of(self._space, trace)
        now = self._held.clock()
        with self._held.writing() as tx:
            name = tx.graphs.put(graph)
            known = tx.trials.known(self._study.id, name, lambda trace: self._recipe(trace) == recipe)
            started = tx.trials.start(self._study.id, number, trace.as_dict(), name, now, bracket=bracket, until=until)
            result = reused(known)
            ended = tx.trials.finish(self._study.id, number, result, [], now) if result is not None else None
            if ended is not None:
                self._announce_end(tx, ended)
        self._listen(TrialStarted(started))
        if ended is not None:
            self._note_end(ended)
            return
        parent = self._record.parents.nearest(trace, self._artifacts.found) if self._inherits else None
        self._record.note(started)
        self._submit(pool, _Running(started, trace, 0.0, parent.number if parent is not None else None), parent)

    def _again(self, pool: Pool, lost: Trial) -> None:
        """Run a trial that was lost with its driver, from the last rung that it had reached."""
        if not lost.reached:
            self._launch(pool, lost.number, Trace.of(lost.trace), lost.bracket, lost.until)
            return
        with self._held.writing() as tx:
            trial = tx.trials.start(
                lost.study,
                lost.number,
                lost.trace,
                lost.graph,
                self._held.clock(),
                bracket=lost.bracket,
                until=lost.until,
            )
        self._go_on(pool, trial)

    def _promote(self, pool: Pool, number: int, until: int) -> None:
        with self._held.writing() as tx:
            trial = tx.trials.promote(self._study.id, number, until)
            self._held.announce(tx, "trial promoted", number=number, until=until)
        self._go_on(pool, trial)

    def _go_on(self, pool: Pool, trial: Trial) -> None:
        with self._held.store.read() as tx:
            epochs = tx.trials.epochs(trial.study, trial.number)
        self._record.trials[trial.number] = trial
        self._listen(TrialPromoted(trial))
        assert trial.result is not None  # it has reached a rung
        origin = trial.result.measurement.get(PARENT)
        parent = self._record.parents.numbered(int(origin)) if origin is not None else None
        number = parent.number if parent is not None else None
        self._submit(pool, _Running(trial, Trace.of(trial.trace), trial.result.seconds, number, epochs), parent)

    def _anew(self, pool: Pool, running: _Running) -> None:
        """Train from the beginning what cannot go on from its checkpoint: the rungs behind it come out the same."""
        self._drop_checkpoint(running.trial)
        parent = self._record.parents.numbered(running.parent) if running.parent is not None else None
        self._submit(pool, running, parent)

    def _submit(self, pool: Pool, running: _Running, parent: Parent | None) -> None:
        trial = running.trial
        graph, recipe = self._graph(trial.number, running.trace), recipe_of(self._space, running.trace)
        inherited = None
        if parent is not None:
            with self._held.store.read() as tx:
                inherited = tx.graphs.get(parent.graph), parent.weights
        self._running[trial.number] = running
        pool.submit(trial.number, self._orders.trial(trial, graph, recipe, inherited))

    def _recipe(self, trace: Mapping[str, Any]) -> dict[str, Scalar]:
        return recipe_of(self._space, Trace.of(trace))

    def _hear(self, running: _Running, said: Report, pool: Pool) -> None:
        number, epoch = running.trial.number, Epoch(said.message["epoch"], said.message["metrics"])
        if epoch.number <= len(running.epochs):
            return  # a job whose worker was lost begins again, and says what it said
        running.epochs.append(epoch)
        with self._held.writing() as tx:
            tx.trials.add_epochs(self._study.id, number, [epoch])
        self._listen(EpochEnded(number, epoch))
        if self._early is not None and self._early.stops(number, running.epochs):
            pool.cancel(number)
            del self._running[number]
            self._orders.forget(running.trial)
            facts = counted(self._graph(number, running.trace), book_in(self._space))
            seconds = running.before + said.seconds
            self._finish(running, stopped_early(running.epochs, facts, self._goals, seconds))

    def _end(self, running: _Running, done: Done, pool: Pool) -> None:
        trial, outcome, unmeasured = running.trial, done.outcome, not self._record.measured
        if isinstance(outcome, Returned) and outcome.value["state"] == NOT_WRITTEN:
            raise UserError(outcome.value["reason"])  # the trial stays without an end, and is run again by a resume
        if isinstance(outcome, Raised) and outcome.type == UNREADABLE:
            self._anew(pool, running)
            return
        if isinstance(outcome, Raised) and outcome.type == MISTAKE and unmeasured:
            # Seen only where the trial ran, such as a device that is not there: it would meet every trial alike.
            raise UserError(outcome.message)
        weights = self._orders.adopt_weights(trial, outcome)
        result = result_of(outcome, running.before + done.seconds, weights, self._goals, running.parent)
        if isinstance(outcome, Returned) and result.state is TrialState.RAISED and unmeasured:
            raise UserError(f"goals cannot be judged: {result.reason}")
        if result.state is TrialState.PAUSED:
            self._pause(running, result, outcome)
        else:
            self._finish(running, result)

    def _pause(self, running: _Running, result: TrialResult, outcome: Outcome) -> None:
        trial = running.trial
        assert isinstance(outcome, Returned)
        checkpoint = self._orders.adopt_checkpoint(trial)
        with self._held.writing() as tx:
            paused = tx.trials.pause(
                trial.study,
                trial.number,
                result,
                running.epochs,
                reached=outcome.value["epochs"],
                checkpoint=checkpoint,
            )
            self._held.announce(tx, "trial paused", number=trial.number, value=result.value)
        self._drop_checkpoint(trial, keep=checkpoint)
        self._record.note(paused)
        if self._early is not None:
            self._early.note(trial.number, running.epochs)
        self._listen(TrialPaused(trial.number, result))

    def _finish(self, running: _Running, result: TrialResult) -> None:
        trial = running.trial
        with self._held.writing() as tx:
            ended = tx.trials.finish(trial.study, trial.number, result, running.epochs, self._held.clock())
            self._announce_end(tx, ended)
        self._drop_checkpoint(trial)
        if self._early is not None:
            self._early.note(trial.number, running.epochs)
        self._note_end(ended)

    def _drop_checkpoint(self, trial: Trial, keep: str | None = None) -> None:
        if trial.checkpoint is not None and trial.checkpoint != keep:
            self._artifacts.drop(trial.checkpoint)

    def _announce_end(self, tx: Transaction, trial: Trial) -> None:
        value = trial.result.value if trial.result is not None else None
        self._held.announce(tx, "trial ended", number=trial.number, state=trial.state.value, value=value)

    def _note_end(self, trial: Trial) -> None:
        assert trial.result is not None
        self._record.note(trial)
        ending = self._record.ending
        self._listen(TrialEnded(trial.number, trial.result, ending.best, ending.front))

    def _close(self) -> str:
        """End those trials that nothing will promote any more: all that wait, unless only the minutes are over."""
        ending, spent = self._record.ending, EXHAUSTED if self._exhausted else used_up(self._study.spec.trials)
        late = None if isinstance(self._next(), Wait) else ending.late(self._held.clock())
        reason = ending.reached or late or spent
        waiting = [trial for trial in self._record.trials.values() if trial.state is TrialState.PAUSED]
        for trial in waiting if late is None else ():
            assert trial.result is not None
            why = f"not promoted after epoch {trial.reached}"
            result = replace(trial.result, state=TrialState.STOPPED, reason=why)
            self._finish(_Running(trial, Trace.of(trial.trace)), result)
        kept = {trial.checkpoint for trial in self._record.trials.values() if trial.state is TrialState.PAUSED}
        self._artifacts.sweep(f"*-{self._study.id}-*.ckpt", kept)  # those of a sitting that was killed at a bad moment
        self._listen(StudyEnded(reason))
        return reason
