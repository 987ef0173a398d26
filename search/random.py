"""Random search: the searcher that every other one has to beat (Bergstra & Bengio 2012)."""

from collections.abc import Sequence
from random import Random

from archsmith.search.unseen import Known, known, unseen
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.sampling import sample


class RandomSearch:
    """Every option of every decision equally likely, without repeating an architecture's trace."""

    def __init__(self) -> None:
        self._told: Known = {}

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """A random trace that was neither told nor is pending, as long as the space has one."""
        return unseen(space, lambda: sample(space, rng), self._told | known(pending), rng)

    def tell(self, trace: Trace, value: float | None) -> None:
        """Notes that the trace is known; its value changes nothing."""
        self._told |= known([trace])
