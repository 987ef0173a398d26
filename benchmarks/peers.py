"""Who archsmith's searchers are compared with on tables: Optuna, SMAC3, and searchers as the papers have them.

All answer the table's flat parameters. Where nothing was measured for what they propose, they are told that it failed;
whoever runs them asks again. Their defaults are left as they are: nothing is tuned to the tables.
"""

import logging
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from math import inf, isfinite
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import optuna
from benchmarks.tables import Table

from archsmith.spaces.decisions import Trace

TRIES = 100
"""Proposals in a row for which nothing was measured, before a searcher of ours in this file draws one that was."""


class Proposer(Protocol):
    """Proposes one trial after another: ``tell`` says what came of the last one asked."""

    def ask(self) -> Trace | None:
        """None if nothing was measured for what was proposed."""
        ...

    def tell(self, value: float | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Peer:
    """What makes a proposer for a table and a seed, and how far it is run: some are dear."""

    make: Callable[[Table, int], Proposer]
    evaluations: int = 500
    seeds: int = 1000
    needs: str | None = None
    """A package that may be missing."""

    def missing(self) -> bool:
        return self.needs is not None and find_spec(self.needs) is None


class RandomDraws:
    """Random search as plainly as can be: repeats count."""

    def __init__(self, table: Table, seed: int) -> None:
        self._table, self._rng = table, Random(seed)

    def ask(self) -> Trace:
        return self._table.space.draw(self._rng)

    def tell(self, value: float | None) -> None:
        """Nothing is learnt."""


class PublishedEvolution:
    """Regularized evolution as published (Real et al. 2019): population 100, sample 25; it may repeat itself."""

    def __init__(self, table: Table, seed: int, *, population: int = 100, sample: int = 25) -> None:
        self._table, self._rng = table, Random(seed)
        self._size, self._sample = population, sample
        self._population: deque[tuple[float, Trace]] = deque()
        self._asked = Trace()

    def ask(self) -> Trace:
        if len(self._population) < self._size:
            self._asked = self._table.space.draw(self._rng)
        else:
            drawn = self._rng.choices(self._population, k=self._sample)
            self._asked = _changed(self._table, max(drawn, key=lambda member: member[0])[1], self._rng)
        return self._asked

    def tell(self, value: float | None) -> None:
        self._population.append((-inf if value is None else value, self._asked))
        if len(self._population) > self._size:
            self._population.popleft()


class HillClimbing:
    """Local search (White et al. 2021): on to the first better neighbour; at a peak, anew from a random place."""

    def __init__(self, table: Table, seed: int) -> None:
        self._table, self._rng = table, Random(seed)
        self._at: Trace | None = None
        self._height = -inf
        self._left: list[Trace] = []
        self._asked = Trace()

    def ask(self) -> Trace:
        if not self._left:
            self._at, self._asked = None, self._table.space.draw(self._rng)
        else:
            self._asked = self._left[-1]
        return self._asked

    def tell(self, value: float | None) -> None:
        height = -inf if value is None else value
        if self._at is None or height > self._height:
            self._at, self._height = self._asked, height
            self._left = _neighbours(self._table, self._asked)
            self._rng.shuffle(self._left)
        else:
            self._left.pop()


def _neighbours(table: Table, trace: Trace) -> list[Trace]:
    """All that were measured and differ in one answer."""
    given = trace.as_dict()
    changed = (
        table.trace_of(given | {name: option})
        for name, options, _ in table.parameters()
        for option in options
        if option != given[name]
    )
    return [trace for trace in changed if trace is not None]


def _changed(table: Table, trace: Trace, rng: Random) -> Trace:
    given = trace.as_dict()
    for _ in range(TRIES):
        name, options, _ = rng.choice(table.parameters())
        other = rng.choice([option for option in options if option != given[name]])
        found = table.trace_of(given | {name: other})
        if found is not None:
            return found
    return table.space.draw(rng)


Sampler = Callable[[int], optuna.samplers.BaseSampler]


class OptunaStudy:
    """A sampler of Optuna, asked and told. Unless ``sizes``, ordered parameters are categories like the others."""

    def __init__(self, table: Table, sampler: optuna.samplers.BaseSampler, *, sizes: bool) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._table, self._sizes = table, sizes
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._trial: optuna.Trial | None = None

    def ask(self) -> Trace | None:
        self._trial = trial = self._study.ask()
        answers: dict[str, Any] = {}
        for name, options, ordered in self._table.parameters():
            if self._sizes and ordered:
                answers[name] = options[trial.suggest_int(name, 0, len(options) - 1)]
            else:
                answers[name] = trial.suggest_categorical(name, options)
        return self._table.trace_of(answers)

    def tell(self, value: float | None) -> None:
        assert self._trial is not None
        if value is None:
            self._study.tell(self._trial, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(self._trial, value)


def _optuna(sampler: Sampler, *, sizes: bool = False) -> Callable[[Table, int], Proposer]:
    def make(table: Table, seed: int) -> Proposer:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return OptunaStudy(table, sampler(seed), sizes=sizes)

    return make


class SmacFacade:
    """SMAC3's facade for hyperparameters (a random forest, as its authors advise), asked and told."""

    def __init__(self, table: Table, seed: int, *, evaluations: int) -> None:
        configspace, smac = import_module("ConfigSpace"), import_module("smac")  # they may be missing

        self._table = table
        self._folder = TemporaryDirectory()
        space = configspace.ConfigurationSpace(seed=seed)
        for place, (_, options, ordered) in enumerate(table.parameters()):
            name, last = f"p{place}", len(options) - 1
            category = configspace.CategoricalHyperparameter(name, list(range(last + 1)))
            space.add(configspace.UniformIntegerHyperparameter(name, 0, last) if ordered else category)
        given = {"deterministic": True, "n_trials": evaluations, "seed": seed}
        scenario = smac.Scenario(space, output_directory=Path(self._folder.name), **given)
        logging.getLogger("smac").setLevel(logging.ERROR)
        self._facade: Any = smac.HyperparameterOptimizationFacade(scenario, _never, overwrite=True, logging_level=False)
        self._asked: Any = None
        self._worst = -inf

    def ask(self) -> Trace | None:
        self._asked = self._facade.ask()
        chosen: Mapping[str, int] = dict(self._asked.config)
        parameters = enumerate(self._table.parameters())
        return self._table.trace_of(
            {name: options[int(chosen[f"p{place}"])] for place, (name, options, _) in parameters}
        )

    def tell(self, value: float | None) -> None:
        """A failure costs as much as the worst trial so far: SMAC's forest takes no infinite cost."""
        trial_value = import_module("smac.runhistory.dataclasses").TrialValue
        if value is not None:
            self._worst = max(-value, self._worst)
        if isfinite(self._worst):
            self._facade.tell(self._asked, trial_value(cost=self._worst if value is None else -value))


def _never(config: Any, seed: int = 0) -> float:
    """SMAC wants a function to minimise; asked and told, it never calls it."""
    raise AssertionError("SMAC is asked and told")


DEAR = 150
"""Evaluations of those who need a third of a second and more for each."""

PEERS: Mapping[str, Peer] = {
    "rs": Peer(RandomDraws),
    "re_p100_s25": Peer(PublishedEvolution),
    "hill_climbing": Peer(HillClimbing),
    "optuna_tpe": Peer(_optuna(lambda seed: optuna.samplers.TPESampler(seed=seed))),
    "optuna_tpe_mv_group": Peer(
        _optuna(lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True), sizes=True)
    ),
    "optuna_gp": Peer(
        _optuna(lambda seed: optuna.samplers.GPSampler(seed=seed), sizes=True), evaluations=DEAR, seeds=5, needs="torch"
    ),
    "smac3": Peer(
        lambda table, seed: SmacFacade(table, seed, evaluations=DEAR), evaluations=DEAR, seeds=5, needs="smac"
    ),
}
"""By their labels; those that are dear only up to ``DEAR`` evaluations and with fewer seeds."""


def available(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those of the peers that can run here, and those that cannot."""
    missing = [name for name in names if PEERS[name].missing()]
    return [name for name in names if name not in missing], missing
