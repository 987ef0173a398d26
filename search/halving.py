"""Successive halving: many trials are trained a little, and the best of them on and on.

A rung's trials are compared where they have had the same epochs. What failed counts as the worst of its rung and is
never promoted. When the budget of trials is spent and none was trained to the end, because the promoted ones failed or
the rungs were too thin, the best of the highest rung goes on: a study does not end without a trained architecture.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from math import isfinite
from types import MappingProxyType
from typing import Any

from archsmith.graph.errors import UserError
from archsmith.search.fidelity import Fidelity, Promote, Run, RunState, Start, Wait
from archsmith.search.options import check_known, check_whole


@dataclass(frozen=True, slots=True)
class _Bracket:
    """``size`` trials begin at the first of the rungs; ``1 / reduction`` of them reach each next one."""

    size: int
    rungs: tuple[int, ...]
    reduction: int

    def promotion(self, runs: Sequence[Run], *, filled: bool) -> Promote | None:
        """The next promotion of a bracket; none while a rung is not ``filled`` or waits for one of its trials.

        A bracket that is ``filled`` before it has all its trials shrinks in proportion.
        """
        places = [(_place(run, self.rungs), run) for run in runs]
        size = len(runs) if filled else max(len(runs), self.size)
        due = size
        for place, epochs in enumerate(self.rungs[1:]):
            here = [run for found, run in places if found == place]
            beyond = sum(found > place for found, _ in places)
            if len(here) + beyond < due or any(run.state is RunState.RUNNING for run in here):
                return None
            paused = promotable(here)
            due = min(max(1, size // self.reduction ** (place + 1)), beyond + len(paused))
            if beyond < due:
                return Promote(best_of(paused).number, epochs)
        return None


class SuccessiveHalving:
    """Synchronous successive halving (Jamieson and Talwalkar 2016), in brackets of ``trials``.

    A rung's best ``1 / reduction`` go on when all of the rung are there. Rungs are ``epochs``, ``epochs / reduction``
    and so on, rounded down, as long as they have ``least`` epochs. By default there are as many trials as lead one to
    the last rung. A worker that would have to wait for the others of a rung begins the next bracket.
    """

    def __init__(self, *, epochs: int, least: int = 1, reduction: int = 3, trials: int | None = None) -> None:
        rungs = rungs_of(epochs, least, reduction)
        if trials is not None:
            check_whole("a fidelity's trials", trials, 2)
        self._bracket = _Bracket(reduction ** (len(rungs) - 1) if trials is None else trials, rungs, reduction)

    def next(self, runs: Sequence[Run], *, may_start: bool) -> Start | Promote | Wait:
        """A promotion of the earliest bracket that has one, else a new trial in the earliest that has room."""
        return _in_brackets(runs, lambda number: self._bracket, may_start=may_start)


class Hyperband:
    """Brackets of successive halving that begin at different rungs, in turn (Li et al. 2018).

    The first bracket begins many trials at the first rung, the last of a round trains a few to the end at once: a task
    whose first epochs say nothing of the last costs no more than a constant factor.
    """

    def __init__(self, *, epochs: int, least: int = 1, reduction: int = 3) -> None:
        rungs = rungs_of(epochs, least, reduction)
        count = len(rungs)
        self._round = tuple(
            _Bracket(-(-count * reduction ** (count - 1 - first) // (count - first)), rungs[first:], reduction)
            for first in range(count)
        )

    def next(self, runs: Sequence[Run], *, may_start: bool) -> Start | Promote | Wait:
        """A promotion of the earliest bracket that has one, else a new trial in the earliest that has room."""
        return _in_brackets(runs, lambda number: self._round[number % len(self._round)], may_start=may_start)


class ASHA:
    """Asynchronous successive halving (Li et al. 2020): no worker ever waits for a rung.

    A trial is promoted as soon as it is the best that waits at its rung and fewer than ``1 / reduction`` of those that
    came there were promoted; the highest such rung comes first. Unlike in the paper, a place among the promoted is
    not freed by better ones that come later, so that a rung never is larger than its share.
    """

    def __init__(self, *, epochs: int, least: int = 1, reduction: int = 3) -> None:
        self._rungs = rungs_of(epochs, least, reduction)
        self._reduction = reduction

    def next(self, runs: Sequence[Run], *, may_start: bool) -> Start | Promote | Wait:
        """A promotion at the highest rung that has one, else a new trial."""
        places = [(_place(run, self._rungs), run) for run in runs]
        for place in reversed(range(len(self._rungs) - 1)):
            beyond = sum(found > place for found, _ in places)
            here = [run for found, run in places if found == place and run.state is not RunState.RUNNING]
            paused = promotable(here)
            if paused and beyond < (beyond + len(here)) // self._reduction:
                return Promote(best_of(paused).number, self._rungs[place + 1])
        if may_start:
            return Start(0, self._rungs[0])
        return _rescue(runs, lambda bracket: self._rungs)


def rungs_of(epochs: int, least: int, reduction: int) -> tuple[int, ...]:
    """The epochs at which trials are compared, the last of them ``epochs``.

    Raises:
        UserError: a number is too small, or the numbers leave one rung, so that there is nothing to halve.
    """
    check_whole("a fidelity's epochs", epochs, 2)
    check_whole("a fidelity's least", least, 1)
    check_whole("a fidelity's reduction", reduction, 2)
    found = [epochs]
    while found[-1] // reduction >= least:
        found.append(epochs // reduction ** len(found))
    if len(found) == 1:
        raise UserError(
            f"a fidelity compares trials before their last epoch: epochs / reduction must be at least {least}, the"
            f" least that a trial is trained; got epochs={epochs}, reduction={reduction}"
        )
    return tuple(reversed(found))


def promotable(runs: Iterable[Run]) -> list[Run]:
    """Those that wait at their rung and did not fail."""
    return [run for run in runs if run.state is RunState.PAUSED and run.value is not None and isfinite(run.value)]


def best_of(runs: Iterable[Run]) -> Run:
    """The run of the highest value, among equals the earliest."""
    return max(runs, key=lambda run: (run.value, -run.number))


def _place(run: Run, rungs: tuple[int, ...]) -> int:
    """The rung that a run is at or on its way to, counted from 0."""
    last = len(rungs) - 1
    stopped = run.state is RunState.ENDED and run.value is not None and isfinite(run.value)
    if stopped:
        return min(sum(rung < run.epochs for rung in rungs), last)
    reached = sum(rung <= run.epochs for rung in rungs)
    return max(0, reached - 1) if run.state is RunState.PAUSED else min(reached, last)


def _in_brackets(
    runs: Sequence[Run], bracket_of: Callable[[int], _Bracket], *, may_start: bool
) -> Start | Promote | Wait:
    brackets: dict[int, list[Run]] = {}
    for run in runs:
        brackets.setdefault(run.bracket, []).append(run)
    for number in sorted(brackets):
        promotion = bracket_of(number).promotion(brackets[number], filled=not may_start)
        if promotion is not None:
            return promotion
    if not may_start:
        return _rescue(runs, lambda number: bracket_of(number).rungs)
    number = 0
    while len(brackets.get(number, ())) >= bracket_of(number).size:
        number += 1
    return Start(number, bracket_of(number).rungs[0])


def _rescue(runs: Sequence[Run], rungs_of_bracket: Callable[[int], tuple[int, ...]]) -> Promote | Wait:
    """The best of the highest rung, if no run was trained to the end and none is being trained."""
    running = any(run.state is RunState.RUNNING for run in runs)
    whole = [run for run in runs if run.epochs >= rungs_of_bracket(run.bracket)[-1]]
    trained = any(run.value is not None and isfinite(run.value) for run in whole)
    paused = promotable(runs)
    if running or trained or not paused:
        return Wait()
    highest = max(run.epochs for run in paused)
    run = best_of(run for run in paused if run.epochs == highest)
    return Promote(run.number, min(rung for rung in rungs_of_bracket(run.bracket) if rung > run.epochs))


FIDELITIES: Mapping[str, Callable[..., Fidelity]] = MappingProxyType(
    {
        "halving": SuccessiveHalving,
        "hyperband": Hyperband,
        "asha": ASHA,
    }
)
"""What makes each kind; ``epochs`` are a full training, the other keyword arguments are its options."""


def make_fidelity(name: str, *, epochs: int, **options: Any) -> Fidelity:
    """What divides the epochs of a study whose full training has ``epochs``.

    All take ``least`` epochs of the first rung (1) and ``reduction``, the share of a rung that goes on (3: a third).

    Raises:
        UserError: no kind or no option has that name, or the option does not take that value.
    """
    make = FIDELITIES.get(name)
    if make is None:
        raise UserError(f"a fidelity must be one of {', '.join(sorted(FIDELITIES))}; got {name!r}")
    check_known(f"fidelity {name}", (each for each in signature(make).parameters if each != "epochs"), options)
    return make(epochs=epochs, **options)
