"""What every searcher speaks."""

from collections.abc import Sequence
from random import Random
from typing import Protocol

from archsmith.spaces.decisions import Space, Trace


class Searcher(Protocol):
    """Proposes traces of any space and learns from their values; it knows nothing of what they mean.

    Its state is the fold of its tells: ``ask`` changes nothing, so a study is resumed by telling its history
    again, in the order of trial numbers. Values are to be maximised.
    """

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """A trace of a valid architecture. ``pending`` are proposals whose values are not known yet.

        Raises:
            UserError: no architecture of the space is valid.
        """
        ...

    def tell(self, trace: Trace, value: float | None) -> None:
        """The value of a trace that was asked; None if it could not be measured (crashed, timed out, ...)."""
        ...
