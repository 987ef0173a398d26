"""What surrogates are fitted to: scores on a scale that a model can learn, whatever the unit of the objective."""

from collections.abc import Sequence

import numpy as np

from archsmith.search.history import Score
from archsmith.search.surrogates.surrogate import Array

WORST = -2.0
"""Below the median by twice the way from the median to the best: what is worse counts as this."""


def targets_of(scores: Sequence[Score | None]) -> Array:
    """A number for each score, of mean 0 and deviation 1, larger for better ones.

    The scale is that of the better half: the best is as far above the median as 1, and everything below ``WORST`` is
    as bad as that, since a search need not know how bad bad is and losses may span powers of ten. What breaks
    a constraint, or could not be measured, is ``WORST`` too.
    """
    allowed = np.array([score is not None and not score.violation for score in scores])
    # Halved, since the largest numbers differ by more than a number can be.
    good = np.array([score.value / 2 for score in scores if score is not None and not score.violation])
    found = np.full(len(scores), WORST)
    if len(good):
        best, median = float(good.max()), float(np.median(good))
        if median < best:
            found[allowed] = np.clip((good - median) / (best - median), WORST, 1.0)
        else:  # more than half are as good as the best
            found[allowed] = np.where(good < best, WORST, 1.0)
    centred: Array = found - found.mean()
    deviation = centred.std()
    return centred / deviation if deviation > 0 else centred
