"""Any searcher as a sampler of Optuna, for objectives that are written define-by-run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from random import Random, SystemRandom
from threading import Lock
from typing import Any

from archsmith.graph.errors import UserError
from archsmith.search.searcher import Searcher, Values
from archsmith.search.searchers import make_searcher
from archsmith.spaces.decisions import Trace

try:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.study import Study, StudyDirection
    from optuna.trial import FrozenTrial, TrialState

    from archsmith.search.seen_space import SeenParameters, SeenSpace, levels_of
except ImportError as missing:
    raise UserError(f"this needs Optuna, which is not installed: pip install 'optuna>=5' ({missing})") from missing


@dataclass(slots=True)
class _Progress:
    """What was taken in of one study."""

    study: str
    parameters: SeenParameters
    searcher: Searcher
    told: dict[int, FrozenTrial] = field(default_factory=dict)
    proposed: dict[int, dict[str, Any]] = field(default_factory=dict)


class ArchsmithSampler(BaseSampler):
    """Suggests what a searcher proposes in the space of the parameters that completed trials had.

    ``searcher`` is a name of ``SEARCHERS``, with ``options``, or a function that makes a new searcher.
    Parameters that no completed trial had, and those whose range changes, are drawn at random. Floats, and integers of
    more than ``levels`` values, take as many values, evenly spread (over the logarithms, if so declared) and both ends
    among them. The trial's number and ``seed`` decide its randomness, whatever process it runs in.
    """

    def __init__(
        self,
        searcher: str | Callable[[], Searcher] = "evolution",
        *,
        options: Mapping[str, Any] | None = None,
        seed: int | None = None,
        levels: int = 64,
    ) -> None:
        if not isinstance(levels, int) or levels < 2:
            raise UserError(f"levels must be an integer of at least 2; got {levels!r}")
        if not isinstance(searcher, str) and options:
            raise UserError("options are for a searcher given by name; let the function that makes it pass them")
        self._make = _maker(searcher, options or {})
        self._seed = SystemRandom().getrandbits(64) if seed is None else seed
        self._levels = levels
        self._progress: _Progress | None = None
        self._lock = Lock()
        self._make()

    def reseed_rng(self) -> None:
        """Does nothing: workers that share a seed draw different numbers, because their trials have."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The parameters that the searcher decides in this study; a trial is asked for some of them."""
        with self._lock:
            space = self._caught_up(study, study.get_trials(deepcopy=False)).parameters.space
            return {parameter.name: parameter.distribution for parameter in space.parameters}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What the searcher proposes; parameters that its proposal does not lead to are left out."""
        with self._lock:
            trials = study.get_trials(deepcopy=False)
            progress = self._caught_up(study, trials)
            space = progress.parameters.space
            if not space.parameters or not search_space:
                return {}
            trace = progress.searcher.ask(space, self._draw(trial), _pending(trials, trial, progress))
            values = progress.proposed[trial.number] = space.values(trace)
        return {name: values[name] for name in search_space if name in values}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """One of the values that the searcher would choose from, at random."""
        return self._draw(trial, param_name).choice(levels_of(param_distribution, self._levels))

    def _draw(self, trial: FrozenTrial, name: str = "") -> Random:
        return Random(f"{self._seed}/{trial.number}/{name}")

    def _caught_up(self, study: Study, trials: Sequence[FrozenTrial]) -> _Progress:
        """Tell what has ended since; a space that turns out to be another is begun anew."""
        progress = self._progress
        if progress is None or progress.study != study.study_name:
            progress = _Progress(study.study_name, SeenParameters(self._levels), self._make())
        ended = [trial for trial in trials if trial.state.is_finished() and trial.number not in progress.told]
        known = progress.parameters.space
        for trial in ended:
            progress.told[trial.number] = trial
            progress.proposed.pop(trial.number, None)
            if trial.state is TrialState.COMPLETE:
                progress.parameters.add(trial.distributions, trial.params)
        space = progress.parameters.space
        fresh: Sequence[FrozenTrial] = ended
        if space is not known:
            progress.searcher, fresh = self._make(), sorted(progress.told.values(), key=lambda trial: trial.number)
        for trial in fresh:
            _tell(progress.searcher, space, trial, study.directions)
        self._progress = progress
        return progress


def _maker(searcher: str | Callable[[], Searcher], options: Mapping[str, Any]) -> Callable[[], Searcher]:
    if isinstance(searcher, str):
        return lambda: make_searcher(searcher, options)
    if not callable(searcher):
        raise UserError(f"searcher must be a name or a function that makes a searcher; got {searcher!r}")
    return searcher


def _pending(trials: Sequence[FrozenTrial], own: FrozenTrial, progress: _Progress) -> list[Trace]:
    """Of running trials, by what they were given; by what this process proposed, if they were not given all of it."""
    found, space = [], progress.parameters.space
    for trial in trials:
        if trial.state is TrialState.RUNNING and trial.number != own.number:
            trace = space.trace({**progress.proposed.get(trial.number, {}), **trial.params})
            if trace is not None:
                found.append(trace)
    return found


def _tell(searcher: Searcher, space: SeenSpace, trial: FrozenTrial, directions: Sequence[StudyDirection]) -> None:
    """A trial that lacks a parameter of the space, as one that failed early, says nothing of any trace."""
    trace = space.trace(trial.params)
    if trace is not None:
        violation = sum(max(0.0, value) for value in trial.constraints.values())
        searcher.tell(trace, _values(trial, directions), violation=violation)


def _values(trial: FrozenTrial, directions: Sequence[StudyDirection]) -> Values:
    """To be maximised; a pruned trial of one objective has its last intermediate value, of several it has failed."""
    values = trial.values if trial.state is TrialState.COMPLETE else None
    if trial.state is TrialState.PRUNED and len(directions) == 1 and trial.last_step is not None:
        values = [trial.intermediate_values[trial.last_step]]
    if values is None or not all(isfinite(value) for value in values):
        return None
    signed = [
        -value if direction is StudyDirection.MINIMIZE else value
        for value, direction in zip(values, directions, strict=True)
    ]
    return signed[0] if len(signed) == 1 else signed
