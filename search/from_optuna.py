"""Any sampler of Optuna as a searcher. Optuna is imported when such a searcher is made, not before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from archsmith.graph.errors import UserError
from archsmith.search.history import History, scored
from archsmith.search.searcher import Values
from archsmith.spaces.decisions import Space, Trace
from archsmith.spaces.proposals import draw_trace, mutate_trace

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from archsmith.search.optuna_study import FoldedStudy

SUGGESTIONS = 2
"""Known architectures that a sampler suggests in a row before the last one is mutated."""

MUTATIONS = 3
"""Known proposals in all before traces are drawn at random."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A class of ``optuna.samplers``, and options that differ from its own defaults."""

    kind: str
    options: Mapping[str, Any]


_OWN: Mapping[str, Any] = MappingProxyType({})
_QUIET: Mapping[str, Any] = MappingProxyType({"warn_independent_sampling": False})

SAMPLERS: Mapping[str, _Named] = MappingProxyType(
    {
        "brute_force": _Named("BruteForceSampler", _OWN),
        "cmaes": _Named("CmaEsSampler", _QUIET),
        "gp": _Named("GPSampler", _QUIET),
        "nsgaii": _Named("NSGAIISampler", _OWN),
        "nsgaiii": _Named("NSGAIIISampler", _OWN),
        "qmc": _Named("QMCSampler", MappingProxyType({**_QUIET, "warn_asynchronous_seeding": False})),
        "random": _Named("RandomSampler", _OWN),
        "tpe": _Named("TPESampler", _OWN),
    }
)
"""Optuna's samplers by the names that an ``OptunaSearcher`` takes."""


class OptunaSearcher:
    """Proposes what a sampler of Optuna suggests (Akiba et al. 2019), in a study of all that was told.

    ``sampler`` is a name of ``SAMPLERS``, with ``options`` for its class, or a function that gives a sampler of a seed:
    every ask makes a new one, seeded from its randomness. Pending proposals are running trials, failures failed ones;
    how much constraints are broken is one constraint.
    """

    def __init__(
        self, *, sampler: "str | Callable[[int], BaseSampler]" = "tpe", options: Mapping[str, Any] | None = None
    ) -> None:
        self._make = _maker(sampler, options or {})
        self._history = History()
        self._objectives: int | None = None
        self._study: FoldedStudy | None = None
        self._retold = 0

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        """A suggestion; if some in a row are known, a mutation of the last, and then any trace that is not."""
        study = self._folded(space)
        proposed: list[Trace] = []

        def propose() -> Trace:
            if len(proposed) < SUGGESTIONS:
                proposed.append(study.suggest(rng.getrandbits(32), pending))
            elif len(proposed) < MUTATIONS:
                proposed.append(mutate_trace(space, proposed[-1], rng))
            else:
                proposed.append(draw_trace(space, rng))
            return proposed[-1]

        return self._history.unseen(space, propose, pending, rng)

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        """Adds a trial to the study.

        Raises:
            UserError: it has more or fewer values than those before it.
        """
        score = scored(values, violation)
        count = len(score.values) if score else None
        if count is not None and self._objectives not in (None, count):
            raise UserError(f"every trial must have {self._objectives} values, as the first had; got {count}")
        self._objectives = self._objectives or count
        self._history.add(trace, values, violation)

    def _folded(self, space: Space) -> "FoldedStudy":
        """The study of all that was told: the one of the last ask, told the rest, unless another one is needed."""
        study, trials, objectives = self._study, self._history.trials, self._objectives or 1
        kept = study is not None and study.space is space and study.objectives == objectives
        if study is None or not kept or self._retold != self._history.retold:
            study = None
        fresh = trials if study is None else trials[study.folded :]
        constrained = any(trial.score is not None and trial.score.violation > 0 for trial in fresh)
        if study is None or (constrained and not study.constrained):
            study = _new_study(space, self._make, objectives=objectives, constrained=constrained)
        study.fold(trials[study.folded :])
        self._study, self._retold = study, self._history.retold
        return study


def _new_study(
    space: Space, make: "Callable[[int], BaseSampler]", *, objectives: int, constrained: bool
) -> "FoldedStudy":
    from archsmith.search.optuna_study import FoldedStudy

    return FoldedStudy(space, make, objectives=objectives, constrained=constrained)


def _maker(sampler: "str | Callable[[int], BaseSampler]", options: Mapping[str, Any]) -> "Callable[[int], BaseSampler]":
    """What makes a sampler of a seed, tried once so that mistakes are found here."""
    samplers = imported("optuna.samplers")
    if not isinstance(options, Mapping):
        raise UserError(
            f"options must be a sampler's options by name, as in {{'n_startup_trials': 5}}; got {options!r}"
        )
    if isinstance(sampler, str):
        make = _named(samplers, sampler, options)
    elif not callable(sampler):
        raise UserError(f"sampler must be a name or a function of a seed that gives a sampler; got {sampler!r}")
    elif options:
        raise UserError("options are for a sampler given by name; let the function that makes it pass them")
    else:
        make = _quietly(sampler)
    made = make(0)
    if not isinstance(made, samplers.BaseSampler):
        raise UserError(f"sampler must give a sampler of Optuna for a seed; got {made!r}")
    return make


def _named(samplers: Any, name: str, options: Mapping[str, Any]) -> "Callable[[int], BaseSampler]":
    named = SAMPLERS.get(name)
    if named is None:
        raise UserError(f"sampler must be one of {', '.join(SAMPLERS)}; got {name!r}")
    if name == "cmaes":
        imported("cmaes", "cmaes")
    kind, given = getattr(samplers, named.kind), {**named.options, **options}
    make = _quietly(lambda seed: kind(**{"seed": seed, **given}))
    try:
        make(0)
    except (TypeError, ValueError) as error:
        raise UserError(f"sampler {name} with options {dict(options)}: {error}") from error
    return make


def _quietly(make: "Callable[[int], BaseSampler]") -> "Callable[[int], BaseSampler]":
    """A searcher makes a sampler for every ask; that it is experimental need not be said so often."""
    experimental = imported("optuna.exceptions").ExperimentalWarning

    def made(seed: int) -> "BaseSampler":
        with catch_warnings():
            simplefilter("ignore", experimental)
            return make(seed)

    return made


def imported(module: str, package: str = "optuna>=5") -> Any:
    """A module that archsmith does not require (``UserError`` where it is missing)."""
    try:
        return import_module(module)
    except ImportError as missing:
        raise UserError(f"this needs a package that is missing: pip install '{package}' ({missing})") from missing
