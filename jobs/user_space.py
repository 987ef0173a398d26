"""A user's space, as a study sees it.

Its own code runs at every walk, and what it raises is said as the user's mistake. What was measured of it is known by
the digests in the store, so that a resumed study builds none of it again.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from traceback import extract_tb

from archsmith.graph.book import RuleBook
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Graph
from archsmith.spaces.books import book_in
from archsmith.spaces.decisions import Answer, Label, Space, Steps, Trace, Walked
from archsmith.spaces.identity import Identity
from archsmith.spaces.proposals import answer_trace, draw_trace, identity_of, mutate_trace, uniform_draw
from archsmith.spaces.recipe import Recipe, recipe_in


@dataclass(frozen=True, slots=True)
class UserSpace:
    """The same space; ``given`` is what the user calls it."""

    space: Space
    given: str
    _remembered: dict[frozenset[tuple[str, Label]], Hashable] = field(default_factory=dict, repr=False, compare=False)

    @property
    def recipe(self) -> Recipe:
        """That of the space, if it has one."""
        return recipe_in(self.space)

    @property
    def book(self) -> RuleBook:
        """That of the space, or the declared one."""
        return book_in(self.space)

    def walk(self) -> Steps[Graph]:
        with explained(self.given, "a walk of its space"):
            return (yield from self.space.walk())

    def draw(self, rng: Random) -> Trace:
        with explained(self.given, "a walk of its space"):
            return draw_trace(self.space, rng)

    def mutated(self, trace: Trace, rng: Random) -> Trace:
        with explained(self.given, "a walk of its space"):
            return mutate_trace(self.space, trace, rng)

    def answered(self, answer: Answer) -> Walked:
        with explained(self.given, "a walk of its space"):
            return answer_trace(self.space, answer)

    def uniform(self) -> Callable[[Random], Trace]:
        with explained(self.given, "a walk of its space"):
            draw = uniform_draw(self.space)
        return lambda rng: self._drawn(draw, rng)

    def _drawn(self, draw: Callable[[Random], Trace], rng: Random) -> Trace:
        with explained(self.given, "a walk of its space"):
            return draw(rng)

    def identity(self, trace: Trace) -> Hashable:
        known = self._remembered.get(frozenset(trace.answers))
        return self._identified(trace) if known is None else known

    def _identified(self, trace: Trace) -> Hashable:
        with explained(self.given, "a walk of its space"):
            return identity_of(self.space, trace)

    def remember(self, trace: Trace, graph: str) -> Hashable:
        """The identity of a trace of which the digest of its graph is known, as that of a trial in the store.

        Its network is not built then, neither now nor to compare it with others, and it is not asked for again.
        """
        found = self._identified(trace)
        if isinstance(found, Identity):
            found.known = graph
        self._remembered[frozenset(trace.answers)] = found
        return found

    def text(self) -> str:
        with explained(self.given, "its space's text()"):
            return self.space.text()


@contextmanager
def explained(given: str, what: str) -> Iterator[None]:
    """A block in which the user's own code runs; ``what`` says for what, ``given`` what the user calls it."""
    try:
        yield
    except (UserError, Infeasible):
        raise
    except Exception as error:  # the user's own code: whatever it raises is reported as its mistake
        place = extract_tb(error.__traceback__)[-1]
        said = " ".join(str(error).split())
        where = f"{place.filename}:{place.lineno}"
        raise UserError(f"{given}: {what} raised {type(error).__name__}: {said} ({where})") from error
