"""Findings: the buckets of a campaign's failures, each with its first case and how many cases hit it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from archsmith.graph.errors import UserError
from archsmith.storage.facts import Finding, NewFinding
from archsmith.storage.paging import checked
from archsmith.storage.tables import CampaignRow, FindingRow, GraphRow, HitRow

FIRST_STATE = "new"
"""The state of a finding that nobody has looked at."""


class Findings:
    """Every method belongs to the caller's transaction; none commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def record(self, campaign: int, new: NewFinding, now: datetime) -> tuple[Finding, bool]:
        """Count a failing case in its bucket, once; True if it opened the bucket.

        Raises:
            UserError: there is no such campaign or graph.
        """
        wanted = select(FindingRow).where(FindingRow.campaign_id == campaign, FindingRow.bucket == new.bucket)
        row = self._session.scalar(wanted)
        opens = row is None
        if row is None:
            row = self._open(campaign, new, now)
        if self._session.get(HitRow, (row.id, new.case_number)) is None:
            self._session.add(HitRow(finding_id=row.id, case_number=new.case_number))
            row.hits += 1
            self._session.flush()
        return self.get(row.id), opens

    def mark(self, id: int, state: str) -> Finding:
        """Say where people stand with a finding ("reported", "known", "fixed", ...).

        Raises:
            UserError: there is no such finding, or the state is empty.
        """
        if not state.strip():
            raise UserError(f"a finding's state must be a word such as 'reported'; got {state!r}")
        row = self._row(id)
        row.state = state
        self._session.flush()
        return self.get(id)

    def get(self, id: int) -> Finding:
        """The finding with this id.

        Raises:
            UserError: there is none.
        """
        return _finding(self._row(id))

    def page(
        self,
        limit: int = 50,
        before: int | None = None,
        campaign: int | None = None,
        state: str | None = None,
    ) -> list[Finding]:
        """Findings, newest first, from below the id ``before``."""
        wanted = select(FindingRow).order_by(FindingRow.id.desc()).limit(checked(limit))
        if before is not None:
            wanted = wanted.where(FindingRow.id < before)
        if campaign is not None:
            wanted = wanted.where(FindingRow.campaign_id == campaign)
        if state is not None:
            wanted = wanted.where(FindingRow.state == state)
        found = self._session.scalars(wanted.execution_options(populate_existing=True))
        return [_finding(row) for row in found]

    def _row(self, id: int) -> FindingRow:
        wanted = select(FindingRow).where(FindingRow.id == id).execution_options(populate_existing=True)
        row = self._session.scalar(wanted)
        if row is None:
            raise UserError(f"no finding {id} in the store: `archsmith fuzz findings` lists them")
        return row

    def _open(self, campaign: int, new: NewFinding, now: datetime) -> FindingRow:
        if self._session.scalar(select(CampaignRow.id).where(CampaignRow.id == campaign)) is None:
            raise UserError(f"no campaign {campaign} in the store: create it before its findings")
        if self._session.scalar(select(GraphRow.digest).where(GraphRow.digest == new.graph)) is None:
            raise UserError(f"no graph {new.graph!r} in the store: put it there before a finding about it")
        row = FindingRow(
            campaign_id=campaign,
            found=now,
            hits=0,
            state=FIRST_STATE,
            bucket=new.bucket,
            oracle=new.oracle,
            kind=new.kind,
            place=new.where,
            summary=new.summary,
            detail=new.detail,
            graph=new.graph,
            case_number=new.case_number,
            replay=new.case,
            script=new.script,
        )
        self._session.add(row)
        self._session.flush()
        return row


def _finding(row: FindingRow) -> Finding:
    return Finding(
        id=row.id,
        campaign=row.campaign_id,
        found=row.found,
        hits=row.hits,
        state=row.state,
        content=NewFinding(
            bucket=row.bucket,
            oracle=row.oracle,
            kind=row.kind,
            where=row.place,
            summary=row.summary,
            detail=row.detail,
            graph=row.graph,
            case_number=row.case_number,
            case=row.replay,
            script=row.script,
        ),
    )
