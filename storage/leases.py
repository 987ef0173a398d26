"""What studies and campaigns share: a unique name, and a driver who holds the job by a lease.

A lease that ran out counts as nobody's: its driver is presumed dead. Everything a driver writes about its job
is fenced: it takes effect only while the job is running and the driver is still the one who holds it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archsmith.graph.errors import UserError
from archsmith.storage.facts import JobState
from archsmith.storage.tables import JobColumns

LONGEST_NAME = 200
SHOWN_NAMES = 10

R = TypeVar("R", bound=JobColumns)


class Leases(Generic[R]):
    """The jobs of one table; ``word`` is what people call one of them."""

    def __init__(self, session: Session, table: type[R], word: str) -> None:
        self._session = session
        self._table = table
        self._word = word

    def add(self, row: R, name: str | None, driver: str, now: datetime, lasting: timedelta) -> int:
        """Insert a job that ``driver`` runs from now on, under ``name`` or else "<word>-<id>".

        Raises:
            UserError: the name is taken, or is not one.
        """
        row.id = (self._session.scalar(select(func.max(self._table.id))) or 0) + 1
        row.name = self._default_name(row.id) if name is None else self._checked(name)
        row.created = now
        _hold(row, driver, now + lasting)
        self._session.add(row)
        self._session.flush()
        return row.id

    def identify(self, given: str) -> int:
        """The id of the job that has this id or name.

        Raises:
            UserError: there is none; the message lists the newest that there are.
        """
        table = self._table
        is_id = given.isascii() and given.isdecimal() and len(given) < 19
        wanted = table.id == int(given) if is_id else table.name == given
        found = self._session.scalar(select(table.id).where(wanted))
        if found is None:
            raise UserError(f"no {self._word} {given!r} in the store; {self._existing()}")
        return found

    def row(self, id: int) -> R:
        """The job with this id, for writing.

        Raises:
            UserError: there is none.
        """
        table = self._table
        found = self._session.scalar(select(table).where(table.id == id))
        if found is None:
            raise UserError(f"no {self._word} {id} in the store; {self._existing()}")
        return found

    def claim(self, id: int, driver: str, now: datetime, lasting: timedelta, *, dead: Callable[[str], bool]) -> None:
        """Make ``driver`` the one who runs the job, if nobody does.

        ``dead`` says of a driver whose lease still lasts that its process is gone.

        Raises:
            UserError: somebody else runs it.
        """
        row = self.row(id)
        holder = row.driver
        if state_at(row, now) is JobState.RUNNING and holder is not None and not dead(holder):
            raise UserError(
                f"{self._word} {row.name!r} must be idle to be run, and {holder} runs it "
                f"(its lease lasts until {row.lease_until:%Y-%m-%d %H:%M:%S} UTC): stop that one, or wait"
            )
        _hold(row, driver, now + lasting)
        self._session.flush()

    def renew(self, id: int, driver: str, now: datetime, lasting: timedelta) -> bool:
        """Prolong the lease; False if the job is no longer this driver's."""
        row = self.held(id, driver)
        if row is None:
            return False
        row.lease_until = now + lasting
        return True

    def release(self, id: int, driver: str, state: JobState, now: datetime) -> bool:
        """Leave the job stopped or finished; False, and nothing done, if it is no longer this driver's."""
        if state not in (JobState.STOPPED, JobState.FINISHED):
            raise ValueError(f"a job is left stopped or finished; got {state.value}")
        row = self.held(id, driver)
        if row is None:
            return False
        row.state, row.driver, row.lease_until = state, None, None
        row.finished = now if state is JobState.FINISHED else None
        return True

    def held(self, id: int, driver: str) -> R | None:
        """The job, if this driver still runs it: the fence before everything that a driver writes."""
        row = self.row(id)
        return row if row.state == JobState.RUNNING and row.driver == driver else None

    def _checked(self, name: str) -> str:
        if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable() or name != name.strip():
            raise UserError(
                f"a {self._word}'s name must be 1 to {LONGEST_NAME} printable characters, without spaces "
                f"at its ends; got {name!r}"
            )
        if name.isascii() and name.isdecimal():
            raise UserError(f"a {self._word}'s name must not be a number, which would be taken for an id; got {name!r}")
        if self._taken(name):
            raise UserError(f"a {self._word}'s name must be new, and {name!r} is taken: choose another, or resume it")
        return name

    def _default_name(self, id: int) -> str:
        name, turn = f"{self._word}-{id}", 1
        while self._taken(name):
            turn += 1
            name = f"{self._word}-{id}-{turn}"
        return name

    def _taken(self, name: str) -> bool:
        return self._session.scalar(select(self._table.id).where(self._table.name == name)) is not None

    def _existing(self) -> str:
        table = self._table
        newest = select(table.name).order_by(table.id.desc()).limit(SHOWN_NAMES + 1)
        return _listed(self._session.scalars(newest).all())


def state_at(row: JobColumns, now: datetime) -> JobState:
    """How the job reads at ``now``: one that says "running" and whose lease has lapsed was interrupted."""
    state = JobState(row.state)
    lapsed = row.lease_until is None or row.lease_until <= now
    return JobState.INTERRUPTED if state is JobState.RUNNING and lapsed else state


def _hold(row: JobColumns, driver: str, until: datetime) -> None:
    row.state, row.driver, row.lease_until, row.finished = JobState.RUNNING, driver, until, None


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "it has none yet"
    more = ", ..." if len(names) > SHOWN_NAMES else ""
    return f"it has {', '.join(names[:SHOWN_NAMES])}{more}"
