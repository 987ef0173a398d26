"""Regularized evolution (Real et al. 2019): mutation, tournaments and death of old age."""

from collections import deque
from collections.abc import Sequence
from math import isnan
from random import Random
from typing import NamedTuple

from archsmith.graph.errors import UserError
from archsmith.search.unseen import Known, known, unseen
from archsmith.spaces.decisions import Derivation, Space, Trace
from archsmith.spaces.sampling import mutate, sample


class Member(NamedTuple):
    """A trace whose value was told."""

    trace: Trace
    value: float


class RegularizedEvolution:
    """Mutates the best of a few members of a population in which the oldest dies, however good it was.

    A child is one mutation of the best of ``tournament`` members, drawn with replacement as in the paper. The
    paper's sizes (100 and 25) are for thousands of trials; the defaults suit studies of fifty and more.
    """

    def __init__(self, *, population: int = 16, tournament: int = 5) -> None:
        _check("population", population, 2, None)
        _check("tournament", tournament, 1, population)
        self._size = population
        self._tournament = tournament
        self._population: deque[Member] = deque()
        self._told: Known = {}

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """A random trace until ``population`` of them were told or are pending; a child from then on."""
        seen = self._told | known(pending)
        starting = len(self._population) + len(pending) < self._size
        if starting or not self._population:
            return unseen(space, lambda: sample(space, rng), seen, rng)
        return unseen(space, lambda: self._child(space, rng), seen, rng)

    def tell(self, trace: Trace, value: float | None) -> None:
        """Adds a member, whereupon the oldest dies; a trace that could not be measured never is a member."""
        if value is not None and isnan(value):
            raise ValueError("a told value must be a number, or None where there is none; got nan")
        self._told |= known([trace])
        if value is not None:
            self._population.append(Member(trace, value))
        if len(self._population) > self._size:
            self._population.popleft()

    def _child(self, space: Space, rng: Random) -> Derivation:
        drawn = rng.choices(self._population, k=self._tournament)
        return mutate(space, max(drawn, key=lambda member: member.value).trace, rng)


def _check(name: str, given: object, least: int, most: int | None) -> None:
    whole = isinstance(given, int) and not isinstance(given, bool)
    if not whole or given < least or (most is not None and given > most):  # type: ignore[operator]
        demand = f"of at least {least}" if most is None else f"from {least} to the population's {most}"
        raise UserError(f"evolution's {name} must be an integer {demand}; got {given!r}")
