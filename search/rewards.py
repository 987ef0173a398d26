"""Values of any scale as rewards from 0 to 1: by their rank among all that was told."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf, log

from archsmith.search.history import Told

Rank = tuple[float, float]

FAILED: Rank = (-inf, -inf)


@dataclass(slots=True)
class Rewards:
    """Exponential scores of ranks (Savage 1956): a loss of 1e7 among others of 1e-5 is the last, and no more.

    With r the share of trials that are worse, equal ones counted half, the reward of n trials is
    ``-log(1 - r + 1 / (2 n)) / log(2 n)``. The best trials lie far apart and the bad ones close together, which is
    what the search for the best leaf needs. What failed is worse than all that did not.
    """

    ranks: list[Rank] = field(default_factory=list)

    @staticmethod
    def among(trials: Iterable[Told]) -> "Rewards":
        """Those of trials that are ranked among themselves."""
        return Rewards(sorted(map(rank_of, trials)))

    def added(self, trial: Told) -> float:
        """Add a trial; gives the reward that it has among all that were added so far."""
        insort(self.ranks, rank_of(trial))
        return self.of(trial)

    def of(self, trial: Told) -> float:
        """The reward of a trial that was added."""
        rank, count = rank_of(trial), len(self.ranks)
        worse = (bisect_left(self.ranks, rank) + bisect_right(self.ranks, rank)) / (2 * count)
        return -log(1 - worse + 1 / (2 * count)) / log(2 * count)


def rank_of(trial: Told) -> Rank:
    return FAILED if trial.score is None else trial.score.rank
