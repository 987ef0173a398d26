"""Ridge regression over traits that each trial has or has not, in time that grows with their number alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

NOISE = 1.0
"""How much of a target is taken for chance, where weights of a prior as large explain the rest."""

STEPS = 10
"""Of conjugate gradients: what is left by then is mostly noise."""

NOTHING = 1e-12
"""Squares left that are as good as none."""


def ridge(traits: Sequence[Array], prior: Array, targets: Array) -> Array:
    """A weight for each trait, so that those of a trial's ``traits`` (their places) come near its target in sum.

    ``prior`` is how much weight each trait is thought to have: the variance of a Gaussian around zero. The dual problem
    (Saunders et al. 1998) is solved by conjugate gradients (Hestenes & Stiefel 1952), which are stopped early.
    """
    flat = np.concatenate(traits)
    rows = np.repeat(np.arange(len(traits)), [len(places) for places in traits])

    def weights(shares: Array) -> Array:
        return prior * np.bincount(flat, shares[rows], len(prior))

    shares, residual, direction = np.zeros(len(traits)), targets, targets
    left = float(residual @ residual)
    for _ in range(STEPS):
        if left < NOTHING:
            break
        image = np.bincount(rows, weights(direction)[flat], len(traits)) + NOISE * direction
        step = left / float(direction @ image)
        shares, residual = shares + step * direction, residual - step * image
        left, before = float(residual @ residual), left
        direction = residual + left / before * direction
    return weights(shares)
