"""Weight inheritance: from which earlier trial a new one takes the weights that fit."""

from collections.abc import Callable
from dataclasses import dataclass, field

from archsmith.spaces.decisions import Trace
from archsmith.spaces.variation import distance
from archsmith.storage.facts import TrialResult, TrialState


@dataclass(frozen=True, slots=True)
class Parent:
    """A complete trial whose weights were kept."""

    number: int
    trace: Trace
    graph: str
    weights: str


@dataclass(slots=True)
class Parents:
    """The trials of a study that others may inherit from."""

    _known: dict[int, Parent] = field(default_factory=dict)

    def note(self, number: int, trace: Trace, graph: str, result: TrialResult) -> None:
        """Take notice of a trial that has ended."""
        if result.state is TrialState.COMPLETE and result.weights is not None:
            self._known[number] = Parent(number, trace, graph, result.weights)

    def nearest(self, trace: Trace, found: Callable[[str], object]) -> Parent | None:
        """The one whose trace differs in the fewest decisions, of equals the first; None if there is none.

        ``found`` says of weights whether their file still stands.
        """
        there = [one for one in self._known.values() if found(one.weights)]
        return min(there, key=lambda one: (distance(one.trace, trace), one.number), default=None)

    def numbered(self, number: int) -> Parent | None:
        """The trial of that number, if it may be inherited from."""
        return self._known.get(number)
