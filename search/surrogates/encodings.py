"""Encodings of architectures for surrogates."""

from collections.abc import Callable, Iterator, Mapping
from math import exp, sqrt

import numpy as np

from archsmith.graph.graph import Graph
from archsmith.search.surrogates.surrogate import Features, Vocabulary
from archsmith.spaces.decisions import Decision, Label, Prefix, Space, Trace, replay
from archsmith.spaces.features import full, ngram_features, path_features, subtree_features
from archsmith.spaces.proposals import answer_trace
from archsmith.spaces.recipe import decided

NEAR = 1.0
"""Steps between two options of an ordered decision at which they have the likeness 1/e."""


NEGLIGIBLE = 1e-6
"""A likeness that counts as none."""


class Answers:
    """The answers of a trace; builds nothing. A decision that was not asked has no feature.

    One with options in no order gives a 1 for the option taken. One with ordered options gives numbers whose inner
    products are exp(-steps between / ``NEAR``): what is true of 32 channels is nearly true of 64. What a decision's
    options are is what they were where it was first met, in a trace that was told; before that they have no order.
    """

    def __init__(self) -> None:
        self._vocabulary = Vocabulary()
        self._places: dict[str, dict[Label, int]] = {}
        self._options: dict[str, tuple[Label, ...]] = {}
        self._features: dict[tuple[str, Label], Features] = {}

    def meet(self, space: Space, trace: Trace) -> bool:
        given = trace.as_dict()
        if given.keys() <= self._places.keys():
            return False

        def answer(decision: Decision, prefix: Prefix) -> Label:
            return given[decision.name]

        for decision in answer_trace(space, answer).asked:
            if decision.name not in self._places:
                ordered = decision.everywhere if decision.ordered else ()
                self._options[decision.name] = ordered
                self._places[decision.name] = {option: place for place, option in enumerate(ordered)}
        self._features.clear()
        return True

    def __call__(self, space: Space, trace: Trace) -> Features:
        if not trace.answers:
            return self._vocabulary.features({})
        parts = [self._features.get(answer) or self._of(*answer) for answer in trace.answers]
        columns = np.concatenate([part.columns for part in parts])
        return Features(self._vocabulary, columns, np.concatenate([part.values for part in parts]))

    def _of(self, name: str, label: Label) -> Features:
        place = self._places.get(name, {}).get(label)
        if place is None:
            values = {(name, label): 1.0}
        else:
            options = self._options[name]
            values = {(name, options[column]): value for column, value in _likeness(place)}
        found = self._features[name, label] = self._vocabulary.features(values)
        return found


def _likeness(place: int) -> Iterator[tuple[int, float]]:
    """A row of numbers for an option, with inner products exp(-steps / ``NEAR``) of two of them.

    It is that of the Cholesky factor of these likenesses, which are the covariance of an autoregression of order 1.
    """
    ratio = exp(-1 / NEAR)
    for column in range(place, -1, -1):
        value = ratio ** (place - column)
        if value < NEGLIGIBLE:
            return
        yield column, value * (sqrt(1 - ratio**2) if column else 1.0)


class Networks:
    """What a function says of the network, and the recipe of its training beside it; builds the network."""

    def __init__(self, features: Callable[[Graph], Mapping[str, float]]) -> None:
        self._vocabulary = Vocabulary()
        self._of_graph = features

    def meet(self, space: Space, trace: Trace) -> bool:
        return False

    def __call__(self, space: Space, trace: Trace) -> Features:
        graph = replay(space, trace).graph
        assert graph is not None  # searchers propose valid traces only
        recipe = dict.fromkeys(decided(trace.as_dict()).items(), 1.0)
        return self._vocabulary.features({**self._of_graph(graph), **recipe})


def ngrams(graph: Graph) -> dict[str, float]:
    """Counts of sequences of one to three operators, and of operators with their attributes.

    Negrinho and Gordon (2017) count the names of modules alone, which leaves a filter count invisible to the model.
    """
    return ngram_features(graph, 3) | ngram_features(graph, 1, word=full)


def subtrees(graph: Graph) -> dict[str, float]:
    """Weisfeiler and Leman's labels of up to two rounds, as NAS-BOWL takes them (Ru et al., ICLR 2021)."""
    return subtree_features(graph, rounds=2)


def paths(graph: Graph) -> dict[str, float]:
    """Which paths lead from input to output, as BANANAS takes them, and the operators with their attributes."""
    return path_features(graph, word=full) | ngram_features(graph, 1, word=full)
