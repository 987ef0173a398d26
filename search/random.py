"""Random search: the searcher that every other one has to beat (Bergstra & Bengio 2012)."""

from collections.abc import Callable, Sequence
from random import Random

from archsmith.graph.errors import UserError
from archsmith.search.history import History
from archsmith.search.options import check_word
from archsmith.search.searcher import Values
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.proposals import draw_trace, uniform_draw

CHANCES = ("decisions", "architectures")


class RandomSearch:
    """One random trace after another, without repeating an architecture.

    With ``over`` decisions, every option of every decision is as likely as its weight. With ``over`` architectures
    every trace of the space is equally likely, whatever its weights: that favours large branches, where the other
    favours small ones. The space has to be counted for it.
    """

    def __init__(self, *, over: str = "decisions") -> None:
        check_word("random search's over", over, CHANCES)
        self._uniform = over == "architectures"
        self._counted: tuple[Space, Callable[[Random], Trace]] | None = None
        self._history = History()

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """A random trace that was neither told nor is pending, as long as the space has one.

        Raises:
            UserError: no architecture of the space is valid, or it cannot be counted and should be.
        """
        draw = self._draw(space) if self._uniform else lambda rng: draw_trace(space, rng)
        return self._history.unseen(space, lambda: draw(rng), pending, rng)

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        """Notes that the trace is known; its value changes nothing."""
        self._history.add(trace, values, violation)

    def _draw(self, space: Space) -> Callable[[Random], Trace]:
        if self._counted is None or self._counted[0] is not space:
            try:
                self._counted = space, uniform_draw(space)
            except UserError as reason:
                raise UserError(f"{reason}; random search needs no count over='decisions'") from None
        return self._counted[1]
