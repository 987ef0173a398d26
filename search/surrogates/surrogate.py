"""What a model-based searcher asks of its model."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from archsmith.spaces.decisions import Space, Trace

Array = NDArray[np.float64]
Generator = np.random.Generator

Columns = NDArray[np.intp]


class Vocabulary:
    """The names of an encoding's features, each a column, in the order in which they were met."""

    def __init__(self) -> None:
        self._places: dict[Hashable, int] = {}
        self._words: list[str] = []

    def column(self, name: Hashable) -> int:
        """The column of a feature; a new one if the name is new."""
        place = self._places.setdefault(name, len(self._places))
        if place == len(self._words):
            self._words.append(repr(name))
        return place

    def features(self, values: Mapping[Any, float]) -> "Features":
        """Values by name as features."""
        columns = [self.column(name) for name in values]
        return Features(self, np.array(columns, np.intp), np.array(list(values.values()), np.float64))

    def sorted(self, columns: Columns) -> Columns:
        """The columns in an order that does not depend on when they were met."""
        return np.array(sorted(columns.tolist(), key=self._words.__getitem__), np.intp)

    def __len__(self) -> int:
        return len(self._words)


class Features(NamedTuple):
    """What is not 0 of an encoded architecture: columns of the vocabulary, and the values there."""

    vocabulary: Vocabulary
    columns: Columns
    values: Array


class Encoding(Protocol):
    """Architectures as features."""

    def meet(self, space: Space, trace: Trace) -> bool:
        """Learn what can be learnt from a trace that was told; whether anything is encoded otherwise from now on."""
        ...

    def __call__(self, space: Space, trace: Trace) -> Features:
        """The features of a trace's architecture; depends on nothing but the traces that were met."""
        ...


class Posterior(Protocol):
    """What a model believes of architectures, in the unit of the targets that it was given."""

    def predict(self, candidates: Sequence[Features]) -> tuple[Array, Array]:
        """Mean and standard deviation of each: two arrays ``[n]``."""
        ...

    def draw(self, candidates: Sequence[Features], rng: Generator) -> Array:
        """What one function is there out of those that are held possible, drawn by their probability: ``[n]``."""
        ...


class Learnt(Protocol):
    """A model after the part of fitting that is dear; it is kept while a few more architectures come in."""

    def believe(self, rows: Sequence[Features], targets: Array) -> Posterior:
        """The belief after ``targets`` ``[n]`` were seen at ``rows``, the later of which may be new."""
        ...


class Model(Protocol):
    """A regression that knows how uncertain it is."""

    def learn(self, rows: Sequence[Features], targets: Array, rng: Generator) -> Learnt:
        """Fit to ``targets`` ``[n]``, which have mean 0 and deviation 1, at two rows or more."""
        ...


class Matrix:
    """Features as rows of a matrix, whose columns are the features of the rows that it was made of."""

    def __init__(self, rows: Sequence[Features]) -> None:
        self._vocabulary = rows[0].vocabulary
        met = self._vocabulary.sorted(np.unique(np.concatenate([row.columns for row in rows])))
        self._width = len(met)
        self._place = np.full(len(self._vocabulary), -1)
        self._place[met] = np.arange(len(met))

    def rows(self, given: Sequence[Features]) -> Array:
        """``[len(given), columns]``; a feature without a column is left out: no model could know what it is worth."""
        filled = np.zeros((len(given), self._width))
        columns = np.concatenate([row.columns for row in given])
        values = np.concatenate([row.values for row in given])
        lines = np.repeat(np.arange(len(given)), [len(row.columns) for row in given])
        known = columns < len(self._place)  # the vocabulary may have grown since
        known[known] = self._place[columns[known]] >= 0
        filled[lines[known], self._place[columns[known]]] = values[known]
        return filled
