"""The loop of a campaign: make a case, check it in the pool, record what was found.

Case n is made from (campaign seed, n) alone. Progress and findings are written in one transaction, so after a kill
every case is either recorded with all that it found, or is made and checked again as if for the first time.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from archsmith.fuzz import case as cases
from archsmith.fuzz.case import Case
from archsmith.fuzz.fatal import failure_of_outcome
from archsmith.fuzz.finding import finding
from archsmith.fuzz.generate import make_case, make_space
from archsmith.fuzz.oracles import protocol
from archsmith.fuzz.oracles.protocol import Failure
from archsmith.fuzz.preload import CHECK, NO_SPACE
from archsmith.graph.errors import UserError
from archsmith.graph.ops import DECLARED
from archsmith.jobs.lease import HeldJob
from archsmith.jobs.limits import check_limits
from archsmith.jobs.progress import CampaignStarted, CaseEnded, FindingHit, Listener
from archsmith.runtime.job import Job
from archsmith.runtime.outcome import Outcome, Raised, Returned
from archsmith.runtime.pool import Done, Pool, Report
from archsmith.storage.facts import Campaign, NewFinding, Progress

EAGER = "eager"
"""The stage before all oracles, which runs the case as it stands."""

FLUSH = 0.5
"""Seconds between writes of progress while nothing is found."""


@dataclass(frozen=True, slots=True)
class CaseLimits:
    """What one case may take: wall-clock ``seconds`` for all its oracles, and ``memory`` in bytes."""

    seconds: float = 120.0
    memory: int = 3 << 30

    def __post_init__(self) -> None:
        check_limits(self.seconds, self.memory)


@dataclass(slots=True)
class _Running:
    """A case in a worker: the last stage that it said it had begun, and the failures that it reported."""

    case: Case
    stage: str = EAGER
    failures: list[Failure] = field(default_factory=list)

    def hear(self, message: Mapping[str, Any]) -> None:
        self.stage = message.get("stage", self.stage)
        if message.get("stage") == EAGER:
            self.failures.clear()  # a case whose worker was lost begins again, and says what it said
        if "failure" in message:
            self.failures.append(protocol.from_json(message["failure"]))


class CaseLoop:
    """One process's time with a campaign."""

    def __init__(self, campaign: Campaign, held: HeldJob, listen: Listener) -> None:
        self._campaign, self._held, self._listen = campaign, held, listen
        self._space = make_space(campaign.spec.settings["space"])
        self._limits = CaseLimits(**campaign.spec.settings["limits"])
        self._progress = campaign.progress
        self._before = campaign.progress.seconds
        self._began = self._written = time.monotonic()
        self._finished = set(campaign.progress.beyond)
        self._next = campaign.progress.next_case
        self._running: dict[int, _Running] = {}

    def run(self, pool: Pool) -> None:
        """Work until the campaign's minutes or cases are spent."""
        self._listen(CampaignStarted(self._campaign))
        while not self._time_is_over():
            while pool.free and (number := self._following()) is not None:
                self._launch(pool, number)
            if not self._running:
                break
            for event in pool.wait(timeout=0.25):
                match event:
                    case Report(key=int(number), message=message):
                        self._running[number].hear(message)
                    case Done(key=int(number), outcome=outcome):
                        self._end(number, self._running.pop(number), outcome)
            self._held.beat()
        self._write([entry for running in self._running.values() for entry in _kept(running.case, running.failures)])

    def _time_is_over(self) -> bool:
        minutes = self._campaign.spec.minutes
        return minutes is not None and self._seconds() >= minutes * 60

    def _seconds(self) -> float:
        """Time spent on the campaign in all its sittings."""
        return self._before + time.monotonic() - self._began

    def _following(self) -> int | None:
        """The lowest case that is neither finished nor running."""
        number = self._next
        while number in self._finished or number in self._running:
            number += 1
        cases = self._campaign.spec.cases
        return number if cases is None or number < cases else None

    def _launch(self, pool: Pool, number: int) -> None:
        case = make_case(self._campaign.spec.seed, number, self._space)
        self._running[number] = _Running(case)
        payload = {"case": cases.to_json(case), "oracles": list(self._campaign.spec.oracles)}
        pool.submit(number, Job(CHECK, payload, self._limits.seconds, self._limits.memory))

    def _end(self, number: int, running: _Running, outcome: Outcome) -> None:
        if isinstance(outcome, Raised) and NO_SPACE in outcome.traceback + outcome.message:
            raise UserError(
                "the disk or the folder of temporary files is full: free some space; what was found is safe"
            )
        checked: Mapping[str, Any] = outcome.value if isinstance(outcome, Returned) else {}
        fatal = failure_of_outcome(outcome, running.stage, running.case, DECLARED)
        # What a case reported before it killed its worker stands beside how it ended.
        failures = [*running.failures, fatal] if fatal is not None else _failures(checked)
        self._count(number, running, checked, len(failures))
        if failures or time.monotonic() - self._written >= FLUSH:
            self._write(_kept(running.case, failures))
        self._listen(CaseEnded(number, self._progress, checked.get("seconds", {})))

    def _count(self, number: int, running: _Running, checked: Mapping[str, Any], failures: int) -> None:
        """Add the case to the counters; one that killed its worker after eager had ended is one that ran."""
        case, stage = running.case, running.stage
        more = {
            "cases": 1,
            "ran": int(checked.get("ran", stage != EAGER)),
            "failures": failures,
            "rejected": {checked["rejected"]["type"]: 1} if "rejected" in checked else {},
            "filtered": checked.get("filtered", {}),
            "stage_seconds": checked.get("seconds", {}),
            "operators": dict.fromkeys(cases.operators(case), 1),
            "signatures": dict.fromkeys(cases.signatures(case), 1),
        }
        counters = _added(self._progress.counters, more)
        self._finished.add(number)
        while self._next in self._finished:
            self._finished.discard(self._next)
            self._next += 1
        beyond = tuple(sorted(self._finished))
        self._progress = Progress(self._next, beyond, counters, self._seconds())

    def _write(self, found: list[NewFinding]) -> None:
        self._progress = replace(self._progress, seconds=self._seconds())
        hits = []
        with self._held.writing() as tx:
            now = self._held.clock()
            for new in found:
                tx.graphs.put(cases.from_json(new.case).graph)
                kept, is_new = tx.findings.record(self._campaign.id, new, now)
                hits.append(FindingHit(kept, is_new))
                if is_new:
                    self._held.announce(tx, "finding", finding=kept.id, summary=new.summary)
            tx.campaigns.advance(self._campaign.id, self._held.driver, self._progress, now)
        self._written = time.monotonic()
        for hit in hits:
            self._listen(hit)


def _kept(case: Case, failures: list[Failure]) -> list[NewFinding]:
    """The failures of a case as the store takes them."""
    return [NewFinding(**asdict(finding(case, failure, DECLARED))) for failure in failures]


def _failures(checked: Mapping[str, Any]) -> list[Failure]:
    return [protocol.from_json(entry) for entry in checked.get("failures", ())]


def _added(sums: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Two nested mappings of numbers, added up."""
    total = dict(sums)
    for key, value in more.items():
        total[key] = _added(total.get(key, {}), value) if isinstance(value, Mapping) else total.get(key, 0) + value
    return total
