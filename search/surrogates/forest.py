"""Random forests: SMAC's surrogate (Hutter et al. 2011), at home where decisions depend on others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from archsmith.search.surrogates.surrogate import Array, Features, Generator, Matrix

LEAST_DEVIATION = 1e-3


@dataclass(frozen=True, slots=True)
class Forest:
    """A forest of ``trees`` randomised trees (Geurts et al. 2006), whose disagreement is the uncertainty."""

    trees: int = 24

    def learn(self, rows: Sequence[Features], targets: Array, rng: Generator) -> "GrownForest":
        from sklearn.ensemble import ExtraTreesRegressor  # a second to import, for those who want a forest

        matrix = Matrix(rows)
        forest = ExtraTreesRegressor(
            self.trees,
            min_samples_split=4,
            max_features=0.7,
            bootstrap=True,
            random_state=int(rng.integers(1 << 31)),
        )
        forest.fit(matrix.rows(rows), targets)
        return GrownForest(matrix, [tree.tree_ for tree in forest.estimators_])


@dataclass(frozen=True, slots=True)
class GrownForest:
    """A forest as it was grown; it learns of more architectures when it is grown anew."""

    matrix: Matrix
    trees: Sequence[Any]

    def believe(self, rows: Sequence[Features], targets: Array) -> "GrownForest":
        return self

    def predict(self, candidates: Sequence[Features]) -> tuple[Array, Array]:
        told = self._told(candidates)
        return told.mean(axis=0), np.maximum(told.std(axis=0), LEAST_DEVIATION)

    def draw(self, candidates: Sequence[Features], rng: Generator) -> Array:
        """A bootstrap sample of the trees: one tree alone is a function of a few values, and ties."""
        told = self._told(candidates)
        mean: Array = told[rng.integers(len(told), size=max(2, len(told) // 8))].mean(axis=0)
        return mean

    def _told(self, candidates: Sequence[Features]) -> Array:
        """What each tree says of each candidate: ``[trees, n]``."""
        rows = self.matrix.rows(candidates).astype(np.float32)
        return np.stack([tree.predict(rows)[:, 0] for tree in self.trees])
