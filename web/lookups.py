"""Questions to the store that a page asks and no single repository answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import TypeVar

from archsmith.storage.facts import Campaign, CurvePoint, Finding, Study, Trial, TrialState
from archsmith.storage.store import Transaction
from archsmith.web.site import sought

PAGE = 50
WINDOW = 200
SCANNED = 5000
"""Most findings that one request looks through for those of an oracle or kind."""

FAILURES = tuple(state for state in TrialState if state.is_failure)


def study_of(view: Transaction, id: int, now: datetime) -> Study:
    """The study with this id, or 404."""
    with sought():
        return view.studies.get(id, now)


def trial_of(view: Transaction, study: int, number: int) -> Trial:
    """The trial of a study, or 404."""
    with sought():
        return view.trials.get(study, number)


def campaign_of(view: Transaction, id: int, now: datetime) -> Campaign:
    """The campaign with this id, or 404."""
    with sought():
        return view.campaigns.get(id, now)


def finding_of(view: Transaction, id: int) -> Finding:
    """The finding with this id, or 404."""
    with sought():
        return view.findings.get(id)


def newest_trials(view: Transaction, study: Study, before: int | None, limit: int) -> list[Trial]:
    """Trials numbered below ``before``, the latest first."""
    above = sum(study.counts.values()) + WINDOW  # numbers run without gaps, but for trials lost with their workers
    high = above if before is None else min(before, above)
    found: list[Trial] = []
    while high > 0 and len(found) < limit:
        low = max(0, high - WINDOW)
        after = low - 1 if low else None
        rows = [trial for trial in view.trials.page(study.id, after, WINDOW) if trial.number < high]
        found += reversed(rows)
        high = low
    return found[:limit]


def failures(view: Transaction, study: Study, most: int) -> list[Trial]:
    """Trials that ended without a value, by number: the first ``most`` of every state."""
    found = [
        trial
        for state in FAILURES
        if study.counts.get(state)
        for trial in view.trials.page(study.id, None, most, state=state)
    ]
    return sorted(found, key=lambda trial: trial.number)


def thinned(points: Sequence[CurvePoint], most: int) -> list[CurvePoint]:
    """At most about ``most`` points of a curve: every improvement, and the others evenly thinned."""
    step = max(1, -(-len(points) // most))
    kept = []
    best: float | None = None
    for i, point in enumerate(points):
        if point.best != best or i % step == 0 or i == len(points) - 1:
            kept.append(point)
        best = point.best
    return kept


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which findings to show; None: any."""

    campaign: int | None = None
    oracle: str | None = None
    kind: str | None = None
    state: str | None = None

    def fits(self, finding: Finding) -> bool:
        return (self.oracle is None or finding.content.oracle == self.oracle) and (
            self.kind is None or finding.content.kind == self.kind
        )


def findings_page(
    view: Transaction, wanted: Wanted, before: int | None, limit: int
) -> tuple[list[Finding], int | None]:
    """Findings that fit, newest first, and the ``before`` of the next page (None: this is the last)."""
    found: list[Finding] = []
    cursor, looked = before, 0
    while looked < SCANNED:
        rows = view.findings.page(WINDOW, cursor, wanted.campaign, wanted.state)
        looked += len(rows)
        found += filter(wanted.fits, rows)
        if len(found) > limit:
            return found[:limit], found[limit - 1].id
        if len(rows) < WINDOW:
            return found, None
        cursor = rows[-1].id
    return found, cursor


def version(view: Transaction, subject: str, now: datetime) -> str:
    """A name for what the page of a subject shows at ``now``; it changes when the page would.

    Subjects are ``overview`` (all lists), ``study/ID``, ``trial/STUDY/NUMBER``, ``campaign/ID`` and
    ``finding/ID``.
    """
    kind, *ids = subject.split("/")
    match kind, [int(id) for id in ids]:
        case "study", [id]:
            return _name(_unleased(study_of(view, id, now)))
        case "trial", [id, number]:
            return _name(trial_of(view, id, number), len(view.trials.epochs(id, number)))
        case "campaign", [id]:
            return _name(_unleased(campaign_of(view, id, now)), view.findings.page(PAGE, campaign=id))
        case "finding", [id]:
            return _name(finding_of(view, id))
    studies = [_unleased(study) for study in view.studies.page(now, PAGE)]
    campaigns = [_unleased(campaign) for campaign in view.campaigns.page(now, PAGE)]
    return _name(studies, campaigns, view.findings.page(PAGE))


Job = TypeVar("Job", Study, Campaign)


def _unleased(job: Job) -> Job:
    """The job without its lease, which a driver renews all the time and no page shows."""
    return replace(job, lease_until=None)


def _name(*facts: object) -> str:
    return blake2b(repr(facts).encode("utf-8", "replace"), digest_size=8).hexdigest()
