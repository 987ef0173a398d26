"""Optuna's samplers as searchers: they keep the contract, and see a study that is worth sampling from."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

import optuna
import pytest

from archsmith.graph.errors import UserError
from archsmith.search.from_optuna import SAMPLERS, OptunaSearcher
from archsmith.search.optuna_study import parameter_of
from archsmith.search.searcher import Searcher
from archsmith.spaces.decisions import Decision, Space, Trace
from archsmith.spaces.nodes import chain, choose, op, optional
from archsmith.spaces.space import search_space
from archsmith.spaces.suggest import suggest
from tests.contracts.searcher import CLAUSES, Make
from tests.search.small_spaces import CONDITIONAL, HALF_DEAD, PLAIN, SIX


def tpe(**options: object) -> OptunaSearcher:
    return OptunaSearcher(sampler="tpe", options={"n_startup_trials": 4, **options})


def small_populations(seed: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.NSGAIISampler(seed=seed, population_size=4)


MAKES: dict[str, Make] = {
    "random": partial(OptunaSearcher, sampler="random"),
    "tpe": tpe,
    "nsgaii": lambda: OptunaSearcher(sampler=small_populations),
}
OTHERS: dict[str, Make] = {
    "gp": lambda: OptunaSearcher(sampler="gp", options={"n_startup_trials": 4}),
    "grouped tpe": lambda: tpe(multivariate=True, group=True),
    "nsgaiii": lambda: OptunaSearcher(sampler="nsgaiii", options={"population_size": 4}),
    "qmc": lambda: OptunaSearcher(sampler="qmc", options={"scramble": True, "seed": 1}),
    "brute_force": lambda: OptunaSearcher(sampler="brute_force"),
}


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """Optuna logs what it does."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
@pytest.mark.parametrize("name", MAKES)
def test_a_sampler(name: str, clause: Callable[[Make], None]) -> None:
    clause(MAKES[name])


def size(trace: Trace) -> float:
    return float(sum(answer for _, answer in trace.answers if isinstance(answer, int)))


def studied(searcher: Searcher, space: Space, trials: int) -> list[Trace]:
    traces = []
    for number in range(trials):
        traces.append(searcher.ask(space, Random(number), ()))
        searcher.tell(traces[-1], None if number % 5 == 4 else size(traces[-1]))
    return traces


@pytest.mark.parametrize("name", OTHERS)
def test_other_samplers_propose_new_valid_traces_and_resume_by_being_told(name: str) -> None:
    traces = studied(OTHERS[name](), CONDITIONAL, 8)
    resumed = OTHERS[name]()
    for number, trace in enumerate(traces[:7]):
        resumed.tell(trace, None if number % 5 == 4 else size(trace))

    assert len(set(traces)) == 8
    assert resumed.ask(CONDITIONAL, Random(7), ()) == traces[7]


def test_every_named_sampler_is_tested() -> None:
    assert set(SAMPLERS) <= {*MAKES, *OTHERS, "cmaes"}


def test_tpe_finds_larger_sums_than_random_search() -> None:
    wide = search_space(chain(*(op("linear", out=choose(*range(2, 12))) for _ in range(6))), input=(3,))

    assert max(map(size, studied(tpe(), wide, 60))) > max(map(size, studied(MAKES["random"](), wide, 60)))


def test_the_sampler_knows_parameters_by_the_names_that_suggest_gives_them() -> None:
    space = search_space(
        chain(
            op("linear", out=choose(8, 16, 24)),
            op("linear", out=choose(8, 16, 32)),
            optional(op("relu")),
            op("linear", out=choose(*(2**power for power in range(21)))),
        ),
        input=(4,),
    )
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    found = suggest(space, trial)
    parameters = [parameter_of(decision) for decision in found.asked]

    assert {parameter.name: parameter.distribution for parameter in parameters} == trial.distributions
    assert [
        parameter.value(label) for parameter, (_, label) in zip(parameters, found.trace.answers, strict=True)
    ] == list(trial.params.values())


def test_a_decision_is_one_parameter_wherever_options_lead_nowhere() -> None:
    whole, narrow = Decision("width", (2, 3, 4), ordered=True), Decision("width", (2,), ordered=True, whole=(2, 3, 4))

    assert parameter_of(narrow) == parameter_of(whole)


class Watching(optuna.samplers.RandomSampler):
    """Notes the trials that it was shown."""

    def __init__(self, seed: int, seen: list[list[optuna.trial.FrozenTrial]]) -> None:
        super().__init__(seed=seed)
        self.seen = seen

    def sample_independent(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        param_name: str,
        param_distribution: optuna.distributions.BaseDistribution,
    ) -> object:
        self.seen.append(study.get_trials(deepcopy=False))
        return super().sample_independent(study, trial, param_name, param_distribution)


def test_the_sampler_sees_what_was_told_and_what_is_pending() -> None:
    seen: list[list[optuna.trial.FrozenTrial]] = []
    searcher = OptunaSearcher(sampler=lambda seed: Watching(seed, seen))
    told = [searcher.ask(SIX, Random(number), ()) for number in (0, 1, 5)]
    for trace, value, violation in zip(told, ((1.0, 1e300), (2.0, 0.0), None), (0.5, 0.0, 0.0), strict=True):
        searcher.tell(trace, value, violation=violation)
    waiting = searcher.ask(SIX, Random(9), ())
    searcher.ask(SIX, Random(0), (waiting,))
    first, second, third, pending, own = seen[-1]

    assert [trial.state.name for trial in seen[-1]] == ["COMPLETE", "COMPLETE", "FAIL", "RUNNING", "RUNNING"]
    assert [first.values, second.values, third.values] == [[1.0, 1e100], [2.0, 0.0], None]
    assert [first.constraints, second.constraints, third.constraints] == [{"violation": 0.5}, {"violation": 0.0}, {}]
    assert list(pending.params.values()) == [label for _, label in waiting.answers]
    assert len(own.params) < 2


def test_what_is_told_again_takes_the_place_of_what_was_told() -> None:
    seen: list[list[optuna.trial.FrozenTrial]] = []
    searcher = OptunaSearcher(sampler=lambda seed: Watching(seed, seen))
    traces = studied(searcher, SIX, 2)
    searcher.tell(traces[0], 7.0)
    searcher.ask(SIX, Random(0), ())

    assert [trial.values for trial in seen[-1][:-1]] == [[7.0], [size(traces[1])]]


def test_several_objectives_and_constraints_go_to_the_samplers_that_take_them() -> None:
    for make in (tpe, MAKES["nsgaii"]):
        searcher, again = make(), make()
        history = []
        for number in range(12):
            trace = searcher.ask(PLAIN, Random(number), ())
            history.append(trace)
            for either in (searcher, again):
                either.tell(trace, (size(trace), -(size(trace) ** 2)), violation=max(0.0, size(trace) - 14))

        assert len(set(history)) == 12
        assert again.ask(PLAIN, Random(99), ()) == searcher.ask(PLAIN, Random(99), ())


def test_the_number_of_values_stays_that_of_the_first_trial() -> None:
    searcher = tpe()
    first, second = (searcher.ask(PLAIN, Random(number), ()) for number in range(2))
    searcher.tell(first, (1.0, 2.0))

    with pytest.raises(UserError, match="must have 2 values, as the first had; got 1"):
        searcher.tell(second, 1.0)


def test_a_genetic_sampler_goes_on_from_generation_to_generation() -> None:
    seen: list[list[optuna.trial.FrozenTrial]] = []

    class Watched(optuna.samplers.NSGAIISampler):
        """Notes the trials that it breeds from."""

        def sample_relative(
            self, study: optuna.Study, trial: optuna.trial.FrozenTrial, search_space: Any
        ) -> dict[str, Any]:
            seen.append(study.get_trials(deepcopy=False))
            return super().sample_relative(study, trial, search_space)

    wide = search_space(chain(*(op("linear", out=choose(2, 3, 4)) for _ in range(5))), input=(3,))
    studied(OptunaSearcher(sampler=lambda seed: Watched(seed=seed, population_size=4)), wide, 21)
    generations = [trial.system_attrs["Watched:generation"] for trial in seen[-1] if trial.values]

    assert generations == [number // 4 for number in range(16)]


def test_an_option_that_leads_nowhere_gives_way_to_the_nearest() -> None:
    searcher = OptunaSearcher(
        sampler=lambda seed: optuna.samplers.PartialFixedSampler(
            {"linear.out index in [2, 3, 5]": 0}, optuna.samplers.RandomSampler(seed=seed)
        )
    )
    space = search_space(op("linear", out=choose(2, 3, 5)), input=(3,), require="parameters >= 10")

    assert searcher.ask(space, Random(0), ()).as_dict() == {"linear.out": 3}


def test_mistakes_are_found_when_the_searcher_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="sampler must be one of brute_force, .*tpe; got 'bayes'"):
        OptunaSearcher(sampler="bayes")
    with pytest.raises(UserError, match=r"sampler tpe with options \{'startup': 3\}: .*startup"):
        OptunaSearcher(sampler="tpe", options={"startup": 3})
    with pytest.raises(UserError, match="sampler nsgaii with options .*population_size"):
        OptunaSearcher(sampler="nsgaii", options={"population_size": 1})
    with pytest.raises(UserError, match="options are for a sampler given by name"):
        OptunaSearcher(sampler=small_populations, options={"population_size": 3})
    with pytest.raises(UserError, match="function of a seed"):
        OptunaSearcher(sampler=optuna.samplers.RandomSampler())  # type: ignore[arg-type]
    with pytest.raises(UserError, match="must give a sampler of Optuna for a seed; got 0"):
        OptunaSearcher(sampler=lambda seed: seed)  # type: ignore[arg-type,return-value]
    monkeypatch.setitem(sys.modules, "cmaes", None)
    with pytest.raises(UserError, match="pip install 'cmaes'"):
        OptunaSearcher(sampler="cmaes")
    monkeypatch.setitem(sys.modules, "optuna.samplers", None)
    with pytest.raises(UserError, match="pip install 'optuna>=5'"):
        OptunaSearcher()


def test_a_trace_of_another_space_is_refused() -> None:
    searcher = tpe()
    searcher.tell(studied(tpe(), HALF_DEAD, 1)[0], 1.0)

    with pytest.raises(UserError, match="of another space"):
        searcher.ask(SIX, Random(0), ())
