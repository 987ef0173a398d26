"""Running a finding's case again, by the oracle that found it, against the PyTorch that is installed now."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archsmith.fuzz import case as cases
from archsmith.fuzz.case import Case
from archsmith.fuzz.fatal import failure_of_outcome
from archsmith.fuzz.oracles import ORACLES, protocol
from archsmith.fuzz.oracles.protocol import Failure
from archsmith.fuzz.preload import CHECK, PRELOAD, environment
from archsmith.graph.errors import UserError
from archsmith.graph.ops import DECLARED
from archsmith.jobs.cases import EAGER, CaseLimits
from archsmith.jobs.driver import utc_now
from archsmith.jobs.study import DEFAULT_STORE
from archsmith.runtime.job import Job
from archsmith.runtime.sandbox import Sandbox
from archsmith.storage.facts import Finding
from archsmith.storage.store import open_store


@dataclass(frozen=True, slots=True)
class Replayed:
    """``failures`` are what the case shows now; none means that the fault is gone."""

    finding: Finding
    failures: tuple[Failure, ...]

    @property
    def still_fails(self) -> bool:
        """Whether the same oracle sees the same kind of failure."""
        content = self.finding.content
        return any(f.oracle == content.oracle and f.kind == content.kind for f in self.failures)


def replay_finding(
    finding: int,
    *,
    store: str = DEFAULT_STORE,
    limits: CaseLimits | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Replayed:
    """Check the case of a finding once more in a sandbox. Nothing is written to the store.

    Raises:
        UserError: there is no such finding, or its case or oracle is not one that this program knows.
    """
    bounds = limits or CaseLimits()
    with closing(open_store(store, create=False, read_only=True)) as opened, opened.read() as tx:
        kept = tx.findings.get(finding)
    stage = EAGER
    failures: list[Failure] = []

    def heard(message: Any) -> None:
        nonlocal stage
        stage = message.get("stage", stage)
        if "failure" in message:
            failures.append(protocol.from_json(message["failure"]))

    case, oracle = _case(kept), kept.content.oracle
    if oracle not in (*ORACLES, EAGER):
        raise UserError(f"finding {finding} was found by oracle {oracle!r}, and there are {', '.join(ORACLES)}")
    # A failure of the eager run itself needs no oracle: every check begins with that run.
    payload = {"case": cases.to_json(case), "oracles": [] if oracle == EAGER else [oracle]}
    with (
        TemporaryDirectory(prefix="archsmith-") as cache,
        Sandbox(preload=PRELOAD, environment=environment(Path(cache))) as sandbox,
    ):
        outcome = sandbox.run(Job(CHECK, payload, bounds.seconds, bounds.memory), heard)
    fatal = failure_of_outcome(outcome, stage, case, DECLARED)
    return Replayed(kept, (*failures, *([fatal] if fatal is not None else [])))


def _case(kept: Finding) -> Case:
    try:
        return cases.from_json(kept.content.case)
    except ValueError as error:
        raise UserError(f"finding {kept.id} holds a case that this archsmith cannot read: {error}") from None
