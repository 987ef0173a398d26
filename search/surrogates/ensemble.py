"""An ensemble of small neural networks, whose disagreement is the uncertainty (BANANAS: White et al., AAAI 2021)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from archsmith.search.surrogates.surrogate import Array, Features, Generator, Matrix

LEAST_DEVIATION = 1e-3


@dataclass(frozen=True, slots=True)
class Ensemble:
    """``members`` networks of two hidden layers of ``width``, each begun elsewhere and fitted to all architectures.

    The paper's are deeper and trained by Adam; at a few hundred architectures a quasi-Newton method (L-BFGS) fits
    small ones in a fraction of the time.
    """

    members: int = 4
    width: int = 16
    iterations: int = 60

    def learn(self, rows: Sequence[Features], targets: Array, rng: Generator) -> "FittedEnsemble":
        from sklearn.exceptions import ConvergenceWarning  # a second to import, for those who want an ensemble
        from sklearn.neural_network import MLPRegressor

        matrix = Matrix(rows)
        seen = matrix.rows(rows)
        members = [
            MLPRegressor(
                hidden_layer_sizes=(self.width, self.width),
                activation="tanh",
                solver="lbfgs",
                alpha=0.3,
                max_iter=self.iterations,
                random_state=int(rng.integers(1 << 31)),
            )
            for _ in range(self.members)
        ]
        with catch_warnings():
            simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose
            return FittedEnsemble(matrix, [member.fit(seen, targets) for member in members])


@dataclass(frozen=True, slots=True)
class FittedEnsemble:
    """Networks as they were fitted; they learn of more architectures when they are fitted anew."""

    matrix: Matrix
    members: Sequence[Any]

    def believe(self, rows: Sequence[Features], targets: Array) -> "FittedEnsemble":
        return self

    def predict(self, candidates: Sequence[Features]) -> tuple[Array, Array]:
        told = self._told(candidates)
        return told.mean(axis=0), np.maximum(told.std(axis=0), LEAST_DEVIATION)

    def draw(self, candidates: Sequence[Features], rng: Generator) -> Array:
        """What one member says, drawn for each candidate by itself (independent Thompson sampling, as in the paper)."""
        told = self._told(candidates)
        drawn: Array = told[rng.integers(len(told), size=len(candidates)), np.arange(len(candidates))]
        return drawn

    def _told(self, candidates: Sequence[Features]) -> Array:
        """What each member says of each candidate: ``[members, n]``."""
        rows = self.matrix.rows(candidates)
        return np.stack([member.predict(rows) for member in self.members])
