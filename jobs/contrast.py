"""Whether one group of studies is better than another by more than chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

from archsmith.jobs.curves import Run

FEWEST = 5
"""Studies on both sides without which nothing is said about chance."""

FEWEST_PAIRS = 6
"""With fewer pairs a signed-rank test cannot come below 0.05, whatever they say."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """One group against another, both after as much was ``spent``.

    ``better`` is the share of pairs in which the study of the one is better, ties half: of the pairs of equal seed
    where studies are ``paired``, else of all pairs. ``p`` is the two-sided p-value of Wilcoxon's signed-rank test for
    pairs, else of Mann and Whitney's U test.
    """

    spent: float
    better: float
    paired: bool
    p: float


def contrast(ours: Sequence[Run], theirs: Sequence[Run], sign: int, last: float) -> Contrast | None:
    """Ours against theirs at the latest point that all studies of both have reached, and not after the ``last`` mark.

    ``sign`` turns values so that more is better. None if one side has too few studies to tell anything from chance.
    """
    if min(len(ours), len(theirs)) < FEWEST:
        return None
    spent = min(last, *(run.reach for run in (*ours, *theirs)))
    spent = spent if isfinite(spent) else max(run.spent for run in (*ours, *theirs))
    pairs = _by_seed(ours, theirs)
    paired = pairs is not None and all(run.at(spent) is not None for pair in pairs for run in pair)
    pairs = pairs if pairs is not None and paired else [(one, other) for one in ours for other in theirs]
    merits = [(_merit(one, spent, sign), _merit(other, spent, sign)) for one, other in pairs]
    better = sum((one > other) + (one == other) / 2 for one, other in merits) / len(merits)
    if paired:
        p = _signed_rank([one - other for one, other in merits])
    else:
        p = _rank_sum([_merit(run, spent, sign) for run in ours], [_merit(run, spent, sign) for run in theirs])
    return Contrast(spent, better, paired, p)


def _by_seed(ours: Sequence[Run], theirs: Sequence[Run]) -> list[tuple[Run, Run]] | None:
    """The studies of equal seeds; None unless each side has the same seeds, each once, and enough of them."""
    left, right = ({run.seed: run for run in side} for side in (ours, theirs))
    once = len(left) == len(ours) and len(right) == len(theirs)
    if not once or left.keys() != right.keys() or len(left) < FEWEST_PAIRS:
        return None
    return [(left[seed], right[seed]) for seed in left]


def _merit(run: Run, spent: float, sign: int) -> float:
    """The best so far, turned so that more is better; nothing is worse than to have none."""
    value = run.at(spent)
    return -inf if value is None else sign * value


def _signed_rank(differences: Sequence[float]) -> float:
    from scipy.stats import wilcoxon  # takes longer to import than all the rest of a comparison

    return float(wilcoxon(differences).pvalue) if any(differences) else 1.0


def _rank_sum(ours: Sequence[float], theirs: Sequence[float]) -> float:
    from scipy.stats import mannwhitneyu, rankdata

    ranks = [float(rank) for rank in rankdata([*ours, *theirs])]  # for a test of ranks no value is too large
    if len(set(ranks)) == 1:
        return 1.0
    return float(mannwhitneyu(ranks[: len(ours)], ranks[len(ours) :]).pvalue)
