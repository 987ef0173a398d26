"""A space under Optuna itself: what its trials are asked, what they lead to, and what its samplers make of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from archsmith.graph.builder import Builder
from archsmith.graph.cost import parameters
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Decision, Derivation, Label, Space, Steps, replay
from archsmith.spaces.growth import GrowthSpace
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, permutation, repeat
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.suggest import suggest
from tests.spaces.leaves import CLOSED, COUPLED, DENSE, TIGHT
from tests.spaces.ties import TIES
from tests.spaces.treeless import Shrinking


@dataclass
class Dynamic:
    """One name, and options that another answer decides: of every kind that a parameter can have."""

    kinds: tuple[tuple[Label, ...], ...] = (
        (1, 2, 3),
        (2, 4, 6),
        (1, 2, 4),
        (0.1, 0.5),
        ("a", "b"),
        (False, True),
        (5, 4),
    )
    ordered: bool = True
    answers: list[Label] = field(default_factory=list)

    def walk(self) -> Steps[Graph]:
        kind = yield Decision("kind", tuple(range(len(self.kinds))))
        self.answers.append((yield Decision("same", self.kinds[int(kind)], self.ordered)))
        builder = Builder(DECLARED)
        builder.add("linear", builder.input(TensorType((1, 4))), out=2)
        return builder.finish(*builder.unused())

    def text(self) -> str:
        return "options that another answer decides"


GROWN = GrowthSpace(DECLARED, nodes=2, inputs=1)
TIED = {name: space for name, space in TIES.items() if name != "nothing"}
SPACES: dict[str, Space] = {
    "dense": DENSE, "tight": TIGHT, "coupled": COUPLED, "grown": GROWN, "ordered": Dynamic(),
    "words": Dynamic(ordered=False), "treeless": Shrinking(6, (2, 3, 5), (1, 2, 3)), **TIED
}  # fmt: skip


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """Optuna logs every trial."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def size(found: Derivation) -> int:
    assert found.graph is not None
    return parameters(found.graph, DECLARED)


def samplers(seed: int) -> dict[str, optuna.samplers.BaseSampler]:
    return {
        "random": optuna.samplers.RandomSampler(seed=seed),
        "tpe": optuna.samplers.TPESampler(seed=seed, n_startup_trials=4),
    }


def answered(space: Space, **params: Label) -> Derivation:
    return suggest(space, optuna.trial.FixedTrial(params))


@pytest.mark.parametrize("sampler", ["random", "tpe"])
@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_trial_is_a_valid_architecture_and_its_parameters_lead_there_again(space: Space, sampler: str) -> None:
    study = optuna.create_study(sampler=samplers(0)[sampler])
    for _ in range(12):
        trial = study.ask()
        found = suggest(space, trial)
        study.tell(trial, size(found))

        assert found == replay(space, found.trace)
        assert found.graph is not None
        assert suggest(space, optuna.trial.FixedTrial(trial.params)) == found


def test_numbers_in_equal_steps_are_asked_as_they_are_and_other_sizes_by_their_place() -> None:
    space = search_space(
        chain(
            op("linear", out=choose(8, 16, 24)),
            op("linear", out=choose(8, 16, 32)),
            op("hardtanh", high=choose(1.0, 6.0)),
            optional(op("relu")),
            op("linear", out=choose(8, 16, 24, ordered=False)),
        ),
        input=(4,),
    )
    trial = optuna.create_study(sampler=samplers(0)["random"]).ask()
    trace = suggest(space, trial).trace.as_dict()
    distributions = trial.distributions

    assert distributions == {
        "0/linear.out": optuna.distributions.IntDistribution(8, 24, step=8),
        "1/linear.out index in [8, 16, 32]": optuna.distributions.IntDistribution(0, 2),
        "2/hardtanh.high index in [1.0, 6.0]": optuna.distributions.IntDistribution(0, 1),
        "3/optional in [False, True]": optuna.distributions.CategoricalDistribution((False, True)),
        "4/linear.out in [8, 16, 24]": optuna.distributions.CategoricalDistribution((8, 16, 24)),
    }
    assert trace["0/linear.out"] == trial.params["0/linear.out"]
    assert trace["1/linear.out"] == (8, 16, 32)[trial.params["1/linear.out index in [8, 16, 32]"]]
    assert trace["3/optional"] == trial.params["3/optional in [False, True]"]


def test_sizes_that_fall_are_asked_from_the_least() -> None:
    space = Dynamic(kinds=((30, 20, 10), (1, 2)))

    assert answered(space, **{"kind in [0, 1]": 0, "same": 30}).trace.as_dict() == {"kind": 0, "same": 30}


def test_many_options_stand_in_the_name_as_a_digest() -> None:
    branches = [op("linear", out=number) for number in range(1, 100)]
    trial = optuna.create_study(sampler=samplers(0)["random"]).ask()
    suggest(search_space(any_of(*branches), input=(4,)), trial)
    (name,) = trial.params

    assert name.startswith("any_of in [")
    assert len(name) == len("any_of in []") + 16


def test_an_answer_that_is_a_dead_end_is_taken_back_and_asked_without_that_option() -> None:
    space = Shrinking(4, (2, 3, 9, 8), depths=(1, 2), ordered=False)
    first, second, third = "kernel0 in [2, 3, 9, 8]", "kernel0 in [2, 3, 8]", "kernel0 in [2, 3]"
    found = answered(space, **{"depth": 1, first: 9, second: 8, third: 3})

    assert found.trace.as_dict() == {"depth": 1, "kernel0": 3}


def test_a_number_that_is_a_dead_end_is_asked_again_under_another_name() -> None:
    found = answered(Shrinking(3, (2, 3, 4, 5)), **{"kernel0": 5, "kernel0 index in [2, 3, 4]": 1})

    assert found.trace.as_dict() == {"kernel0": 3}


def test_the_only_option_that_is_left_is_not_asked() -> None:
    assert answered(Shrinking(3, (2, 5)), kernel0=5).trace.as_dict() == {"kernel0": 2}


def test_a_space_without_a_valid_architecture_says_so() -> None:
    with pytest.raises(UserError, match="no architecture of this space is valid"):
        suggest(CLOSED, optuna.create_study(sampler=samplers(0)["random"]).ask())


def nets() -> TreeSpace:
    """1638 networks of one to three layers."""
    layer = chain(op("linear", out=choose(4, 8, 16)), any_of(op("relu"), op("tanh"), op("gelu")))
    return search_space(chain(repeat(layer, choose(1, 2, 3)), permutation(op("layer_norm"), op("silu"))), input=(8,))


def distance(found: Derivation) -> int:
    """From 300 parameters."""
    return abs(size(found) - 300)


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_study_of_30_trials_gets_better(sampler: str) -> None:
    study = optuna.create_study(sampler=samplers(2)[sampler])
    study.optimize(lambda trial: distance(suggest(nets(), trial)), n_trials=30)
    first = study.trials[0].value
    best = suggest(nets(), study.best_trial)

    assert first is not None
    assert study.best_value < first / 4
    assert distance(best) == study.best_value


def test_a_study_is_taken_up_again_from_its_file(tmp_path: Path) -> None:
    for seed in range(2):
        storage = JournalStorage(JournalFileBackend(str(tmp_path / "journal")))
        study = optuna.create_study(
            study_name="nets", storage=storage, sampler=samplers(seed)["tpe"], load_if_exists=True
        )
        for space in (nets(), TIGHT, Dynamic(), Dynamic(ordered=False)):
            study.optimize(lambda trial, space=space: size(suggest(space, trial)), n_trials=8)  # type: ignore[misc]

    assert len(study.trials) == 64
    assert {trial.state for trial in study.trials} == {optuna.trial.TrialState.COMPLETE}


def test_what_draws_at_random_needs_no_optuna() -> None:
    class Drawn:
        """Two methods are enough."""

        def __init__(self, rng: Random) -> None:
            self.rng, self.known = rng, dict[str, Label]()

        def suggest_categorical(self, name: str, choices: tuple[Label, ...]) -> Label:
            return self.known.setdefault(name, self.rng.choice(choices))

        def suggest_int(self, name: str, low: int, high: int, *, step: int = 1) -> int:
            return int(self.known.setdefault(name, self.rng.randrange(low, high + 1, step)))

    found = {suggest(COUPLED, Drawn(Random(seed))).trace for seed in range(30)}  # type: ignore[arg-type]

    assert len(found) == 3
