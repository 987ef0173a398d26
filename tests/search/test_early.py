"""When a trial is stopped on the way: by the others' medians, or by where its own curve leads."""

from math import exp, inf, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.search.early import RULES, CurveRule, MedianRule, make_rule, probability_below

EPOCHS = 20


def learning(
    final: float, *, rate: float = 0.4, epochs: int = EPOCHS, noise: float = 0.0, seed: int = 0
) -> list[float]:
    """A curve that comes near to ``final`` exponentially."""
    rng = Random(seed)
    return [final - 0.5 * exp(-rate * epoch) + rng.gauss(0, noise) for epoch in range(epochs)]


FIVE = [learning(final) for final in (0.6, 0.7, 0.8, 0.9, 0.95)]


def test_the_median_rule_stops_what_is_below_the_median_of_running_means() -> None:
    rule, others = MedianRule(epochs=4, others=3), [[0.2, 0.4], [0.4, 0.6], [0.6, 0.8, 0.9]]

    assert rule.stops([0.1, 0.49], others)
    assert not rule.stops([0.1, 0.5], others)
    assert not rule.stops([0.5, 0.1], others)


def test_the_median_rule_takes_only_those_that_came_that_far() -> None:
    rule, others = MedianRule(epochs=4, others=1), [[0.1, 0.1, 0.1], [0.9, 0.9]]

    assert rule.stops([0.2, 0.3], others)
    assert not rule.stops([0.2, 0.3, 0.3], others)


def test_the_median_rule_leaves_alone_what_few_can_be_compared_with() -> None:
    rule = MedianRule(epochs=EPOCHS, least=3, others=5)

    assert rule.stops([0.0] * 3, FIVE)
    assert not rule.stops([0.0] * 3, FIVE[:4])
    assert not rule.stops([0.0] * 2, FIVE)


def test_the_curve_rule_stops_what_levels_off_below_the_best() -> None:
    rule = CurveRule(epochs=EPOCHS)

    assert rule.stops(learning(0.7)[:12], FIVE)
    assert not rule.stops(learning(0.97)[:12], FIVE)


def test_the_curve_rule_leaves_alone_what_is_below_the_best_and_still_rises() -> None:
    slow = learning(1.05, rate=0.1)

    assert slow[9] < learning(0.9)[9]
    assert not CurveRule(epochs=EPOCHS).stops(slow[:10], [learning(0.9)])


def test_the_curve_rule_needs_a_completed_trial_and_a_few_epochs() -> None:
    rule, bad = CurveRule(epochs=EPOCHS, least=8), learning(0.6)

    assert rule.stops(bad[:8], FIVE)
    assert not rule.stops(bad[:7], FIVE)
    assert not rule.stops(bad[:8], [curve[:19] for curve in FIVE])


def test_a_network_that_learns_nothing_is_stopped() -> None:
    rule = CurveRule(epochs=EPOCHS)

    assert rule.stops([0.1] * 6, FIVE)
    assert not rule.stops([0.96] * 6, FIVE)


def test_predictions_become_surer_with_every_epoch() -> None:
    curve = learning(0.8, noise=0.005)
    probabilities = [probability_below(0.9, curve[:epochs], EPOCHS) for epochs in (8, 12, 16)]

    assert probabilities == sorted(probabilities)
    assert probabilities[0] < 0.95 < 0.999 < probabilities[-1]


def test_the_last_value_is_as_noisy_as_those_before_it() -> None:
    curve = [0.5, 0.6, 0.5, 0.6, 0.5, 0.6, 0.5, 0.6, 0.5, 0.6]

    assert probability_below(0.59, curve, EPOCHS) < 0.73


@pytest.mark.parametrize("seen", [8, 14])
def test_what_is_predicted_with_95_percent_comes_true_that_often(seen: int) -> None:
    rng, wrong, sure = Random(0), 0, 0
    for seed in range(300):
        final, rate = rng.uniform(0.6, 0.95), rng.uniform(0.1, 0.8)
        curve = learning(final, rate=rate, noise=0.005, seed=seed)
        bound = curve[-1] + rng.gauss(0, 0.05)
        if probability_below(bound, curve[:seen], EPOCHS) >= 0.95:
            sure += 1
            wrong += curve[-1] >= bound

    assert sure > 30
    assert wrong / sure < 0.07


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=19), st.floats(-1e3, 1e3), st.floats(0, 1e3))
def test_a_higher_bound_is_more_probably_missed(curve: list[float], bound: float, more: float) -> None:
    low, high = (probability_below(given, curve, EPOCHS) for given in (bound, bound + more))

    assert 0 <= low <= high <= 1 + 1e-9


@given(st.integers(6, 15), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3), st.floats(0.5, 1.0))
def test_predictions_do_not_depend_on_the_unit(seen: int, scale: float, shift: float, bound: float) -> None:
    curve = learning(0.8, noise=0.01)[:seen]
    there = probability_below(bound, curve, EPOCHS)
    moved = probability_below(bound * scale + shift, [value * scale + shift for value in curve], EPOCHS)

    assert moved == pytest.approx(there, abs=1e-3)


@pytest.mark.parametrize("name", sorted(RULES))
def test_nothing_is_stopped_after_its_last_epoch_or_for_values_that_are_not_finite(name: str) -> None:
    rule = make_rule(name, epochs=EPOCHS)

    assert rule.stops([0.1] * 12, FIVE)
    assert not rule.stops([0.1] * EPOCHS, FIVE)
    assert not rule.stops([*[0.1] * 11, nan], FIVE)
    assert not rule.stops([], FIVE)


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.parametrize("broken", [nan, inf, -inf])
def test_others_whose_values_are_not_finite_are_left_out(name: str, broken: float) -> None:
    rule = make_rule(name, epochs=EPOCHS)
    worse = [[broken] * EPOCHS] * 20

    assert rule.stops([0.1] * 12, FIVE + worse)
    assert not rule.stops([0.1] * 12, worse)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("mean", {"epochs": 9}, "early stopping must be one of curve, median; got 'mean'"),
        ("median", {"epochs": 9, "p": 1}, "early stopping by median takes the options least, others; got p"),
        ("median", {"epochs": 0}, "early stopping's epochs must be an integer of at least 1; got 0"),
        ("median", {"epochs": 9, "others": 0}, "early stopping's others must be an integer of at least 1; got 0"),
        ("curve", {"epochs": 9, "least": 2}, "early stopping's least must be an integer of at least 3; got 2"),
        ("curve", {"epochs": 9, "probability": 1}, "probability must be at least 0.5 and below 1; got 1"),
    ],
)
def test_options_are_checked(name: str, options: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_rule(name, **options)
