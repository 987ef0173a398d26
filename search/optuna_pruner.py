"""Any pruner of Optuna as a rule that stops trials early."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from archsmith.graph.errors import UserError
from archsmith.search.from_optuna import imported

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

PRUNERS: Mapping[str, str] = MappingProxyType(
    {
        "halving": "SuccessiveHalvingPruner",
        "hyperband": "HyperbandPruner",
        "median": "MedianPruner",
        "patient": "PatientPruner",
        "percentile": "PercentilePruner",
        "threshold": "ThresholdPruner",
        "wilcoxon": "WilcoxonPruner",
    }
)
"""Optuna's pruners by the names that a ``PrunerRule`` takes."""


class PrunerRule:
    """Stops a trial where a pruner of Optuna would prune it.

    ``pruner`` is a name of ``PRUNERS``, with ``options`` for its class, or a pruner. It is asked in a study made for
    this one question, whose steps are epochs, from 1 on, and whose values are maximised. Other trials that were trained
    for all ``epochs`` count as complete, the rest as pruned.
    """

    def __init__(
        self, *, epochs: int, pruner: "str | BasePruner" = "median", options: Mapping[str, Any] | None = None
    ) -> None:
        if not isinstance(epochs, int) or epochs < 1:
            raise UserError(f"epochs must be an integer of at least 1; got {epochs!r}")
        self._epochs = epochs
        self._pruner = _made(pruner, options or {}, epochs)

    def stops(self, curve: Sequence[float], others: Sequence[Sequence[float]]) -> bool:
        """Whether a trial with these values, one an epoch, should stop, given those of other trials.

        Never after the last epoch. A pruner that keeps notes, as successive halving does of rungs, is shown the other
        trials one after another, epoch by epoch: it takes them to have run in that order.
        """
        from archsmith.search.optuna_curves import prunes

        return 0 < len(curve) < self._epochs and prunes(self._pruner, curve, others, epochs=self._epochs)


def _made(pruner: "str | BasePruner", options: Mapping[str, Any], epochs: int) -> "BasePruner":
    pruners = imported("optuna.pruners")
    if isinstance(pruner, pruners.BasePruner):
        if options:
            raise UserError("options are for a pruner given by name; give them to the pruner itself")
        given: BasePruner = pruner
        return given
    if not isinstance(pruner, str) or pruner not in PRUNERS:
        raise UserError(f"pruner must be a pruner of Optuna or one of {', '.join(PRUNERS)}; got {pruner!r}")
    own: dict[str, dict[str, Any]] = {"hyperband": {"max_resource": epochs}, "patient": {"wrapped_pruner": None}}
    kind = getattr(pruners, PRUNERS[pruner])
    try:
        with catch_warnings():
            simplefilter("ignore", imported("optuna.exceptions").ExperimentalWarning)
            made: BasePruner = kind(**{**own.get(pruner, {}), **options})
    except (TypeError, ValueError) as error:
        raise UserError(f"pruner {pruner} with options {dict(options)}: {error}") from error
    return made
