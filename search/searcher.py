"""What every searcher speaks."""

from collections.abc import Sequence
from random import Random
from typing import Protocol

from archsmith.spaces.decisions import Space, Trace

Values = float | Sequence[float] | None
"""The value of a trial, or one for each objective; None if it could not be measured (crashed, timed out, ...)."""


class Searcher(Protocol):
    """Proposes traces of any space and learns from their values; it knows nothing of what they mean.

    Its state is the fold of its tells: ``ask`` changes nothing, so a study is resumed by telling its history
    again, in the order of trial numbers. Values are to be maximised.
    """

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """A trace of a valid architecture. ``pending`` are proposals whose values are not known yet.

        It is neither pending nor told before, unless the space has no other.

        Raises:
            UserError: no architecture of the space is valid.
        """
        ...

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        """What came of a trace that was asked.

        ``violation`` says by how much it breaks the study's constraints, 0 if it meets them all. A value that is not
        finite counts as none.
        """
        ...
