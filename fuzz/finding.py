"""A failure on its way to the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archsmith.fuzz.bucket import bucket
from archsmith.fuzz.case import Case, operators, to_json
from archsmith.fuzz.oracles.protocol import Failure
from archsmith.fuzz.report import script
from archsmith.graph.book import RuleBook
from archsmith.graph.text import digest


@dataclass(frozen=True, slots=True)
class Finding:
    """The fields of ``archsmith.storage.facts.NewFinding``, which this room may not see."""

    bucket: str
    oracle: str
    kind: str
    where: str
    summary: str
    detail: str
    graph: str
    case_number: int
    case: Mapping[str, Any]
    script: str


def finding(case: Case, failure: Failure, book: RuleBook) -> Finding:
    """What is to be kept of a failure of a campaign's case.

    Raises:
        ValueError: the case has no number, so it is of no campaign.
        Infeasible: the book's rules do not accept a call of the graph.
    """
    if case.number is None:
        raise ValueError("a finding needs a case with a number")
    flaky = "flaky: " if failure.flaky else ""
    return Finding(
        bucket=bucket(failure),
        oracle=failure.oracle,
        kind=failure.kind,
        where=failure.where,
        summary=f"{flaky}{failure.oracle}: {failure.kind}, {failure.where} ({', '.join(operators(case))})",
        detail=failure.message,
        graph=digest(case.graph),
        case_number=case.number,
        case=to_json(case),
        script=script(case, failure, book),
    )
