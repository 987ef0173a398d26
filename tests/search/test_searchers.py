"""Searchers by name, and what a searcher is worth."""

from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from random import Random
from statistics import mean
from typing import Any

import pytest

from archsmith.graph.errors import UserError
from archsmith.search.searchers import make_searcher
from archsmith.spaces.decisions import Trace
from tests.search.questions import Questions

SPACE = Questions(count=12, options=4)
TRIALS, SEEDS = 120, 12


@cache
def landscape(seed: int) -> tuple[dict[tuple[int, int], float], dict[tuple[int, int, int], float]]:
    """What each answer adds, and what each pair of neighbouring answers adds on top."""
    rng = Random(seed)
    alone = {(i, a): rng.random() for i in range(SPACE.count) for a in range(4)}
    pairs = {(i, a, b): rng.random() for i in range(SPACE.count - 1) for a in range(4) for b in range(4)}
    return alone, pairs


def objective(trace: Trace, seed: int) -> float:
    alone, pairs = landscape(seed)
    labels = [int(label) for _, label in trace.answers]
    joint = sum(pairs[i, a, b] for i, (a, b) in enumerate(pairwise(labels)))
    return (sum(alone[i, a] for i, a in enumerate(labels)) + joint) / (2 * SPACE.count - 1)


def best(name: str, seed: int) -> float:
    searcher, values = make_searcher(name, {}), list[float]()
    for number in range(TRIALS):
        trace = searcher.ask(SPACE, Random(f"{seed}/{number}"), ())
        values.append(objective(trace, seed))
        searcher.tell(trace, values[-1])
    return max(values)


def test_evolution_finds_better_architectures_than_random_search() -> None:
    gains = [best("evolution", seed) - best("random", seed) for seed in range(SEEDS)]

    assert mean(gains) > 0.05
    assert sum(gain > 0 for gain in gains) >= 10


def test_options_reach_the_searcher() -> None:
    with pytest.raises(UserError, match="tournament must be an integer from 1 to 4"):
        make_searcher("evolution", {"population": 4, "tournament": 9})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("annealing", {}, r"must be one of evolution, .*, random, smbo; got 'annealing'"),
        ("random", {"population": 8}, "searcher random takes the options over; got population"),
        ("evolution", {"size": 8}, "searcher evolution takes the options population, tournament; got size"),
    ],
)
def test_what_does_not_exist_is_refused(name: str, options: Mapping[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_searcher(name, options)
