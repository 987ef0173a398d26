"""Campaigns: what was asked, who runs it, and how far it has come."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from archsmith.storage.facts import Campaign, CampaignSpec, JobState, Progress
from archsmith.storage.leases import Leases, state_at
from archsmith.storage.paging import checked
from archsmith.storage.tables import CampaignRow, FindingRow


class Campaigns:
    """Every method belongs to the caller's transaction; none commits."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._leases = Leases(session, CampaignRow, "campaign")

    def create(self, spec: CampaignSpec, name: str | None, driver: str, now: datetime, lasting: timedelta) -> Campaign:
        """Begin a campaign that ``driver`` runs from now on.

        Raises:
            UserError: the name is taken, or is not one.
        """
        row = CampaignRow(
            seed=spec.seed,
            oracles=spec.oracles,
            minutes=spec.minutes,
            cases=spec.cases,
            settings=spec.settings,
            versions=spec.versions,
        )
        _write(row, Progress())
        return self.get(self._leases.add(row, name, driver, now, lasting), now)

    def get(self, id: int, now: datetime) -> Campaign:
        """The campaign with this id, as it stands at ``now``.

        Raises:
            UserError: there is none.
        """
        return self.find(str(id), now)

    def find(self, id_or_name: str, now: datetime) -> Campaign:
        """The campaign with this id or name, as it stands at ``now``.

        Raises:
            UserError: there is none; the message lists those that there are.
        """
        id = self._leases.identify(id_or_name)
        return self._facts(_with_findings().where(CampaignRow.id == id), now)[0]

    def page(self, now: datetime, limit: int = 50, before: int | None = None) -> list[Campaign]:
        """Campaigns, newest first, from below the id ``before``; one query."""
        wanted = _with_findings().order_by(CampaignRow.id.desc()).limit(checked(limit))
        return self._facts(wanted if before is None else wanted.where(CampaignRow.id < before), now)

    def claim(
        self, id: int, driver: str, now: datetime, lasting: timedelta, *, dead: Callable[[str], bool]
    ) -> Campaign:
        """Make ``driver`` the one who runs the campaign, if nobody does; see ``Leases.claim``.

        Raises:
            UserError: somebody else runs it.
        """
        self._leases.claim(id, driver, now, lasting, dead=dead)
        return self.get(id, now)

    def renew(self, id: int, driver: str, now: datetime, lasting: timedelta) -> bool:
        """Prolong the lease; False if the campaign is no longer this driver's."""
        return self._leases.renew(id, driver, now, lasting)

    def release(self, id: int, driver: str, state: JobState, now: datetime) -> bool:
        """Leave it stopped or finished; False, and nothing done, if it is no longer this driver's."""
        return self._leases.release(id, driver, state, now)

    def advance(self, id: int, driver: str, progress: Progress, now: datetime) -> bool:
        """Replace its progress; False, and nothing done, if it is no longer this driver's."""
        row = self._leases.held(id, driver)
        if row is None:
            return False
        _write(row, progress)
        row.advanced = now
        self._session.flush()
        return True

    def _facts(self, wanted: Select[CampaignRow, int], now: datetime) -> list[Campaign]:
        found = self._session.execute(wanted.execution_options(populate_existing=True))
        return [_campaign(row, findings, now) for row, findings in found]


def _with_findings() -> Select[CampaignRow, int]:
    findings = select(func.count()).where(FindingRow.campaign_id == CampaignRow.id).correlate(CampaignRow)
    return select(CampaignRow, findings.scalar_subquery())


def _write(row: CampaignRow, progress: Progress) -> None:
    row.next_case, row.beyond = progress.next_case, progress.beyond
    row.counters, row.seconds = progress.counters, progress.seconds


def _campaign(row: CampaignRow, findings: int, now: datetime) -> Campaign:
    return Campaign(
        id=row.id,
        name=row.name,
        spec=CampaignSpec(
            seed=row.seed,
            oracles=tuple(row.oracles),
            minutes=row.minutes,
            cases=row.cases,
            settings=row.settings,
            versions=row.versions,
        ),
        state=state_at(row, now),
        created=row.created,
        finished=row.finished,
        driver=row.driver,
        lease_until=row.lease_until,
        progress=Progress(
            next_case=row.next_case, beyond=tuple(row.beyond), counters=row.counters, seconds=row.seconds
        ),
        findings=findings,
        advanced=row.advanced,
    )
