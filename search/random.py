"""Random search: the searcher that every other one has to beat (Bergstra & Bengio 2012)."""

from collections.abc import Sequence
from random import Random

from archsmith.search.history import History
from archsmith.search.searcher import Values
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.proposals import draw_trace


class RandomSearch:
    """Every option of every decision equally likely, without repeating an architecture."""

    def __init__(self) -> None:
        self._history = History()

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """A random trace that was neither told nor is pending, as long as the space has one."""
        return self._history.unseen(space, lambda: draw_trace(space, rng), pending, rng)

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        """Notes that the trace is known; its value changes nothing."""
        self._history.add(trace, values, violation)
