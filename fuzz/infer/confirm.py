"""Trying a hypothesis against PyTorch on both sides of every boundary, and mending it by what was found.

Counter-example-guided synthesis (CEGIS): a solver makes calls that the hypothesis accepts, and calls that break one
constraint and no other; PyTorch says what comes of them; what the hypothesis got wrong becomes a row to learn from.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from archsmith.fuzz.infer.explore import Explorer
from archsmith.fuzz.infer.familiar import Familiar
from archsmith.fuzz.infer.hypothesis import Failed, Hypothesis, fitted, foretold, is_right, predicted
from archsmith.fuzz.infer.models import models, outside
from archsmith.fuzz.infer.probe import Effort, Probe, Values, settled
from archsmith.fuzz.infer.results import shapes_of
from archsmith.fuzz.infer.solver import Domain, domain, without_implied
from archsmith.graph.expr import Expr

INSIDE = 24
"""How many calls that a hypothesis accepts are tried in a round."""

MOVED = 40
"""How many calls are tried in a round that are a move away from others."""

MANY, MOVED_EACH = 9, 10
"""Of so many symbols and more a rule takes longer to infer than calls to run: so many more are tried, of each."""

OUTSIDE = 4
"""How many calls that break one constraint are tried in a round, of each."""

MORE_CALLS = 30
"""How many calls more are asked for each symbol of a signature before it is let be."""

FAILURES = 4
"""After so many attempts to express the sizes of results they are given up."""

WIDTH = 9
"""The greatest value that a solver gives to a symbol: calls stay cheap, and boundaries show at small numbers."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A hypothesis and what a fresh sample said of it: None where the sample had no such calls.

    ``wrong`` counts the calls, of all that were asked, that it is wrong about.
    """

    hypothesis: Hypothesis
    precision: float | None
    recall: float | None
    wrong: int


def settle(explorer: Explorer, familiar: Familiar, effort: Effort) -> Settled | Failed:
    """The hypothesis that is left when no counter-example is found or effort is spent, and how good it is.

    A familiar rule that is right about everything seen so far is tried before anything is inferred.
    """
    probe = explorer.probe
    met: set[Expr] = set()
    failures = 0
    most = effort.calls + MORE_CALLS * len(probe.signature.symbols)
    for turn in range(effort.rounds):
        last = turn == effort.rounds - 1 or len(probe.seen) > most
        hypothesis = recognised(probe, familiar) or fitted(
            probe, _familiar(probe, familiar), thorough=last or failures == 1
        )
        if isinstance(hypothesis, Failed):
            # What could not be found once is seldom found later, and to fail takes longest.
            failures += not hypothesis.expressed
            if last or failures == FAILURES or not explorer.widen(2 * effort.first):
                return hypothesis
            continue
        if not last and _are_wrong(probe, hypothesis, challenge(explorer, hypothesis, met)):
            explorer.widen(effort.first // 2)  # asking is cheaper than inferring again
            continue
        fresh = [*inside(probe, hypothesis, explorer, effort.fresh // 2), *explorer.widen(effort.fresh // 2)]
        if last or not _are_wrong(probe, hypothesis, fresh):
            return _measured(probe, _tidied(probe, hypothesis), fresh)
    return Failed("no rounds were allowed")


def recognised(probe: Probe, familiar: Familiar) -> Hypothesis | None:
    """A rule that is known from elsewhere and right about all calls that were asked."""
    for hypothesis in _familiar(probe, familiar):
        if all(is_right(hypothesis, probe, values) for values in probe.seen):
            return hypothesis
    return None


def _familiar(probe: Probe, familiar: Familiar) -> list[Hypothesis]:
    first = next(iter(probe.valid.values()))
    return list(familiar.candidates(probe.signature, [len(shape) for shape in shapes_of(first)]))


def challenge(explorer: Explorer, hypothesis: Hypothesis, met: set[Expr]) -> list[Values]:
    """New calls that were asked, by moves and of a solver's making; of few symbols the latter if moves find none wrong.

    Calls beyond a constraint are made once for each constraint: those that were ``met`` before are left out.
    """
    probe = explorer.probe
    count = len(probe.signature.symbols)
    asked = explorer.widen(MOVED + MOVED_EACH * max(count - MANY, 0))
    if count < MANY and _are_wrong(probe, hypothesis, asked):
        return asked
    asked += inside(probe, hypothesis, explorer, INSIDE)
    beyond: list[Values] = []
    for which, constraint in enumerate(hypothesis.requires):
        if constraint not in met:
            met.add(constraint)
            found = outside(
                hypothesis.requires, which, _domain(probe), explorer.rng, OUTSIDE, avoiding=probe.seen.keys()
            )
            beyond += _proper(probe, found)
    return [*asked, *probe.see(beyond)]


def inside(probe: Probe, hypothesis: Hypothesis, explorer: Explorer, number: int) -> list[Values]:
    """New calls that the hypothesis accepts, of a solver's making, that were asked."""
    if not probe.signature.symbols:
        return []
    found = models(hypothesis.requires, _domain(probe), explorer.rng, number, avoiding=probe.seen.keys())
    return probe.see(_proper(probe, found))


def _proper(probe: Probe, found: Iterator[Mapping[str, int]]) -> list[Values]:
    rows = (tuple(row[name] for name in probe.signature.symbols) for row in found)
    after = (settled(probe.signature, row, most=WIDTH) for row in rows)
    return [row for row in after if row is not None]


def _domain(probe: Probe) -> Domain:
    return domain(probe.signature, most=WIDTH, elements=4096)


def _are_wrong(probe: Probe, hypothesis: Hypothesis, asked: Sequence[Values]) -> bool:
    return not all(is_right(hypothesis, probe, values) for values in asked)


def _tidied(probe: Probe, hypothesis: Hypothesis) -> Hypothesis:
    """Without constraints that others imply; as it was, if that would change what it says of a call that was asked."""
    shorter = Hypothesis(hypothesis.outputs, without_implied(hypothesis.requires, _domain(probe)))
    rows = list(probe.seen)
    same = foretold(shorter, probe.signature, rows) == foretold(hypothesis, probe.signature, rows)
    return shorter if same else hypothesis


def _measured(probe: Probe, hypothesis: Hypothesis, fresh: Sequence[Values]) -> Settled:
    counted = [values for values in fresh if values in probe.valid or values in probe.refused]
    accepted = [values for values in counted if predicted(hypothesis, probe.signature.symbols, values) is not None]
    running = [values for values in counted if values in probe.valid]
    right = [values for values in accepted if values in probe.valid and is_right(hypothesis, probe, values)]
    return Settled(
        hypothesis,
        len(right) / len(accepted) if accepted else None,
        len(right) / len(running) if running else None,
        sum(not is_right(hypothesis, probe, values) for values in chain(probe.valid, probe.refused)),
    )
