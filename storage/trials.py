"""Trials: each has one start, perhaps more than one attempt, perhaps rungs where it paused, and one end."""

from collections.abc import Callable, Sequence
from datetime import datetime
from math import isfinite
from typing import Literal

from sqlalchemy import ColumnElement, Select, and_, delete, insert, or_, select
from sqlalchemy.orm import Session

from archsmith.graph.errors import UserError
from archsmith.storage.facts import CurvePoint, Epoch, Json, Trial, TrialResult, TrialState, Valued
from archsmith.storage.goals import Direction, Objective, front
from archsmith.storage.paging import checked
from archsmith.storage.tables import EpochRow, GraphRow, StudyRow, TrialRow

Order = Literal["number", "value"]

CANDIDATES = 16
"""How many trials of an architecture are read at a time, where the first of them mostly is the one."""


class Trials:
    """Every method belongs to the caller's transaction; none commits.

    A driver that may have lost its study renews its lease in the transaction in which it writes a trial,
    and writes nothing when that fails.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def start(
        self,
        study: int,
        number: int,
        trace: Json,
        graph: str,
        now: datetime,
        *,
        bracket: int | None = None,
        until: int | None = None,
    ) -> Trial:
        """Begin a trial, or begin it again: what an attempt that never ended did since its last rung is lost.

        Raises:
            UserError: the trial has ended, or there is no such study or graph.
        """
        row = self._row(study, number)
        if row is None:
            self._demand(study, graph)
            row = TrialRow(study_id=study, number=number, attempt=1)
        elif row.state != TrialState.RUNNING:
            raise UserError(f"trial {number} of study {study} must not have ended to be started; it is {row.state}")
        else:
            self._demand(study, graph)
            row.attempt += 1
            lost = delete(EpochRow).where(EpochRow.trial_id == row.id, EpochRow.number > (row.reached or 0))
            self._session.execute(lost)
        row.bracket, row.until = bracket, until
        row.state, row.trace, row.graph, row.started = TrialState.RUNNING, trace, graph, now
        self._session.add(row)
        self._session.flush()
        return _trial(row)

    def pause(
        self,
        study: int,
        number: int,
        result: TrialResult,
        epochs: Sequence[Epoch],
        *,
        reached: int,
        checkpoint: str | None,
    ) -> Trial:
        """Write what came of a running trial that has ``reached`` a rung, so many epochs, and waits there.

        Raises:
            UserError: the trial is not running.
            ValueError: the result contradicts itself.
        """
        _demand_sound(result, TrialState.PAUSED)
        row = self._running(study, number)
        self._insert_epochs(row, epochs)
        _write(row, result)
        row.reached, row.checkpoint = reached, checkpoint
        self._session.flush()
        return _trial(row)

    def promote(self, study: int, number: int, until: int) -> Trial:
        """Let a paused trial run on, ``until`` that many epochs in all.

        Raises:
            UserError: the trial is not paused.
        """
        row = self._existing(study, number)
        if row.state != TrialState.PAUSED:
            raise UserError(f"trial {number} of study {study} must be paused to be promoted; it is {row.state}")
        row.state, row.until = TrialState.RUNNING, until
        self._session.flush()
        return _trial(row)

    def finish(self, study: int, number: int, result: TrialResult, epochs: Sequence[Epoch], now: datetime) -> Trial:
        """Write the end of a running or paused trial, and those of its epochs that are not there yet.

        Raises:
            UserError: the trial has ended before.
            ValueError: the result contradicts itself: complete trials have a finite value, failed ones none.
        """
        _demand_sound(result)
        row = self._existing(study, number)
        if TrialState(row.state).is_final:
            raise UserError(f"trial {number} of study {study} must be running to be written; it is {row.state}")
        if result.reused_from is not None and self._row(study, result.reused_from) is None:
            raise UserError(f"trial {number} of study {study} cannot reuse trial {result.reused_from}: there is none")
        self._insert_epochs(row, epochs)
        sign = self._signs(study)[0]  # asked before the row changes, which a query would write half done
        _write(row, result)
        row.finished, row.checkpoint = now, None
        if row.bracket is not None:
            row.reached = max([row.reached or 0, *(epoch.number for epoch in epochs)])
        if result.state is TrialState.COMPLETE and result.value is not None:
            row.merit = sign * result.value
        self._session.flush()
        return _trial(row)

    def add_epochs(self, study: int, number: int, epochs: Sequence[Epoch]) -> None:
        """Record epochs of the running attempt; one that is there already stays as it is.

        Raises:
            UserError: the trial is not running.
        """
        self._insert_epochs(self._running(study, number), epochs)

    def get(self, study: int, number: int) -> Trial:
        """The trial with this number.

        Raises:
            UserError: there is none.
        """
        return _trial(self._existing(study, number))

    def by_id(self, id: int) -> Trial:
        """The trial with this id, of whichever study.

        Raises:
            UserError: there is none.
        """
        row = self._session.get(TrialRow, id)
        if row is None:
            raise UserError(f"no trial with the id {id} in the store")
        return _trial(row)

    def epochs(self, study: int, number: int) -> list[Epoch]:
        """The epochs recorded of a trial's last attempt, in order."""
        row = self._existing(study, number)
        wanted = select(EpochRow.number, EpochRow.metrics).where(EpochRow.trial_id == row.id).order_by(EpochRow.number)
        return [Epoch(number, metrics) for number, metrics in self._session.execute(wanted)]

    def history(self, study: int) -> list[Trial]:
        """All trials of a study, by number."""
        return self._facts(select(TrialRow).where(TrialRow.study_id == study).order_by(TrialRow.number))

    def page(
        self,
        study: int,
        after: int | None,
        limit: int,
        state: TrialState | None = None,
        order: Order = "number",
    ) -> list[Trial]:
        """Trials after the one numbered ``after``, by number, or by value.

        By value come the complete ones first, best first by the first objective, those that break a constraint behind
        those that keep to them, the less broken first; then all others by number.

        Raises:
            UserError: ``after`` is not a trial of the study, by value.
        """
        wanted = select(TrialRow).where(TrialRow.study_id == study).limit(checked(limit))
        if state is not None:
            wanted = wanted.where(TrialRow.state == state)
        by_number = wanted.order_by(TrialRow.number)
        if order == "number":
            return self._facts(by_number if after is None else by_number.where(TrialRow.number > after))
        last = None if after is None else self._existing(study, after)
        found: list[Trial] = []
        if last is None or last.merit is not None:
            ranked = (TrialRow.violation, TrialRow.merit.desc(), TrialRow.number)
            measured = wanted.where(TrialRow.violation >= 0.0, TrialRow.merit.is_not(None)).order_by(*ranked)
            found = self._facts(measured if last is None else measured.where(_comes_after(last)))
            last = None
        if len(found) < limit:
            rest = by_number.where(TrialRow.merit.is_(None)).limit(limit - len(found))
            found += self._facts(rest if last is None else rest.where(TrialRow.number > last.number))
        return found

    def curve(self, study: int) -> list[CurvePoint]:
        """The complete trials by number, each with the best value so far of those that keep to the constraints."""
        wanted = (
            select(TrialRow.number, TrialRow.value, TrialRow.violation)
            .where(TrialRow.study_id == study, TrialRow.state == TrialState.COMPLETE)
            .order_by(TrialRow.number)
        )
        found = self._session.execute(wanted).all()
        sign = self._signs(study)[0] if found else 1
        best: float | None = None
        points = []
        for number, value, violation in found:
            assert value is not None  # a complete trial has one
            if violation == 0.0 and (best is None or sign * value > sign * best):
                best = value
            points.append(CurvePoint(number, value, best))
        return points

    def values(self, study: int) -> list[Valued]:
        """The complete trials by their values: those that keep to the constraints first, best first objective first.

        Of trials with equal values the first is on the front.
        """
        wanted = (
            select(TrialRow.number, TrialRow.value, TrialRow.others, TrialRow.violation)
            .where(TrialRow.study_id == study, TrialRow.violation >= 0.0, TrialRow.merit.is_not(None))
            .order_by(TrialRow.violation, TrialRow.merit.desc(), TrialRow.number)
        )
        found: list[tuple[int, tuple[float, ...], float]] = []
        for number, value, others, violation in self._session.execute(wanted):
            assert value is not None  # a complete trial has both
            assert violation is not None
            found.append((number, (value, *(others or ())), violation))
        signs = self._signs(study)
        turned = [(number, _turned(signs, values)) for number, values, violation in found if violation == 0.0]
        best = set(front(turned))
        return [Valued(number, values, violation, number in best) for number, values, violation in found]

    def front(self, study: int) -> list[Trial]:
        """The complete trials on the Pareto front, in the order of ``values``."""
        return [self.get(study, one.number) for one in self.values(study) if one.front]

    def known(self, study: int, graph: str, suits: Callable[[Json], bool] = lambda trace: True) -> Trial | None:
        """The first complete trial of the study that had this architecture, and a trace that ``suits``."""
        wanted = (
            select(TrialRow)
            .where(TrialRow.study_id == study, TrialRow.graph == graph, TrialRow.state == TrialState.COMPLETE)
            .order_by(TrialRow.number)
            .execution_options(populate_existing=True, yield_per=CANDIDATES)
        )
        with self._session.scalars(wanted) as rows:
            return next((_trial(row) for row in rows if suits(row.trace)), None)

    def _facts(self, wanted: Select[TrialRow]) -> list[Trial]:
        return [_trial(row) for row in self._session.scalars(wanted.execution_options(populate_existing=True))]

    def _row(self, study: int, number: int) -> TrialRow | None:
        wanted = select(TrialRow).where(TrialRow.study_id == study, TrialRow.number == number)
        return self._session.scalar(wanted.execution_options(populate_existing=True))

    def _existing(self, study: int, number: int) -> TrialRow:
        row = self._row(study, number)
        if row is None:
            raise UserError(f"no trial {number} in study {study}")
        return row

    def _running(self, study: int, number: int) -> TrialRow:
        row = self._existing(study, number)
        if row.state != TrialState.RUNNING:
            raise UserError(f"trial {number} of study {study} must be running to be written; it is {row.state}")
        return row

    def _signs(self, study: int) -> list[int]:
        """What the value of each objective is multiplied with to be maximised."""
        kept = self._session.scalar(select(StudyRow.objectives).where(StudyRow.id == study))
        return [Objective(name, Direction(direction)).sign for direction, name in kept or ()]

    def _demand(self, study: int, graph: str) -> None:
        is_study = select(StudyRow.id).where(StudyRow.id == study).exists()
        is_graph = select(GraphRow.digest).where(GraphRow.digest == graph).exists()
        has_study, has_graph = self._session.execute(select(is_study, is_graph)).one()
        if not has_study:
            raise UserError(f"no study {study} in the store: create it before its trials")
        if not has_graph:
            raise UserError(f"no graph {graph!r} in the store: put it there before a trial of it")

    def _insert_epochs(self, row: TrialRow, epochs: Sequence[Epoch]) -> None:
        known = set(self._session.scalars(select(EpochRow.number).where(EpochRow.trial_id == row.id)))
        new = {epoch.number: epoch.metrics for epoch in reversed(epochs) if epoch.number not in known}
        if new:
            rows = [{"trial_id": row.id, "number": number, "metrics": new[number]} for number in sorted(new)]
            self._session.execute(insert(EpochRow), rows)


def _comes_after(last: TrialRow) -> ColumnElement[bool]:
    """Least broken first, then best first, and of equals the earlier first."""
    equal_and_later = and_(TrialRow.merit == last.merit, TrialRow.number > last.number)
    worse = and_(TrialRow.violation == last.violation, or_(TrialRow.merit < last.merit, equal_and_later))
    return and_(TrialRow.violation >= last.violation, or_(TrialRow.violation > last.violation, worse))


def _turned(signs: Sequence[int], values: Sequence[float]) -> list[float]:
    """The values with those that are minimised negated."""
    return [sign * value for sign, value in zip(signs, values, strict=True)]


def _demand_sound(result: TrialResult, *states: TrialState) -> None:
    """``ValueError`` unless the result is one of a trial that ended, or came into one of the states, and adds up."""
    if not (result.state in states if states else result.state.is_final):
        raise ValueError(f"a trial cannot end as {result.state}: give the state that it ended in")
    if result.state is TrialState.COMPLETE and result.value is None:
        raise ValueError("a complete trial must have a value; got none")
    if result.state.is_failure and result.value is not None:
        raise ValueError(f"a trial that is {result.state} has no value; got {result.value}")
    if not all(map(isfinite, (*result.values, result.violation))) or result.violation < 0:
        given = f"{result.values} and {result.violation}"
        raise ValueError(f"a trial's values and violation must be finite; got {given}: end it as not finite")


def _write(row: TrialRow, result: TrialResult) -> None:
    row.state, row.value, row.others = result.state, result.value, result.others or None
    row.violation = None if result.value is None else result.violation
    row.measurement, row.reason, row.seconds = result.measurement, result.reason, result.seconds
    row.reused_from, row.weights = result.reused_from, result.weights


def _trial(row: TrialRow) -> Trial:
    state = TrialState(row.state)
    unheard = state is TrialState.RUNNING and not row.reached
    return Trial(
        id=row.id,
        study=row.study_id,
        number=row.number,
        state=state,
        trace=row.trace,
        graph=row.graph,
        attempt=row.attempt,
        started=row.started,
        finished=row.finished,
        result=None if unheard else _result(row, TrialState.PAUSED if state is TrialState.RUNNING else state),
        bracket=row.bracket,
        until=row.until,
        reached=row.reached or 0,
        checkpoint=row.checkpoint,
    )


def _result(row: TrialRow, state: TrialState) -> TrialResult:
    return TrialResult(
        state=state,
        value=row.value,
        measurement=row.measurement or {},
        reason=row.reason,
        seconds=row.seconds or 0.0,
        reused_from=row.reused_from,
        weights=row.weights,
        others=tuple(row.others or ()),
        violation=row.violation or 0.0,
    )
