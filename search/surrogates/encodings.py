"""Encodings of architectures for surrogates."""

from collections.abc import Callable, Mapping
from math import exp, sqrt

import numpy as np

from archsmith.graph.graph import Graph
from archsmith.search.surrogates.surrogate import Array, Features, Vocabulary
from archsmith.spaces.decisions import Decision, Label, Prefix, Space, Trace, replay
from archsmith.spaces.features import full, ngram_features, path_features, subtree_features
from archsmith.spaces.proposals import answer_trace
from archsmith.spaces.recipe import decided

NEAR = 1.0
"""Steps between two options of an ordered decision at which they have the likeness 1/e."""


class Answers:
    """The answers of a trace; builds nothing. A decision that was not asked has no feature.

    One with options in no order gives a 1 for the option taken. One with ordered options gives as many numbers as it
    has options, so that inner products are exp(-steps between / ``NEAR``): what is true of 32 channels is
    nearly true of 64. What a decision's options are is found out by walking the first trace that answers it.
    """

    def __init__(self) -> None:
        self._vocabulary = Vocabulary()
        self._features: dict[tuple[str, Label], Features] = {}

    def __call__(self, space: Space, trace: Trace) -> Features:
        known = self._features
        if not trace.answers:
            return self._vocabulary.features({})
        if any(answer not in known for answer in trace.answers):
            self._meet(space, trace)
        parts = [known[answer] for answer in trace.answers]
        columns = np.concatenate([part.columns for part in parts])
        return Features(self._vocabulary, columns, np.concatenate([part.values for part in parts]))

    def _meet(self, space: Space, trace: Trace) -> None:
        given = trace.as_dict()

        def answer(decision: Decision, prefix: Prefix) -> Label:
            return given[decision.name]

        for decision in answer_trace(space, answer).asked:
            options = decision.everywhere
            rows = _likeness(len(options)) if decision.ordered else np.eye(len(options))
            for option, row in zip(options, rows.tolist(), strict=True):
                values = {(decision.name, other): value for other, value in zip(options, row, strict=True) if value}
                self._features[decision.name, option] = self._vocabulary.features(values)


def _likeness(options: int) -> Array:
    """A row for each option, with inner products exp(-steps / ``NEAR``): an autoregression's Cholesky factor."""
    ratio = exp(-1 / NEAR)
    fresh = sqrt(1 - ratio**2)
    factor: Array = np.tril(ratio ** np.abs(np.arange(options)[:, None] - np.arange(options)))
    factor[:, 1:] *= fresh
    return factor


class Networks:
    """What a function says of the network, and the recipe of its training beside it; builds the network."""

    def __init__(self, features: Callable[[Graph], Mapping[str, float]]) -> None:
        self._vocabulary = Vocabulary()
        self._of_graph = features

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
