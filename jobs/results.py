"""What the outcome of a job means for its trial."""

from collections.abc import Mapping, Sequence
from typing import Any

from archsmith.evaluate.evaluator import PAUSED
from archsmith.evaluate.score import VALUE
from archsmith.graph.book import RuleBook
from archsmith.graph.cost import macs, parameters
from archsmith.graph.graph import Graph
from archsmith.jobs.objectives import Goals, NotANumber, NotReported
from archsmith.runtime.outcome import Crashed, Outcome, OutOfMemory, Raised, Returned, TimedOut, reason
from archsmith.storage.facts import Epoch, Trial, TrialResult, TrialState

FAILURES: dict[type[Outcome], TrialState] = {
    Raised: TrialState.RAISED,
    Crashed: TrialState.CRASHED,
    TimedOut: TrialState.TIMED_OUT,
    OutOfMemory: TrialState.OUT_OF_MEMORY,
}

PARENT = "parent"
"""The number in a measurement that says from which trial a network has inherited its weights."""


def result_of(
    outcome: Outcome, seconds: float, weights: str | None, goals: Goals, parent: int | None = None
) -> TrialResult:
    """What an outcome of ``archsmith.evaluate.entry:measure`` means for its trial, judged by the study's goals."""
    if not isinstance(outcome, Returned):
        return TrialResult(FAILURES[type(outcome)], None, reason=reason(outcome), seconds=seconds)
    found = outcome.value
    if found["state"] == TrialState.NOT_FINITE.value:
        return TrialResult(TrialState.NOT_FINITE, None, reason=found["reason"], seconds=seconds)
    numbers = measured(found, goals)
    try:
        values, violation = goals.judge(numbers)
    except NotANumber as error:
        return TrialResult(TrialState.NOT_FINITE, None, numbers, str(error), seconds)
    except NotReported as error:
        return TrialResult(TrialState.RAISED, None, numbers, str(error), seconds)
    kept = dict(found["metrics"]) | ({PARENT: parent} if parent is not None else {})
    return TrialResult(
        TrialState.PAUSED if found["state"] == PAUSED else TrialState.COMPLETE,
        values[0],
        kept,
        seconds=seconds,
        weights=weights,
        others=values[1:],
        violation=violation,
    )


def measured(found: Mapping[str, Any], goals: Goals) -> dict[str, float]:
    """All numbers that a job returned; a user's own measure has a ``value`` among them."""
    value = {VALUE: found[VALUE]} if goals.own and found.get(VALUE) is not None else {}
    return {**found["metrics"], **value}


def counted(graph: Graph, book: RuleBook) -> dict[str, float]:
    """What is known of every network without measuring it."""
    return {"parameters": parameters(graph, book), "macs": macs(graph, book)}


def stopped_early(epochs: Sequence[Epoch], facts: Mapping[str, float], goals: Goals, seconds: float) -> TrialResult:
    """The end of a trial whose training was not worth going on with: what its last epoch said, and its ``facts``."""
    last = epochs[-1]
    numbers = {**facts, **last.metrics}
    try:
        values, violation = goals.judge_known(numbers)
    except NotANumber as error:
        return TrialResult(TrialState.NOT_FINITE, None, numbers, str(error), seconds)
    why = f"stopped after epoch {last.number}"
    return TrialResult(TrialState.STOPPED, values[0], numbers, why, seconds, others=values[1:], violation=violation)


def reused(known: Trial | None) -> TrialResult | None:
    """The result of an earlier trial of the same architecture and recipe, as that of a later one."""
    if known is None or known.result is None:
        return None
    result = known.result
    origin = known.number if result.reused_from is None else result.reused_from
    return TrialResult(
        result.state,
        result.value,
        result.measurement,
        reused_from=origin,
        weights=result.weights,
        others=result.others,
        violation=result.violation,
    )
