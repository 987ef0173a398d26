"""Studies: what was asked, who runs it, and how its trials stand."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from archsmith.graph.errors import UserError
from archsmith.storage.facts import JobState, Json, Study, StudySpec, TrialState
from archsmith.storage.goals import Constraint, Direction, Objective
from archsmith.storage.leases import Leases, state_at
from archsmith.storage.paging import checked
from archsmith.storage.tables import StudyRow, TrialRow


class Studies:
    """Every method belongs to the caller's transaction; none commits."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._leases = Leases(session, StudyRow, "study")

    def create(self, spec: StudySpec, name: str | None, driver: str, now: datetime, lasting: timedelta) -> Study:
        """Begin a study that ``driver`` runs from now on.

        Raises:
            UserError: the name is taken, or is not one.
        """
        row = StudyRow(
            space=spec.space,
            space_source=spec.space_source,
            space_text=spec.space_text,
            space_digest=spec.space_digest,
            task=spec.task,
            searcher=spec.searcher,
            seed=spec.seed,
            trials=spec.trials,
            objectives=tuple([one.direction.value, one.name] for one in spec.objectives),
            constraints=tuple([one.name, one.relation, one.limit] for one in spec.constraints),
            settings=spec.settings,
        )
        return self.get(self._leases.add(row, name, driver, now, lasting), now)

    def get(self, id: int, now: datetime) -> Study:
        """The study with this id, as it stands at ``now``.

        Raises:
            UserError: there is none.
        """
        return self.find(str(id), now)

    def find(self, id_or_name: str, now: datetime) -> Study:
        """The study with this id or name, as it stands at ``now``.

        Raises:
            UserError: there is none; the message lists those that there are.
        """
        id = self._leases.identify(id_or_name)
        return self._facts(_with_best().where(StudyRow.id == id), now)[0]

    def page(self, now: datetime, limit: int = 50, before: int | None = None) -> list[Study]:
        """Studies, newest first, from below the id ``before``; two queries, however many there are."""
        wanted = _with_best().order_by(StudyRow.id.desc()).limit(checked(limit))
        return self._facts(wanted if before is None else wanted.where(StudyRow.id < before), now)

    def claim(self, id: int, driver: str, now: datetime, lasting: timedelta, *, dead: Callable[[str], bool]) -> Study:
        """Make ``driver`` the one who runs the study, if nobody does; see ``Leases.claim``.

        Raises:
            UserError: somebody else runs it.
        """
        self._leases.claim(id, driver, now, lasting, dead=dead)
        return self.get(id, now)

    def renew(self, id: int, driver: str, now: datetime, lasting: timedelta) -> bool:
        """Prolong the lease; False if the study is no longer this driver's."""
        return self._leases.renew(id, driver, now, lasting)

    def release(self, id: int, driver: str, state: JobState, now: datetime) -> bool:
        """Leave it stopped or finished; False, and nothing done, if it is no longer this driver's."""
        return self._leases.release(id, driver, state, now)

    def extend(self, id: int, trials: int) -> None:
        """Raise the study's budget to ``trials`` in all.

        Raises:
            UserError: that is less than it has.
        """
        row = self._leases.row(id)
        if trials < row.trials:
            raise UserError(
                f"study {row.name!r} has a budget of {row.trials} trials, which may only grow; got {trials}"
            )
        row.trials = trials

    def change(self, id: int, settings: Json) -> None:
        """Replace those of the study's settings that are given."""
        row = self._leases.row(id)
        row.settings = {**row.settings, **settings}

    def explain(self, id: int, reason: str | None) -> None:
        """Note why the study has ended, or that it goes on."""
        self._leases.row(id).reason = reason

    def _facts(self, wanted: Select[StudyRow, float, int], now: datetime) -> list[Study]:
        found = self._session.execute(wanted.execution_options(populate_existing=True)).all()
        counts = self._counts([row.id for row, _, _ in found])
        return [_study(row, counts[row.id], value, number, now) for row, value, number in found]

    def _counts(self, ids: Sequence[int]) -> dict[int, dict[TrialState, int]]:
        grouped = (
            select(TrialRow.study_id, TrialRow.state, func.count())
            .where(TrialRow.study_id.in_(ids))
            .group_by(TrialRow.study_id, TrialRow.state)
        )
        counts = {id: dict.fromkeys(TrialState, 0) for id in ids}
        for id, state, count in self._session.execute(grouped):
            counts[id][TrialState(state)] = count
        return counts


def _with_best() -> Select[StudyRow, float, int]:
    """Studies with the value and number of their best trial: of those that keep to the constraints, the first."""
    trial = aliased(TrialRow)
    value, number = (
        select(column)
        .where(trial.study_id == StudyRow.id, trial.violation == 0.0, trial.merit.is_not(None))
        .order_by(trial.merit.desc(), trial.number)
        .limit(1)
        .correlate(StudyRow)
        .scalar_subquery()
        for column in (trial.value, trial.number)
    )
    return select(StudyRow, value, number)


def _study(
    row: StudyRow,
    counts: dict[TrialState, int],
    best_value: float | None,
    best_number: int | None,
    now: datetime,
) -> Study:
    return Study(
        id=row.id,
        name=row.name,
        spec=StudySpec(
            space=row.space,
            space_source=row.space_source,
            space_text=row.space_text,
            space_digest=row.space_digest,
            task=row.task,
            searcher=row.searcher,
            seed=row.seed,
            trials=row.trials,
            objectives=tuple(Objective(name, Direction(direction)) for direction, name in row.objectives),
            constraints=tuple(Constraint(name, relation, limit) for name, relation, limit in row.constraints),
            settings=row.settings,
        ),
        state=state_at(row, now),
        created=row.created,
        finished=row.finished,
        driver=row.driver,
        lease_until=row.lease_until,
        counts=counts,
        best_number=best_number,
        best_value=best_value,
        reason=row.reason,
    )
