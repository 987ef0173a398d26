"""Trials: each has one start, perhaps more than one attempt, and one end."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import accumulate
from math import isfinite
from typing import Literal

from sqlalchemy import ColumnElement, Select, and_, delete, insert, or_, select
from sqlalchemy.orm import Session

from archsmith.graph.errors import UserError
from archsmith.storage.facts import CurvePoint, Epoch, Json, Trial, TrialResult, TrialState
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

    def start(self, study: int, number: int, trace: Json, graph: str, now: datetime) -> Trial:
        """Begin a trial, or begin it again: an attempt that never ended is lost, and its epochs with it.

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
            self._session.execute(delete(EpochRow).where(EpochRow.trial_id == row.id))
        row.state, row.trace, row.graph, row.started = TrialState.RUNNING, trace, graph, now
        self._session.add(row)
        self._session.flush()
        return _trial(row)

    def finish(self, study: int, number: int, result: TrialResult, epochs: Sequence[Epoch], now: datetime) -> None:
        """Write a running trial's end, and those of its epochs that are not there yet.

        Raises:
            UserError: the trial is not running.
            ValueError: the result contradicts itself: complete trials have a finite value, others none.
        """
        _demand_sound(result)
        row = self._running(study, number)
        if result.reused_from is not None and self._row(study, result.reused_from) is None:
            raise UserError(f"trial {number} of study {study} cannot reuse trial {result.reused_from}: there is none")
        self._insert_epochs(row, epochs)
        row.state, row.value, row.finished = result.state, result.value, now
        row.measurement, row.reason, row.seconds = result.measurement, result.reason, result.seconds
        row.reused_from, row.weights = result.reused_from, result.weights
        self._session.flush()

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
        """Trials after the one numbered ``after``, by number, or by value: best first, those without last.

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
        if last is None or last.value is not None:
            valued = wanted.where(TrialRow.value.is_not(None)).order_by(TrialRow.value.desc(), TrialRow.number)
            found = self._facts(valued if last is None else valued.where(_comes_after(last)))
            last = None
        if len(found) < limit:
            rest = by_number.where(TrialRow.value.is_(None)).limit(limit - len(found))
            found += self._facts(rest if last is None else rest.where(TrialRow.number > last.number))
        return found

    def curve(self, study: int) -> list[CurvePoint]:
        """The complete trials by number, each with the best value so far."""
        wanted = (
            select(TrialRow.number, TrialRow.value)
            .where(TrialRow.study_id == study, TrialRow.state == TrialState.COMPLETE)
            .order_by(TrialRow.number)
        )
        points = [(number, value) for number, value in self._session.execute(wanted) if value is not None]
        best = accumulate((value for _, value in points), max)
        return [CurvePoint(number, value, top) for (number, value), top in zip(points, best, strict=True)]

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
    """Best first, and of equals the earlier first."""
    equal_and_later = and_(TrialRow.value == last.value, TrialRow.number > last.number)
    return and_(TrialRow.value <= last.value, or_(TrialRow.value < last.value, equal_and_later))


def _demand_sound(result: TrialResult) -> None:
    if result.state is TrialState.RUNNING:
        raise ValueError("a trial cannot end as running: give the state that it ended in")
    if (result.state is TrialState.COMPLETE) != (result.value is not None):
        raise ValueError(f"a trial has a value if and only if it is complete; got {result.state} with {result.value}")
    if result.value is not None and not isfinite(result.value):
        raise ValueError(f"a complete trial's value must be finite; got {result.value}: end it as not finite")


def _trial(row: TrialRow) -> Trial:
    state = TrialState(row.state)
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
        result=None if state is TrialState.RUNNING else _result(row, state),
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
    )
