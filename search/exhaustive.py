"""Exhaustive search: every architecture of a space once."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from archsmith.search.history import History
from archsmith.search.searcher import Values
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.proposals import draw_trace


class ExhaustiveSearch:
    """First options first; the last decision changes fastest.

    What was told before is passed over, so a whole study walks the space once.
    """

    def __init__(self) -> None:
        self._history = History()
        self._course: _Course | None = None

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """The first architecture that was neither told nor is pending; a random one again, once there is no other."""
        if self._course is None or self._course.space is not space:
            self._course = _Course(space)
        waiting = {self._history.identity(space, trace) for trace in pending}
        for trace in self._course.untold(self._history):
            if self._history.identity(space, trace) not in waiting:
                return trace
        return self._history.unseen(space, lambda: draw_trace(space, rng), pending, rng)

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        """Notes that the trace is known; its value changes nothing."""
        self._history.add(trace, values, violation)


@dataclass(slots=True)
class _Course:
    """A walk through a space as far as it was needed; ``_waiting`` are those passed that were not told by then."""

    space: Space
    _waiting: deque[Trace] = field(default_factory=deque)
    _onward: Iterator[Trace] | None = None

    def untold(self, history: History) -> Iterator[Trace]:
        """The traces of architectures that were not told, in order."""
        while self._waiting and history.knows(self.space, self._waiting[0]):
            self._waiting.popleft()
        yield from (trace for trace in self._waiting if not history.knows(self.space, trace))
        if self._onward is None:
            self._onward = (found.trace for found in architectures(self.space))
        for trace in self._onward:
            if not history.knows(self.space, trace):
                self._waiting.append(trace)
                yield trace
