"""What a sampler of Optuna sees of a searcher's history: a study of the told trials, and of the pending ones.

Nothing that the sampler notes while it is asked stays. What it notes in a trial or the study, as genetic samplers do of
generations, it notes again when that trial is told, so a study is the fold of its tells.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from random import Random
from typing import Any

from optuna import Trial as OptunaTrial
from optuna import create_study
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import (
    BaseSampler,
    BruteForceSampler,
    CmaEsSampler,
    GPSampler,
    RandomSampler,
    TPESampler,
)
from optuna.search_space import IntersectionSearchSpace
from optuna.trial import TrialState

from archsmith.graph.errors import UserError
from archsmith.search.history import Score, Told
from archsmith.search.optuna_storage import ForgetfulStorage, Parameters
from archsmith.spaces.decisions import Decision, Label, Prefix, Space, Trace, Walked
from archsmith.spaces.proposals import answer_trace

NOTELESS = (BruteForceSampler, GPSampler, RandomSampler, TPESampler)
"""Samplers that read trials and write nothing into them that they need later."""

LARGEST = 1e100
"""Larger values are told as this one: the square of a value must be a number."""

VIOLATION = "constraints:violation"
"""How Optuna keeps the constraint ``violation`` of a trial."""

LONGEST = 100
"""Characters of options that a parameter's name spells out; of more it has a digest."""


class FoldedStudy:
    """The study of one space, which grows with what is told; ``make`` gives a sampler of a seed."""

    def __init__(self, space: Space, make: Callable[[int], BaseSampler], *, objectives: int, constrained: bool) -> None:
        sampler = make(0)
        if objectives > 1 and isinstance(sampler, CmaEsSampler):
            raise UserError(f"CMA-ES takes one objective; the trials have {objectives}: choose nsgaii, tpe or gp")
        self.space = space
        self.objectives = objectives
        self.constrained = constrained
        self.folded = 0
        self._make = make
        self._noteless = type(sampler) in NOTELESS
        self._storage = ForgetfulStorage(objectives)
        self._study = create_study(storage=self._storage, directions=["maximize"] * objectives, sampler=sampler)
        self._known = _Parameters()
        self._shared = IntersectionSearchSpace()

    def fold(self, trials: Sequence[Told]) -> None:
        """Take in what was told, in that order."""
        for trial in trials:
            given = self._known.of(self.space, trial.trace)
            attributes = {VIOLATION: trial.score.violation} if self.constrained and trial.score else {}
            if self._noteless:
                state = TrialState.FAIL if trial.score is None else TrialState.COMPLETE
                self._storage.add(state, given, values=_values(trial.score), attributes=attributes)
            else:
                self._tell(self._join(given, self.folded), trial.score, attributes)
            self._storage.keep()
            self.folded += 1

    def suggest(self, seed: int, pending: Sequence[Trace]) -> Trace:
        """What the sampler of that seed suggests; nothing of it stays."""
        try:
            for number, trace in enumerate(pending, self.folded):
                given = self._known.of(self.space, trace)
                if self._noteless:
                    self._storage.add(TrialState.RUNNING, given)
                else:
                    self._join(given, number)
            self._study.sampler = self._made(seed)
            suggested = _Suggested(self._study.ask(), self._known, Random(seed))
            walked = answer_trace(self.space, suggested.answer)
            self._known.note(walked)
            return walked.trace
        finally:
            self._storage.forget()

    def _join(self, given: Parameters, seed: int) -> int:
        """A running trial in which a sampler has noted what it notes, given these parameters; its number."""
        self._study.sampler = self._made(seed)
        trial = self._study.ask()
        if given.values:
            trial.relative_params  # noqa: B018  samplers write their notes when they sample
        self._storage.answer(trial.number, given)
        return trial.number

    def _made(self, seed: int) -> BaseSampler:
        """A sampler that need not look through all told trials for the parameters that they have in common."""
        sampler = self._make(seed)
        for name, value in list(vars(sampler).items()):
            if isinstance(value, IntersectionSearchSpace):
                self._shared.calculate(self._study)
                setattr(sampler, name, copy(self._shared))
        return sampler

    def _tell(self, number: int, score: Score | None, attributes: dict[str, Any]) -> None:
        for key, value in attributes.items():
            self._storage.set_trial_system_attr(number, key, value)
        if score is None:
            self._study.tell(number, state=TrialState.FAIL)
        else:
            self._study.tell(number, _values(score))


def _values(score: Score | None) -> list[float] | None:
    return None if score is None else [max(-LARGEST, min(LARGEST, value)) for value in score.values]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A decision as Optuna knows it; ``by_place`` if its value is the option's place and not the option.

    It is the same wherever options of the decision lead nowhere. Its name is that of ``spaces.suggest``.
    """

    name: str
    options: tuple[Label, ...]
    distribution: BaseDistribution
    by_place: bool

    def value(self, label: Label) -> Label:
        """What a trial that took this option has been given."""
        place = self.options.index(label)
        return place if self.by_place else self.options[place]

    def suggested(self, trial: OptunaTrial) -> Label:
        """The option that the trial suggests."""
        if isinstance(self.distribution, IntDistribution):
            low, high, step = self.distribution.low, self.distribution.high, self.distribution.step
            number = trial.suggest_int(self.name, low, high, step=step)
            return self.options[number] if self.by_place else number
        return self.options[self.options.index(trial.suggest_categorical(self.name, self.options))]


def parameter_of(decision: Decision) -> Parameter:
    """Whole numbers in equal steps as they are, other sizes by their place, anything else as categorical."""
    options = decision.everywhere
    steps = _equal_steps(options) if decision.ordered else None
    if steps is not None:
        number = IntDistribution(steps[0], steps[-1], step=steps.step)
        return Parameter(decision.name, options, number, by_place=False)
    return _spelt_out(decision)


def _spelt_out(decision: Decision) -> Parameter:
    options = decision.everywhere
    text = repr(list(options))
    spelt = text if len(text) <= LONGEST else f"[{blake2b(text.encode(), digest_size=8).hexdigest()}]"
    if decision.ordered:
        places = IntDistribution(0, len(options) - 1)
        return Parameter(f"{decision.name} index in {spelt}", options, places, by_place=True)
    return Parameter(f"{decision.name} in {spelt}", options, CategoricalDistribution(options), by_place=False)


def _equal_steps(options: tuple[Label, ...]) -> range | None:
    numbers = sorted(option for option in options if isinstance(option, int) and not isinstance(option, bool))
    if len(numbers) < len(options):
        return None
    step = numbers[1] - numbers[0]
    equal = all(after - before == step for before, after in pairwise(numbers))
    return range(numbers[0], numbers[-1] + 1, step) if equal else None


@dataclass(slots=True)
class _Parameters:
    """The parameters of decisions and traces, made once."""

    decisions: dict[tuple[str, tuple[Label, ...], bool], Parameter] = field(default_factory=dict)
    traces: dict[Trace, Parameters] = field(default_factory=dict)

    def parameter(self, decision: Decision) -> Parameter:
        key = (decision.name, decision.everywhere, decision.ordered)
        found = self.decisions.get(key)
        if found is None:
            found = self.decisions[key] = parameter_of(decision)
        return found

    def note(self, walked: Walked) -> None:
        """Spare ``of`` the walk."""
        self.traces.setdefault(walked.trace, self._made(walked))

    def of(self, space: Space, trace: Trace) -> Parameters:
        """What a trial that led to the trace was given.

        Raises:
            UserError: the trace is of another space.
        """
        found = self.traces.get(trace)
        if found is None:
            found = self.traces[trace] = self._walked(space, trace)
        return found

    def _walked(self, space: Space, trace: Trace) -> Parameters:
        given = trace.as_dict()

        def answer(decision: Decision, prefix: Prefix) -> Label:
            label = given.get(decision.name)
            if label is None or label not in decision.options:
                raise UserError(f"the trace says {label!r} to {decision.name}: it is of another space")
            return label

        return self._made(answer_trace(space, answer))

    def _made(self, walked: Walked) -> Parameters:
        parameters = Parameters()
        for decision, (_, label) in zip(walked.asked, walked.trace.answers, strict=True):
            parameter = self.parameter(decision)
            parameters.values[parameter.name] = parameter.value(label)
            parameters.distributions[parameter.name] = parameter.distribution
        return parameters


@dataclass(slots=True)
class _Suggested:
    """Answers by a trial; ``asked`` are the parameters that it was asked for, by name."""

    trial: OptunaTrial
    known: _Parameters
    rng: Random
    asked: dict[str, Parameter] = field(default_factory=dict)

    def answer(self, decision: Decision, prefix: Prefix) -> Label:
        """The suggested option; where that leads nowhere, the nearest that leads on, or any of unordered ones."""
        parameter = self.known.parameter(decision)
        # A walk that is begun anew may ask other numbers by the same name, which a trial would answer as before.
        if self.asked.setdefault(parameter.name, parameter) != parameter:
            parameter = _spelt_out(decision)
        label = parameter.suggested(self.trial)
        if label in decision.options:
            return label
        if not decision.ordered:
            return self.rng.choice(decision.options)
        place = parameter.options.index(label)
        return min(decision.options, key=lambda option: abs(parameter.options.index(option) - place))
