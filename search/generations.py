"""Generations of trials that are asked and told one by one, in any order and while others are pending."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from archsmith.search.history import History, Told

Select = Callable[[Sequence[Told]], list[int]]
"""The places of those that survive, the best first."""


@dataclass(slots=True)
class Generations:
    """The first generation is the first ``first`` trials with a score; each further one adds the next ``each`` told.

    After every one of them ``select`` says who survives. That depends on nothing but the order of what was told, so a
    resumed search has the same generations; they are kept, because to find them all again would take the longer the
    more there are.
    """

    first: int
    each: int
    select: Select
    _ends: list[int] = field(default_factory=list)
    _survivors: list[list[int]] = field(default_factory=list)

    def retell(self, place: int) -> None:
        """What was told of the trial at that place is told anew, and with it every generation since."""
        while self._ends and self._ends[-1] > place:
            self._ends.pop()
            self._survivors.pop()

    def parents(self, history: History, pending: int) -> list[Told]:
        """The survivors of the last full generation, the best first; none as long as the first is to be drawn.

        Where proposals that are pending would fill the first generation, those that have a score are the parents.
        """
        if not self._ends:
            self._begin(history)
        while self._ends and self._ends[-1] + self.each <= len(history.trials):
            end = self._ends[-1] + self.each
            born = [place for place in range(self._ends[-1], end) if history.trials[place].score is not None]
            self._close(history, end, [*self._survivors[-1], *born])
        if self._ends:
            return [history.trials[place] for place in self._survivors[-1]]
        measured = history.measured()
        if len(measured) + pending < self.first:
            return []
        return [measured[place] for place in self.select(measured)]

    def _begin(self, history: History) -> None:
        measured = [place for place, trial in enumerate(history.trials) if trial.score is not None]
        if len(measured) >= self.first:
            self._close(history, measured[self.first - 1] + 1, measured[: self.first])

    def _close(self, history: History, end: int, members: list[int]) -> None:
        kept = self.select([history.trials[place] for place in members])
        self._ends.append(end)
        self._survivors.append([members[place] for place in kept])
