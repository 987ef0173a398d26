"""A question to a pruner of Optuna: a study made of learning curves, in which one trial is still running."""

from collections.abc import Sequence
from copy import deepcopy
from math import isnan
from warnings import catch_warnings, simplefilter

from optuna import Study, create_study
from optuna.pruners import (
    BasePruner,
    MedianPruner,
    NopPruner,
    PercentilePruner,
    ThresholdPruner,
    WilcoxonPruner,
)
from optuna.trial import TrialState

from archsmith.search.optuna_storage import ForgetfulStorage, Parameters

NOTELESS = (MedianPruner, NopPruner, PercentilePruner, ThresholdPruner, WilcoxonPruner)
"""Pruners that look at values alone. The others may note in a trial what they found at an epoch."""


def prunes(pruner: BasePruner, curve: Sequence[float], others: Sequence[Sequence[float]], *, epochs: int) -> bool:
    """Whether a trial with this curve is pruned after its last value; others are complete after ``epochs``."""
    # A pruner may settle on what it saw first, such as the number of epochs: each question gets a fresh one.
    pruner = deepcopy(pruner)
    storage = ForgetfulStorage(1)
    study = create_study(storage=storage, direction="maximize", pruner=pruner)
    with catch_warnings():
        simplefilter("ignore", UserWarning)  # of values that are not finite, and of steps that others lack
        if type(pruner) in NOTELESS:
            return _prunes_by_values(study, storage, curve, others, epochs)
        for other in filter(None, others):
            state = _state(other, epochs)
            study.tell(_followed(study, other)[0], other[-1] if state is TrialState.COMPLETE else None, state=state)
        return _followed(study, curve)[1]


def _prunes_by_values(
    study: Study, storage: ForgetfulStorage, curve: Sequence[float], others: Sequence[Sequence[float]], epochs: int
) -> bool:
    for other in filter(None, others):
        storage.add(_state(other, epochs), Parameters(), values=[other[-1]], curve=dict(enumerate(other, 1)))
    trial = storage.add(TrialState.RUNNING, Parameters(), curve=dict(enumerate(curve, 1)))
    return bool(study.pruner.prune(study, trial))


def _state(curve: Sequence[float], epochs: int) -> TrialState:
    complete = len(curve) >= epochs and not isnan(curve[-1])
    return TrialState.COMPLETE if complete else TrialState.PRUNED


def _followed(study: Study, curve: Sequence[float]) -> tuple[int, bool]:
    """The number of a new trial that was asked after every epoch whether to stop, and the last answer."""
    trial, verdict = study.ask(), False
    for epoch, value in enumerate(curve, 1):
        trial.report(value, epoch)
        verdict = trial.should_prune()
    return trial.number, verdict
