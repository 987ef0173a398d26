"""Searchers as samplers of Optuna: its own tests of a sampler, and studies whose spaces are found out.

Of Optuna's suite, ``SingleOnlySamplerTestCase`` does not apply: it demands that a study of several objectives is
refused, and such a study is taken. Everything else is run, with every searcher of ``SEARCHERS``.
"""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)
from optuna.trial import TrialState

from archsmith.graph.errors import UserError
from archsmith.search.evolution import RegularizedEvolution
from archsmith.search.searcher import Searcher, Values
from archsmith.search.searchers import SEARCHERS
from archsmith.search.seen_space import SeenParameters, levels_of
from archsmith.search.to_optuna import ArchsmithSampler
from archsmith.spaces.decisions import Trace, derive, replay

Make = Callable[[], Searcher]


def small_evolution() -> RegularizedEvolution:
    return RegularizedEvolution(population=4, tournament=3)


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """Optuna logs every trial."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


@pytest.mark.parametrize("searcher", [*SEARCHERS, small_evolution], ids=[*SEARCHERS, "small evolution"])
class TestOptunasOwn(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    """Optuna's tests are methods of classes, and take a fixture that makes the sampler."""

    @pytest.fixture
    def sampler(self, searcher: str | Make) -> Callable[[], ArchsmithSampler]:
        return lambda: ArchsmithSampler(searcher, seed=0)


class Recording:
    """Random search that notes what it was told and which proposals were pending."""

    def __init__(self, notes: list[Any]) -> None:
        self.inner = SEARCHERS["random"]()
        self.notes = notes

    def ask(self, space: Any, rng: Any, pending: Any) -> Trace:
        self.notes.append(("pending", [space.values(trace) for trace in pending]))
        return self.inner.ask(space, rng, pending)

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        self.notes.append(("told", trace.as_dict(), values, violation))
        self.inner.tell(trace, values, violation=violation)


def recorded(direction: str = "minimize", **given: Any) -> tuple[optuna.Study, list[Any]]:
    notes: list[Any] = []
    sampler = ArchsmithSampler(lambda: Recording(notes), seed=0)
    directions = given.pop("directions", [direction])
    return optuna.create_study(directions=directions, sampler=sampler, **given), notes


def told(notes: list[Any]) -> list[Any]:
    return [note[1:] for note in notes if note[0] == "told"]


def net(trial: optuna.Trial) -> float:
    """From one to four layers of a width each; a rate that only one of two kinds has."""
    depth = trial.suggest_int("depth", 1, 4)
    widths = [trial.suggest_int(f"width{layer}", 8, 64, step=8) for layer in range(depth)]
    rate = 0.0
    if trial.suggest_categorical("kind", ["plain", "drop"]) == "drop":
        rate = trial.suggest_float("rate", 0.1, 0.5)
    return abs(sum(widths) - 120) + 100 * abs(rate - 0.3)


def test_the_conditions_of_an_objective_are_found_out() -> None:
    study = optuna.create_study(sampler=ArchsmithSampler("random", seed=0))
    study.optimize(net, n_trials=60)
    seen = SeenParameters(64)
    for trial in study.trials:
        seen.add(trial.distributions, trial.params)
    conditions = {each.name: (each.parent, set(each.when)) for each in seen.space.parameters}

    assert conditions == {
        "depth": (None, set()),
        "width0": (None, set()),
        "width1": ("depth", {1, 2, 3}),
        "width2": ("depth", {2, 3}),
        "width3": ("depth", {3}),
        "kind": (None, set()),
        "rate": ("kind", {1}),
    }
    assert "rate: FloatDistribution(high=0.5, log=False, low=0.1, step=None) if kind in [1]" in seen.space.text()


def test_every_completed_trial_is_a_trace_of_the_space_that_was_found_out() -> None:
    study = optuna.create_study(sampler=ArchsmithSampler("random", seed=1))
    seen = SeenParameters(64)
    for _ in range(25):
        study.optimize(net, n_trials=1)
        seen.add(study.trials[-1].distributions, study.trials[-1].params)
        for trial in study.trials:
            trace = seen.space.trace(trial.params)

            assert trace is not None
            assert replay(seen.space, trace).trace == trace
            assert seen.space.values(trace) == trial.params


def test_a_parameter_that_depends_on_two_others_is_left_to_chance() -> None:
    seen = SeenParameters(64)
    two, one = CategoricalDistribution((0, 1)), FloatDistribution(0.0, 1.0)
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        extra = {"x": 0.0} if a == b else {}
        seen.add({"a": two, "b": two, **dict.fromkeys(extra, one)}, {"a": a, "b": b, **extra})

    assert [each.name for each in seen.space.parameters] == ["a", "b"]


def test_a_parameter_whose_range_changes_is_left_to_chance() -> None:
    study = optuna.create_study(sampler=ArchsmithSampler(small_evolution, seed=0))
    study.optimize(lambda trial: trial.suggest_int("x", 0, trial.suggest_int("top", 5, 9)), n_trials=20)

    assert study.sampler.infer_relative_search_space(study, study.trials[0]) == {"top": IntDistribution(5, 9)}


def test_the_searcher_decides_what_is_known() -> None:
    early, late = 0.0, 0.0
    for seed in range(6):
        study = optuna.create_study(sampler=ArchsmithSampler(lambda: RegularizedEvolution(population=10), seed=seed))
        study.optimize(net, n_trials=80)
        early += sum(trial.values[0] for trial in study.trials[:15])
        late += sum(trial.values[0] for trial in study.trials[-15:])

    assert late < 0.7 * early


def test_no_configuration_is_proposed_twice_while_others_are_left() -> None:
    study = optuna.create_study(sampler=ArchsmithSampler("random", seed=0))
    study.optimize(lambda trial: trial.suggest_int("x", 0, 3) + trial.suggest_categorical("y", [0, 1]), n_trials=8)

    assert len({tuple(trial.params.items()) for trial in study.trials}) == 8


def test_a_study_is_the_same_for_the_same_seed() -> None:
    def params(seed: int) -> list[dict[str, Any]]:
        study = optuna.create_study(sampler=ArchsmithSampler(small_evolution, seed=seed))
        study.optimize(net, n_trials=20)
        return [trial.params for trial in study.trials]

    assert params(5) == params(5)
    assert params(5) != params(6)


def test_reseeding_changes_nothing_because_the_trial_number_makes_the_difference() -> None:
    first, second = ArchsmithSampler("random", seed=0), ArchsmithSampler("random", seed=0)
    second.reseed_rng()
    for sampler in (first, second):
        study = optuna.create_study(sampler=sampler)
        study.optimize(net, n_trials=6)
        trials = study.trials

        assert [trial.params for trial in trials] == [trial.params for trial in study.trials]
    assert len({tuple(trial.params.items()) for trial in trials}) == 6


@pytest.mark.parametrize("storage", ["sqlite", "journal"])
def test_a_study_is_taken_up_again_from_its_storage(storage: str, tmp_path: Path) -> None:
    def study(part: str, trials: int) -> list[dict[str, Any]]:
        path = tmp_path / part
        kept = RDBStorage(f"sqlite:///{path}") if storage == "sqlite" else JournalStorage(JournalFileBackend(str(path)))
        sampler = ArchsmithSampler(lambda: RegularizedEvolution(population=2, tournament=2), seed=2)
        found = optuna.create_study(storage=kept, study_name="sum", sampler=sampler, load_if_exists=True)
        found.optimize(lambda trial: trial.suggest_int("x", 0, 9) + trial.suggest_float("y", 0, 1), n_trials=trials)
        kept.remove_session()
        return [trial.params for trial in found.trials]

    for _ in range(2):
        halves = study("halves", 3)

    assert halves == study("whole", 6)


def test_workers_in_threads_share_a_study() -> None:
    study = optuna.create_study(sampler=ArchsmithSampler(small_evolution, seed=0))
    study.optimize(net, n_trials=40, n_jobs=4)

    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 40


def test_two_samplers_on_one_storage_know_each_others_trials() -> None:
    storage = optuna.storages.InMemoryStorage()
    studies = [
        optuna.create_study(
            storage=storage, study_name="x", sampler=ArchsmithSampler("random", seed=0), load_if_exists=True
        )
        for _ in range(2)
    ]
    trials = []
    for number in range(6):
        trial = studies[number % 2].ask()
        trials.append((trial.suggest_int("x", 0, 5),))
        studies[number % 2].tell(trial, 1.0)

    assert sorted(trials) == [(x,) for x in range(6)]


def test_running_trials_are_pending() -> None:
    study, notes = recorded()
    study.optimize(lambda trial: trial.suggest_int("x", 0, 5), n_trials=1)
    running = [study.ask() for _ in range(5)]
    proposed = [trial.suggest_int("x", 0, 5) for trial in running]

    assert len({*proposed, study.trials[0].params["x"]}) == 6
    assert notes[-1] == ("pending", [{"x": x} for x in proposed[:4]])


def test_values_are_told_to_be_maximised() -> None:
    study, notes = recorded("minimize")
    study.optimize(lambda trial: trial.suggest_int("x", 0, 5), n_trials=4)
    study.sampler.infer_relative_search_space(study, study.trials[0])

    assert told(notes) == [({"x": t.params["x"]}, -t.params["x"], 0.0) for t in study.trials]
    study, notes = recorded(directions=["maximize", "minimize"])
    study.optimize(lambda trial: (trial.suggest_int("x", 0, 5), 7.0), n_trials=2)
    study.sampler.infer_relative_search_space(study, study.trials[0])

    assert [values for _, values, _ in told(notes)] == [[t.params["x"], -7.0] for t in study.trials]


def test_constraints_are_told_by_how_much_they_are_broken() -> None:
    study, notes = recorded()
    for number, constraints in enumerate(((1.0, -3.0), (0.5, 0.25))):
        trial = study.ask()
        trial.suggest_int("x", 0, 5)
        for name, value in zip("ab", constraints, strict=True):
            trial.set_constraint(name, value)
        study.tell(trial, number)
    study.ask().suggest_int("x", 0, 5)

    assert [violation for _, _, violation in told(notes)] == [1.0, 0.75]


def test_a_pruned_trial_is_told_by_its_last_value_and_a_failed_one_as_a_failure() -> None:
    study, notes = recorded("maximize")
    study.optimize(lambda trial: trial.suggest_int("x", 0, 5), n_trials=1)
    for state in (TrialState.PRUNED, TrialState.FAIL, TrialState.PRUNED):
        trial = study.ask()
        trial.suggest_int("x", 0, 5)
        if len(study.trials) < 4:
            trial.report(0.25, 1)
            trial.report(0.5, 2)
        study.tell(trial, state=state)
    failed_early = study.ask()
    study.tell(failed_early, state=TrialState.FAIL)
    study.ask().suggest_int("x", 0, 5)

    assert [values for _, values, _ in told(notes)][1:] == [0.5, None, None]


def test_a_trial_that_somebody_else_set_is_told_too() -> None:
    study, notes = recorded()
    study.enqueue_trial({"x": 0.5004, "y": "b"})
    for _ in range(2):
        study.optimize(lambda t: t.suggest_float("x", 0, 1) + len(t.suggest_categorical("y", ["a", "b"])), n_trials=1)

    assert told(notes)[0][0] == {"x": 32, "y": 1}


@pytest.mark.parametrize(
    ("distribution", "levels"),
    [
        (CategoricalDistribution((None, "a", 2)), (None, "a", 2)),
        (IntDistribution(2, 10, step=4), (2, 6, 10)),
        (IntDistribution(0, 1000), (0, 250, 500, 750, 1000)),
        (IntDistribution(0, 100, step=10), (0, 20, 50, 70, 100)),
        (IntDistribution(1, 10_000, log=True), (1, 10, 100, 1000, 10_000)),
        (IntDistribution(1, 3, log=True), (1, 2, 3)),
        (FloatDistribution(0.0, 1.0), (0.0, 0.25, 0.5, 0.75, 1.0)),
        (FloatDistribution(0.0, 0.3, step=0.1), (0.0, 0.1, 0.2, pytest.approx(0.3))),
        (FloatDistribution(1e-4, 1.0, log=True), (1e-4, *(pytest.approx(10.0**power) for power in (-3, -2, -1)), 1.0)),
    ],
    ids=str,
)
def test_a_parameter_has_all_its_values_or_five_of_them(distribution: Any, levels: tuple[Any, ...]) -> None:
    found = levels_of(distribution, 5)

    assert found == levels
    assert all(distribution._contains(distribution.to_internal_repr(value)) for value in found)
    assert len(levels_of(distribution, 64)) >= len(found)


def test_nobody_asks_an_empty_space() -> None:
    assert derive(SeenParameters(64).space, lambda decision, prefix: 0).trace == Trace()


def test_mistakes_are_found_when_the_sampler_is_made() -> None:
    with pytest.raises(UserError, match="a searcher must be one of .*evolution.*; got 'best'"):
        ArchsmithSampler("best")
    with pytest.raises(UserError, match="searcher evolution takes .*; got size"):
        ArchsmithSampler("evolution", options={"size": 3})
    with pytest.raises(UserError, match="options are for a searcher given by name"):
        ArchsmithSampler(small_evolution, options={"population": 3})
    with pytest.raises(UserError, match="a name or a function that makes a searcher; got 3"):
        ArchsmithSampler(3)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="levels must be an integer of at least 2; got 1"):
        ArchsmithSampler(levels=1)


def test_without_optuna_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna.samplers", None)
    monkeypatch.delitem(sys.modules, "archsmith.search.to_optuna")

    with pytest.raises(UserError, match="pip install 'optuna>=5'"):
        import_module("archsmith.search.to_optuna")
