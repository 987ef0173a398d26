"""Surrogates: what they are told, what they are fitted to, and that their beliefs are what the formulas say."""

from collections.abc import Sequence
from itertools import pairwise
from math import exp
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.search.acquisition import ACQUISITIONS
from archsmith.search.history import Score
from archsmith.search.surrogates.encodings import Answers, Networks, ngrams, paths, subtrees
from archsmith.search.surrogates.ensemble import Ensemble
from archsmith.search.surrogates.forest import Forest
from archsmith.search.surrogates.gaussian import CONSTANT, Gaussian, LearntGaussian, Scale
from archsmith.search.surrogates.surrogate import Array, Features, Matrix, Model, Vocabulary
from archsmith.search.surrogates.targets import targets_of
from archsmith.spaces.decisions import Trace, replay
from archsmith.spaces.nodes import any_of, chain, choose, op
from archsmith.spaces.proposals import draw_trace
from archsmith.spaces.space import search_space

SPACE = search_space(
    chain(op("linear", out=choose(2, 4, 8, 16)), any_of(op("relu"), op("tanh")), op("linear", out=choose(3, 5))),
    input=(3,),
    recipe={"learning_rate": choose(0.01, 0.1)},
)
MODELS: dict[str, Model] = {
    "gaussian": Gaussian(),
    "linear": Gaussian(pairs=False),
    "forest": Forest(),
    "ensemble": Ensemble(),
}


def traces(count: int) -> list[Trace]:
    return [draw_trace(SPACE, Random(seed)) for seed in range(count)]


def rows_of(matrix: Sequence[Sequence[float]]) -> list[Features]:
    vocabulary = Vocabulary()
    return [vocabulary.features({place: value for place, value in enumerate(row) if value}) for row in matrix]


def test_ordered_options_are_as_alike_as_they_are_near() -> None:
    encode = Answers()
    given_traces = [Trace((("0/linear.out", out), *traces(1)[0].answers[1:])) for out in (2, 4, 8, 16)]
    encode.meet(SPACE, given_traces[0])
    features = [encode(SPACE, trace) for trace in given_traces]
    rows = Matrix(features).rows(features)
    inner = rows @ rows.T - 3  # three other answers, which all share

    assert inner == pytest.approx(np.array([[exp(-abs(i - j)) for j in range(4)] for i in range(4)]), abs=1e-12)


def test_unordered_options_are_alike_or_not() -> None:
    encode = Answers()
    relu, tanh = (dict(trace.answers) for trace in (traces(1)[0], traces(1)[0]))
    relu["1/any_of"], tanh["1/any_of"] = "relu()", "tanh()"
    features = [encode(SPACE, Trace.of(answers)) for answers in (relu, tanh)]
    rows = Matrix(features).rows(features)

    assert rows[0] @ rows[0] - rows[0] @ rows[1] == pytest.approx(1)


@pytest.mark.parametrize("features", [ngrams, subtrees, paths])
def test_networks_are_encoded_with_their_recipe(features: object) -> None:
    encode = Networks(features)  # type: ignore[arg-type]
    some = traces(1)[0]
    slow, fast = (Trace.of(some.as_dict() | {"recipe/learning_rate": rate}) for rate in (0.01, 0.1))
    one, other = encode(SPACE, slow), encode(SPACE, fast)
    graph = replay(SPACE, some).graph

    assert graph is not None
    assert len(one.columns) == len(features(graph)) + 1  # type: ignore[operator]
    assert len(set(one.columns) ^ set(other.columns)) == 2


def test_what_a_model_never_saw_is_left_out() -> None:
    vocabulary = Vocabulary()
    seen = [vocabulary.features({"a": 1.0}), vocabulary.features({"b": 2.0})]
    matrix = Matrix(seen)

    assert matrix.rows([vocabulary.features({"a": 3.0, "new": 1.0, "b": 5.0})]).tolist() == [[3.0, 5.0]]


def test_columns_do_not_depend_on_what_was_met_first() -> None:
    forth, back = Vocabulary(), Vocabulary()
    given_rows = [{"x": 1.0, "y": 2.0}, {"z": 3.0}]
    first = [forth.features(row) for row in given_rows]
    for row in ({"q": 1.0}, *reversed(given_rows)):
        back.features(row)
    second = [back.features(row) for row in given_rows]

    assert Matrix(first).rows(first).tolist() == Matrix(second).rows(second).tolist()


SCORE = st.builds(Score, st.tuples(st.floats(-1e6, 1e6)), st.sampled_from([0.0, 0.0, 0.5]))
SCORES = st.lists(st.none() | SCORE, min_size=2, max_size=30)


@given(SCORES)
@settings(deadline=None)
def test_better_scores_have_targets_that_are_no_smaller(scores: list[Score | None]) -> None:
    targets = targets_of(scores)
    told = list(zip(scores, targets, strict=True))
    allowed = sorted((score.value, target) for score, target in told if score and not score.violation)
    others = [target for score, target in told if not score or score.violation]

    assert np.isfinite(targets).all()
    assert abs(targets.mean()) < 1e-9
    assert targets.std() == pytest.approx(1) or targets.std() == 0
    assert all(a[1] <= b[1] + 1e-12 for a, b in pairwise(allowed))
    assert all(other <= target + 1e-12 for other in others for _, target in allowed)


def test_the_best_is_better_than_others_even_if_most_are_as_good() -> None:
    targets = targets_of([Score((value,)) for value in (1.0, 1.0, 1.0, 1.0, 0.9, -100.0)])

    assert targets[0] > targets[4]
    assert len(set(targets[:4])) == 1


@pytest.mark.parametrize("huge", [1.7e308, 1e300, 1e-300])
def test_values_as_far_apart_as_numbers_go_have_targets(huge: float) -> None:
    targets = targets_of([Score((value,)) for value in (-huge, 0.0, huge / 2, huge)])

    assert np.isfinite(targets).all()
    assert (np.diff(targets) > 0).all()


def test_a_decision_of_very_many_options_is_encoded_in_a_few_numbers() -> None:
    many = search_space(op("linear", out=choose(*range(1, 20_001))), input=(3,))
    encode = Answers()
    encode.meet(many, Trace((("linear.out", 9_999),)))
    near, far = (encode(many, Trace((("linear.out", out),))) for out in (10_000, 20_000))

    assert len(near.columns) < 20
    assert set(near.columns).isdisjoint(far.columns)


def test_how_bad_the_bad_ones_are_makes_no_difference() -> None:
    values = [0.1, 0.2, 0.3, 0.4, 0.5]
    mild, harsh = ([Score((value,)) for value in (bad, *values)] for bad in (-10.0, -1e9))

    assert targets_of(mild).tolist() == targets_of(harsh).tolist()


BITS = st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=4, max_size=4), min_size=4, max_size=10)


@given(BITS, st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_the_process_is_the_regression_on_features_and_pairs(matrix: list[list[float]], seed: int) -> None:
    """The kernel's posterior is that of the weights, written out."""
    matrix = [[1.0, *row] for row in matrix]
    targets = np.random.default_rng(seed).standard_normal(len(matrix))
    rows = rows_of(matrix)
    seen = Matrix(rows).rows(rows)
    own = 0.4 / np.square(seen).sum(axis=1).mean()
    pairs = 0.6 / max(np.square(products(seen)).sum(axis=1).mean(), 1e-6)
    asked = [rows[0], rows[-1]]
    mean, deviation = LearntGaussian(Scale(0.4, 0.6, 0.1, 1.7)).believe(rows, targets).predict(asked)
    design, wanted = (expanded(Matrix(rows).rows(given), own, pairs) for given in (rows, asked))
    wanted_mean, wanted_deviation = regression(design, targets, wanted, 0.1, 1.7)

    assert mean == pytest.approx(wanted_mean, abs=1e-6)
    assert deviation == pytest.approx(wanted_deviation, abs=2e-3)


def products(rows: Array) -> Array:
    """Every product of two features: ``[n, pairs]``."""
    first, second = np.triu_indices(rows.shape[1], 1)
    return rows[:, first] * rows[:, second]


def expanded(rows: Array, own: float, pairs: float) -> Array:
    """Every feature and every product of two, each times the deviation of its weight, and the constant."""
    constant = np.full((len(rows), 1), CONSTANT**0.5)
    return np.concatenate([own**0.5 * rows, pairs**0.5 * products(rows), constant], axis=1)


def regression(seen: Array, targets: Array, asked: Array, noise: float, variance: float) -> tuple[Array, Array]:
    """Mean and deviation by the weights' posterior, at unit prior variance (Bishop 2006, equations 3.53 and 3.54)."""
    precision = np.eye(seen.shape[1]) + seen.T @ seen / noise
    covariance = np.linalg.inv(precision)
    mean = asked @ covariance @ seen.T @ targets / noise
    return mean, np.sqrt(variance * np.einsum("ij,jk,ik->i", asked, covariance, asked))


def test_draws_have_the_mean_and_deviation_that_are_predicted() -> None:
    rng = np.random.default_rng(0)
    rows = rows_of(rng.integers(0, 2, (12, 6)).tolist())
    belief = Gaussian().learn(rows, rng.standard_normal(12), rng).believe(rows, rng.standard_normal(12))
    asked = rows_of(rng.integers(0, 2, (3, 6)).tolist())
    asked = [Features(rows[0].vocabulary, row.columns, row.values) for row in asked]
    mean, deviation = belief.predict(asked)
    drawn = np.stack([belief.draw(asked, rng) for _ in range(4000)])

    assert drawn.mean(axis=0) == pytest.approx(mean, abs=0.1)
    assert drawn.std(axis=0) == pytest.approx(deviation, abs=0.1)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_learns_what_adds_up(name: str) -> None:
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2, (80, 8))
    values = bits @ np.arange(8)
    targets = (values - values.mean()) / values.std()
    rows = rows_of(bits.tolist())
    belief = MODELS[name].learn(rows[:60], targets[:60], np.random.default_rng(2)).believe(rows[:60], targets[:60])
    mean, deviation = belief.predict(rows[60:])

    assert np.corrcoef(mean, targets[60:])[0, 1] > 0.8
    assert (deviation > 0).all()
    assert belief.draw(rows[60:], rng).shape == (20,)


class Normal:
    """A belief of known means and deviations."""

    def __init__(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        self._mean, self._deviation = np.array(mean), np.array(deviation)

    def predict(self, candidates: Sequence[Features]) -> tuple[Array, Array]:
        return self._mean, self._deviation

    def draw(self, candidates: Sequence[Features], rng: np.random.Generator) -> Array:
        drawn: Array = rng.normal(self._mean, self._deviation)
        return drawn


def test_expected_improvement_is_what_draws_improve_on_average() -> None:
    belief, rng = Normal([0.0, 1.0, -1.0], [1.0, 0.1, 2.0]), np.random.default_rng(3)
    gain = ACQUISITIONS["ei"](belief, [], 0.5, rng)
    drawn = np.maximum(rng.normal([0.0, 1.0, -1.0], [1.0, 0.1, 2.0], (200_000, 3)) - 0.5, 0).mean(axis=0)

    assert gain == pytest.approx(drawn, abs=0.01)


def test_the_upper_bound_likes_what_is_good_or_unknown() -> None:
    worth = ACQUISITIONS["ucb"](Normal([0.0, 0.0, 1.0], [1.0, 0.1, 0.1]), [], 0.0, np.random.default_rng(0))

    assert worth[0] > worth[1]
    assert worth[2] > worth[1]
