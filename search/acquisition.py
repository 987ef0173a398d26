"""How candidates are ranked by what a surrogate believes of them."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from scipy.special import ndtr

from archsmith.search.surrogates.surrogate import Array, Features, Generator, Posterior

Acquisition = Callable[[Posterior, Sequence[Features], float, Generator], Array]
"""A number for each candidate, larger for those worth more; given the largest target that is believed of those seen."""

OPTIMISM = 1.0
"""Standard deviations above the mean that the upper confidence bound looks."""


def upper_bound(belief: Posterior, candidates: Sequence[Features], best: float, rng: Generator) -> Array:
    """The mean and ``OPTIMISM`` standard deviations (GP-UCB: Srinivas et al. 2010)."""
    mean, deviation = belief.predict(candidates)
    return mean + OPTIMISM * deviation


def thompson(belief: Posterior, candidates: Sequence[Features], best: float, rng: Generator) -> Array:
    """One of the functions that are held possible (Thompson 1933)."""
    return belief.draw(candidates, rng)


def expected_improvement(belief: Posterior, candidates: Sequence[Features], best: float, rng: Generator) -> Array:
    """By how much a candidate is above ``best`` on average, where below counts as nothing (Jones et al. 1998)."""
    mean, deviation = belief.predict(candidates)
    ahead = (mean - best) / deviation
    density = np.exp(-0.5 * np.square(ahead)) / np.sqrt(2 * np.pi)
    gain: Array = deviation * (ahead * ndtr(ahead) + density)
    return gain


def mean(belief: Posterior, candidates: Sequence[Features], best: float, rng: Generator) -> Array:
    """The mean alone, as DeepArchitect's SMBO has it (Negrinho & Gordon 2017)."""
    return belief.predict(candidates)[0]


ACQUISITIONS: Mapping[str, Acquisition] = MappingProxyType(
    {"ucb": upper_bound, "thompson": thompson, "ei": expected_improvement, "mean": mean}
)
"""The acquisitions by the names that studies know them by."""
