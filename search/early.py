"""Stopping a trial while it is trained, by its learning curve and those of others.

A curve has the value after every epoch from the first, to be maximised.
"""

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from math import erfc, isfinite, sqrt
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from archsmith.graph.errors import UserError
from archsmith.search.options import check_known, check_whole

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

Curve = Sequence[float]


class StoppingRule(Protocol):
    """Decides whether a trial that is being trained is worth its remaining epochs."""

    def stops(self, curve: Curve, others: Sequence[Curve]) -> bool:
        """Whether to stop the trial of this ``curve``; ``others`` are those of other trials, ended or running."""
        ...


class MedianRule:
    """Stops a trial whose best value so far is below the median of the others' (Golovin et al. 2017, Vizier).

    The others count with the mean of their values up to the same epoch, if they came that far. A trial is left alone
    before epoch ``least`` and while fewer than ``others`` came that far.
    """

    def __init__(self, *, epochs: int, least: int = 2, others: int = 5) -> None:
        check_whole("early stopping's epochs", epochs, 1)
        check_whole("early stopping's least", least, 1)
        check_whole("early stopping's others", others, 1)
        self._epochs, self._least, self._others = epochs, least, others

    def stops(self, curve: Curve, others: Sequence[Curve]) -> bool:
        """Never after the last epoch, nor where a value of the curve is not finite."""
        length = len(curve)
        if not self._least <= length < self._epochs or not _finite(curve):
            return False
        # Divided first: a sum of the largest numbers overflows.
        means = [
            sum(value / length for value in other[:length])
            for other in others
            if len(other) >= length and _finite(other[:length])
        ]
        return len(means) >= self._others and max(curve) < median(means)


class CurveRule:
    """Stops a trial that will hardly come up to the best, by extrapolating its curve (Domhan et al. 2015).

    Curves are taken to be ``c - a * e**-r`` (pow3) or ``c - a * exp(-r * e)`` (exp3) of the epoch e, with normal noise.
    Bayesian least squares give c and a for every rate r and noise on a grid; how well each explains the curve is its
    weight in the prediction. A trial is stopped when its last value is below that of the best completed trial with at
    least ``probability``; never before epoch ``least``.
    """

    def __init__(self, *, epochs: int, least: int = 6, probability: float = 0.95) -> None:
        check_whole("early stopping's epochs", epochs, 1)
        check_whole("early stopping's least", least, 3)
        number = isinstance(probability, int | float) and not isinstance(probability, bool)
        if not number or not 0.5 <= probability < 1:
            raise UserError(f"early stopping's probability must be at least 0.5 and below 1; got {probability!r}")
        self._epochs, self._least, self._probability = epochs, least, probability

    def stops(self, curve: Curve, others: Sequence[Curve]) -> bool:
        """Never while no other trial is complete, nor where a value of the curve is not finite."""
        finals = [other[self._epochs - 1] for other in others if len(other) >= self._epochs]
        best = max(filter(isfinite, finals), default=None)
        if best is None or not self._least <= len(curve) < self._epochs or not _finite(curve):
            return False
        return probability_below(best, curve, self._epochs) >= self._probability


def probability_below(bound: float, curve: Curve, epochs: int) -> float:
    """How probably the curve's value at epoch ``epochs`` is below the bound, by all that ``CurveRule`` fits.

    The curve has at least two values, all finite.
    """
    import numpy as np

    rise = max(curve) - min(curve)
    if rise == 0:
        return float(curve[-1] < bound)
    # In units of the rise so far, from the last value: the grids below suit curves of any scale.
    values = (np.asarray(curve, dtype=float) - curve[-1]) / rise
    weights, means, deviations = _predictions(values, epochs)
    apart = ((bound - curve[-1]) / rise - means) / deviations
    return float(sum(w * erfc(-z / sqrt(2)) / 2 for w, z in zip(weights.tolist(), apart.tolist(), strict=True)))


PRIOR = 4.0
"""The deviation of asymptote and amplitude before anything is seen, in units of the rise so far."""


def _predictions(values: "Array", epochs: int) -> "tuple[Array, Array, Array]":
    """Of every model on the grid: its weight, and the mean and the deviation of what it predicts at the end."""
    import numpy as np

    noises = np.geomspace(0.003, 0.5, 12)
    at = np.arange(1, len(values) + 1)
    shapes = _shapes(at)  # [models, points]
    design = np.stack([np.ones_like(shapes), -shapes], axis=2)
    last = np.stack([np.ones(len(shapes)), -_shapes(np.array([epochs]))[:, 0]], axis=1)
    found = []
    for noise in noises:
        precision = design.swapaxes(1, 2) @ design / noise**2 + np.eye(2) / PRIOR**2
        covariance = np.linalg.inv(precision)
        middle = (covariance @ (design.swapaxes(1, 2) @ values / noise**2)[:, :, None])[:, :, 0]
        residuals = values - (design @ middle[:, :, None])[:, :, 0]
        fit = (residuals**2).sum(axis=1) / noise**2 + (middle**2).sum(axis=1) / PRIOR**2
        evidence = -0.5 * (fit + np.linalg.slogdet(precision)[1]) - len(values) * np.log(noise)
        spread = np.einsum("mi,mij,mj->m", last, covariance, last) + noise**2
        found.append((evidence, (last * middle).sum(axis=1), np.sqrt(spread)))
    evidence, means, deviations = (np.concatenate(part) for part in zip(*found, strict=True))
    weights = np.exp(evidence - evidence.max())
    return weights / weights.sum(), means, deviations


def _shapes(at: "Array") -> "Array":
    """What is left to learn at these epochs ``[models, epochs]``, 1 at epoch 1, for every kind and rate."""
    import numpy as np

    powers = np.geomspace(0.1, 3, 16)[:, None]
    rates = np.geomspace(0.01, 2, 16)[:, None]
    return np.concatenate([at**-powers, np.exp(-rates * (at - 1))])


def _finite(curve: Curve) -> bool:
    return all(map(isfinite, curve))


RULES: Mapping[str, Callable[..., StoppingRule]] = MappingProxyType(
    {
        "median": MedianRule,
        "curve": CurveRule,
    }
)
"""What makes each rule; ``epochs`` are a full training, the other keyword arguments are its options."""


def make_rule(name: str, *, epochs: int, **options: Any) -> StoppingRule:
    """The rule of that name for trials whose full training has ``epochs``.

    Raises:
        UserError: no rule or no option has that name, or the option does not take that value.
    """
    make = RULES.get(name)
    if make is None:
        raise UserError(f"early stopping must be one of {', '.join(sorted(RULES))}; got {name!r}")
    check_known(f"early stopping by {name}", (each for each in signature(make).parameters if each != "epochs"), options)
    return make(epochs=epochs, **options)
