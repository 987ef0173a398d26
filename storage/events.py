"""Events: what happened, in order, for people and for the dashboard."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from archsmith.storage.facts import Event, Json
from archsmith.storage.paging import checked
from archsmith.storage.tables import EventRow


class Events:
    """Every method belongs to the caller's transaction; none commits.

    Ids grow in the order in which transactions commit, since only one writes at a time: whoever asks for what
    came ``since`` the last id that it saw misses nothing.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def append(self, kind: str, subject: str, payload: Json, now: datetime) -> Event:
        """Tell that something happened to ``subject``, e.g. "study/3"."""
        row = EventRow(at=now, kind=kind, subject=subject, payload=payload)
        self._session.add(row)
        self._session.flush()
        return _event(row)

    def since(self, id: int, limit: int = 100, subject: str | None = None) -> list[Event]:
        """Events after the one with this id (0: from the beginning), oldest first."""
        wanted = select(EventRow).where(EventRow.id > id).order_by(EventRow.id).limit(checked(limit))
        if subject is not None:
            wanted = wanted.where(EventRow.subject == subject)
        return [_event(row) for row in self._session.scalars(wanted)]


def _event(row: EventRow) -> Event:
    return Event(id=row.id, at=row.at, kind=row.kind, subject=row.subject, payload=row.payload)
