"""Bayesian linear regression on features and on pairs of features, as the Gaussian process that it is.

With weights w_i ~ N(0, a) on features x_i and w_ij ~ N(0, b) on products of two features, the value of an architecture
has the covariance k(x, y) = a m + b (m^2 - q) / 2 with m = sum x_i y_i and q = sum (x_i y_i)^2: the sum over pairs
need not be formed (it is the second elementary symmetric polynomial; Duvenaud et al., NIPS 2011). So what it costs
depends on the architectures seen and not on the number of pairs: O(n^3 + n^2 p).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from archsmith.search.surrogates.surrogate import Array, Features, Generator, Matrix

SHARES = ((0.77, 0.23), (0.5, 0.5), (0.2, 0.8), (0.06, 0.94))
"""What part of the variance is that of the features and what part that of their pairs; the likelihood chooses."""

NOISES = (0.01, 0.05, 0.2, 0.6)
"""The variance of the noise, as a part of that of the values; the likelihood chooses."""

CONSTANT = 0.4
"""The prior variance of what all architectures have in common, as a part of that in which they differ."""

JITTER = 1e-6


class Scale(NamedTuple):
    """What the likelihood has chosen: the parts of features, pairs and noise, and the variance of the values."""

    own: float
    pairs: float
    noise: float
    variance: float


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Bayesian linear regression on features, and on their pairs too where ``pairs``.

    The parts of features, pairs and noise are those of a grid under which the targets are likeliest, at the variance
    that is best for each.
    """

    pairs: bool = True

    def learn(self, rows: Sequence[Features], targets: Array, rng: Generator) -> "LearntGaussian":
        matrix = Matrix(rows).rows(rows)
        found: list[tuple[float, Scale]] = []
        for own, pairs in SHARES if self.pairs else ((1.0, 0.0),):
            covariance = _Covariance.of(matrix, own, pairs).between(matrix, matrix)
            found += [_likelihood(covariance, targets, Scale(own, pairs, noise, 1.0)) for noise in NOISES]
        return LearntGaussian(max(found, key=lambda entry: entry[0])[1])


@dataclass(frozen=True, slots=True)
class LearntGaussian:
    """The process with its scale; architectures that come in are taken in exactly."""

    scale: Scale

    def believe(self, rows: Sequence[Features], targets: Array) -> "GaussianPosterior":
        matrix = Matrix(rows)
        seen = matrix.rows(rows)
        covariance = _Covariance.of(seen, self.scale.own, self.scale.pairs)
        root = _root(covariance.between(seen, seen), self.scale.noise)
        return GaussianPosterior(self.scale, matrix, seen, covariance, root, cho_solve((root, True), targets))


@dataclass(frozen=True, slots=True)
class GaussianPosterior:
    """What the process believes after ``seen``; ``root`` is the Cholesky factor of their covariance with noise."""

    scale: Scale
    matrix: Matrix
    seen: Array
    covariance: "_Covariance"
    root: Array
    weights: Array

    def predict(self, candidates: Sequence[Features]) -> tuple[Array, Array]:
        rows = self.matrix.rows(candidates)
        mean, explained = self._given(rows)
        left = np.maximum(self.covariance.at(rows) - np.square(explained).sum(axis=0), JITTER)
        return mean, np.sqrt(self.scale.variance * left)

    def draw(self, candidates: Sequence[Features], rng: Generator) -> Array:
        rows = self.matrix.rows(candidates)
        mean, explained = self._given(rows)
        left = self.covariance.between(rows, rows) - explained.T @ explained
        noise: Array = _root(left, JITTER) @ rng.standard_normal(len(rows))
        drawn: Array = mean + np.sqrt(self.scale.variance) * noise
        return drawn

    def _given(self, rows: Array) -> tuple[Array, Array]:
        """The mean at each row, and the part of its deviation that the seen ones explain: ``[n]`` and ``[seen, n]``."""
        towards = self.covariance.between(self.seen, rows)
        mean: Array = towards.T @ self.weights
        explained: Array = solve_triangular(self.root, towards, lower=True, check_finite=False)
        return mean, explained


@dataclass(frozen=True, slots=True)
class _Covariance:
    """The kernel, in a unit in which the architectures seen have a variance of 1 on average, apart from the constant.

    ``own`` and ``pairs`` are the variances of the two kinds of weights in that unit.
    """

    own: float
    pairs: float

    @staticmethod
    def of(seen: Array, own: float, pairs: float) -> "_Covariance":
        lengths = np.square(seen).sum(axis=1)
        crossed = (np.square(lengths) - np.square(np.square(seen)).sum(axis=1)) / 2
        return _Covariance(own / max(lengths.mean(), JITTER), pairs / max(crossed.mean(), JITTER))

    def between(self, some: Array, others: Array) -> Array:
        """``[len(some), len(others)]``."""
        inner: Array = some @ others.T
        found = self.own * inner
        if self.pairs:
            found += self.pairs / 2 * (np.square(inner) - np.square(some) @ np.square(others).T)
        return found + CONSTANT

    def at(self, rows: Array) -> Array:
        """The variance at each row: ``[n]``."""
        lengths = np.square(rows).sum(axis=1)
        crossed: Array = (np.square(lengths) - np.square(np.square(rows)).sum(axis=1)) / 2
        found: Array = self.own * lengths + self.pairs * crossed + CONSTANT
        return found


def _likelihood(covariance: Array, targets: Array, scale: Scale) -> tuple[float, Scale]:
    """The marginal likelihood's logarithm, up to a constant, and the scale with the variance that is best for it."""
    root = _root(covariance, scale.noise)
    white = solve_triangular(root, targets, lower=True, check_finite=False)
    variance = max(float(white @ white) / len(targets), JITTER)
    return -0.5 * len(targets) * np.log(variance) - float(np.log(np.diag(root)).sum()), scale._replace(
        variance=variance
    )


def _root(covariance: Array, noise: float) -> Array:
    """The lower Cholesky factor with ``noise`` on the diagonal."""
    found: Array = cholesky(covariance + noise * np.eye(len(covariance)), lower=True, check_finite=False)
    return found
