"""Optuna's pruners as rules that stop early: they decide what they decide in a study of Optuna's own."""

import sys
import warnings
from collections.abc import Iterator, Sequence
from math import inf, nan
from random import Random
from typing import Any

import optuna
import pytest

from archsmith.graph.errors import UserError
from archsmith.search.early import StoppingRule
from archsmith.search.optuna_pruner import PRUNERS, PrunerRule

EPOCHS = 9
OPTIONS: dict[str, dict[str, Any]] = {
    "halving": {"min_resource": 1, "reduction_factor": 2},
    "hyperband": {"reduction_factor": 2},
    "median": {"n_startup_trials": 3},
    "patient": {"patience": 2},
    "percentile": {"percentile": 30.0, "n_startup_trials": 3},
    "threshold": {"lower": 0.3},
    "wilcoxon": {"p_threshold": 0.3},
}


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """Optuna logs every trial."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def curve_of(number: int) -> list[float]:
    """Rises to a height of its own, with noise."""
    rng = Random(number)
    height = rng.random()
    return [height * epoch / (epoch + 1) + 0.1 * rng.random() for epoch in range(1, EPOCHS + 1)]


def pruner_of(name: str) -> optuna.pruners.BasePruner:
    own: dict[str, dict[str, Any]] = {"hyperband": {"max_resource": EPOCHS}, "patient": {"wrapped_pruner": None}}
    kind: type[optuna.pruners.BasePruner] = getattr(optuna.pruners, PRUNERS[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return kind(**{**own.get(name, {}), **OPTIONS[name]})


@pytest.mark.parametrize("name", PRUNERS)
def test_a_rule_stops_where_the_pruner_prunes_in_a_study_of_optuna(name: str) -> None:
    rule: StoppingRule = PrunerRule(epochs=EPOCHS, pruner=name, options=OPTIONS[name])
    # Hyperband draws a trial's bracket from its number and the name of the study.
    study = optuna.create_study(study_name="archsmith", direction="maximize", pruner=pruner_of(name))
    others: list[Sequence[float]] = []
    verdicts = []
    for number in range(14):
        trial, curve = study.ask(), curve_of(number)
        for epoch in range(1, EPOCHS):
            trial.report(curve[epoch - 1], epoch)
            pruned = trial.should_prune()
            verdicts.append(pruned)

            assert rule.stops(curve[:epoch], others) == pruned
            if pruned:
                others.append(curve[:epoch])
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            trial.report(curve[-1], EPOCHS)
            trial.should_prune()
            others.append(curve)
            study.tell(trial, curve[-1])

    assert len(others) == 14
    assert any(verdicts) or name == "hyperband"
    assert not all(verdicts)


@pytest.mark.parametrize("name", PRUNERS)
def test_it_takes_whatever_others_were_told(name: str) -> None:
    rule = PrunerRule(epochs=3, pruner=name, options=OPTIONS[name])
    others = [[], [nan], [inf, -inf], [0.1, 0.2, nan], [0.5, 0.6, 0.7], [1e300, 1e300, 1e300]]

    assert not rule.stops([], others)
    assert not rule.stops([0.1, 0.2, 0.3], others)
    assert isinstance(rule.stops([0.4, 0.5], others), bool)
    assert isinstance(rule.stops([0.4, nan], others), bool)
    assert not rule.stops([0.4], [])


def test_a_question_leaves_nothing_behind() -> None:
    rule = PrunerRule(epochs=EPOCHS, pruner="halving", options=OPTIONS["halving"])
    others = [curve_of(number) for number in range(6)]
    first = [rule.stops(curve_of(7)[:epoch], others) for epoch in range(1, EPOCHS)]

    assert [rule.stops(curve_of(7)[:epoch], others) for epoch in range(1, EPOCHS)] == first


def test_a_pruner_can_be_given() -> None:
    rule = PrunerRule(epochs=4, pruner=optuna.pruners.ThresholdPruner(lower=0.5))

    assert rule.stops([0.6, 0.4], [])
    assert not rule.stops([0.4, 0.6], [])


def test_mistakes_are_found_when_the_rule_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="pruner must be a pruner of Optuna or one of halving, .*; got 'mean'"):
        PrunerRule(epochs=3, pruner="mean")
    with pytest.raises(UserError, match="pruner percentile with options {}: .*percentile"):
        PrunerRule(epochs=3, pruner="percentile")
    with pytest.raises(UserError, match="options are for a pruner given by name"):
        PrunerRule(epochs=3, pruner=optuna.pruners.NopPruner(), options={"x": 1})
    with pytest.raises(UserError, match="epochs must be an integer of at least 1; got 0"):
        PrunerRule(epochs=0)
    monkeypatch.setitem(sys.modules, "optuna.pruners", None)
    with pytest.raises(UserError, match="pip install 'optuna>=5'"):
        PrunerRule(epochs=3)
