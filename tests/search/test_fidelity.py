"""Who is trained on: laws over random learning curves, with a driver that any number of workers serves."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.search.fidelity import Promote, Run, RunState, Start, Wait
from archsmith.search.halving import make_fidelity, rungs_of

RUNNING, PAUSED, ENDED = RunState.RUNNING, RunState.PAUSED, RunState.ENDED
KINDS = ("halving", "hyperband", "asha")


@dataclass
class Driver:
    """Serves a study of ``trials`` with ``workers``; what ends first, how well, and what fails is drawn by seed."""

    kind: str
    options: Mapping[str, int]
    trials: int
    workers: int = 1
    seed: int = 0
    failing: float = 0.0
    runs: list[Run] = field(default_factory=list)
    targets: dict[int, int] = field(default_factory=dict)
    steps: list[tuple[tuple[Run, ...], Start | Promote | Wait]] = field(default_factory=list)
    """What was answered to which runs."""
    spent: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self.fidelity = make_fidelity(self.kind, **self.options)

    @property
    def rungs(self) -> tuple[int, ...]:
        return rungs_of(self.options["epochs"], self.options.get("least", 1), self.options.get("reduction", 3))

    @property
    def reduction(self) -> int:
        return self.options.get("reduction", 3)

    def run(self) -> "Driver":
        while self.turn():
            pass
        return self

    def turn(self) -> bool:
        """Give every free worker something to do, then let one trial reach its rung; False where the study is over."""
        while len(self.targets) < self.workers:
            step = self.fidelity.next(self.runs, may_start=len(self.runs) < self.trials)
            self.steps.append((tuple(self.runs), step))
            if isinstance(step, Wait):
                break
            self._begin(step)
        if not self.targets:
            return False
        self._finish(self._random.choice(sorted(self.targets)))
        return True

    def _begin(self, step: Start | Promote) -> None:
        number = len(self.runs) if isinstance(step, Start) else step.number
        if isinstance(step, Start):
            self.runs.append(Run(number, step.bracket, 0, None, RUNNING))
        else:
            self.runs[number] = replace(self.runs[number], state=RUNNING)
        self.targets[number] = step.epochs

    def _finish(self, number: int) -> None:
        run, reached = self.runs[number], self.targets.pop(number)
        value: float | None = round(self._random.random(), 1)
        state = ENDED if reached == self.options["epochs"] else PAUSED
        if self._random.random() < self.failing:
            reached, state = self._random.randrange(run.epochs, reached), ENDED
            value = self._random.choice([None, -inf])
        self.spent[number] += reached - run.epochs
        self.runs[number] = replace(run, epochs=reached, value=value, state=state)


SIZES = (
    {"epochs": 9},
    {"epochs": 27},
    {"epochs": 100, "least": 4},
    {"epochs": 16, "reduction": 2},
    {"epochs": 200, "least": 12, "reduction": 16},
)


@st.composite
def drivers(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS, failing: tuple[float, ...] = (0.0, 0.1, 0.6)) -> Driver:
    kind, options = draw(st.sampled_from(kinds)), draw(st.sampled_from(SIZES))
    trials, workers, seed = draw(st.integers(1, 60)), draw(st.integers(1, 6)), draw(st.integers(0, 2**32))
    return Driver(kind, options, trials, workers, seed, draw(st.sampled_from(failing)))


def promotions(driver: Driver) -> list[tuple[tuple[Run, ...], Promote]]:
    return [(runs, step) for runs, step in driver.steps if isinstance(step, Promote)]


def has_value(run: Run) -> bool:
    return run.value is not None and run.value > -inf


@given(drivers())
def test_a_study_starts_all_its_trials_and_ends(driver: Driver) -> None:
    driver.run()

    assert len(driver.runs) == driver.trials
    assert driver.steps[-1][1] == Wait()
    assert all(run.state is not RUNNING for run in driver.runs)


@given(drivers())
def test_it_only_starts_what_the_budget_allows_and_only_waits_for_what_runs(driver: Driver) -> None:
    driver.run()

    for runs, step in driver.steps[:-1]:
        if isinstance(step, Start):
            assert len(runs) < driver.trials
        if isinstance(step, Wait):
            assert len(runs) == driver.trials
            assert any(run.state is RUNNING for run in runs)


@given(drivers())
def test_only_what_waits_with_a_value_is_promoted_and_one_rung_at_a_time(driver: Driver) -> None:
    driver.run()

    for runs, step in promotions(driver):
        promoted = runs[step.number]
        assert promoted.state is PAUSED
        assert has_value(promoted)
        assert step.epochs == min(rung for rung in driver.rungs if rung > promoted.epochs)


@given(drivers())
def test_nothing_better_waits_beside_what_is_promoted(driver: Driver) -> None:
    driver.run()

    for runs, step in promotions(driver):
        promoted = runs[step.number]
        peers = [run for run in runs if run.state is PAUSED and has_value(run)]
        beside = [run for run in peers if (run.bracket, run.epochs) == (promoted.bracket, promoted.epochs)]
        assert promoted == max(beside, key=lambda run: (run.value, -run.number))


@given(drivers())
def test_a_study_ends_with_a_trained_trial_unless_all_failed(driver: Driver) -> None:
    driver.run()
    trained = [run for run in driver.runs if run.epochs == driver.options["epochs"] and has_value(run)]

    assert trained or not any(map(has_value, driver.runs))


@given(drivers())
def test_no_trial_is_trained_twice_for_the_same_epochs(driver: Driver) -> None:
    driver.run()

    assert all(driver.spent[run.number] == run.epochs for run in driver.runs)


@given(drivers(), st.integers(0, 100), st.randoms(use_true_random=False))
def test_the_same_runs_in_any_order_give_the_same_answer(driver: Driver, turns: int, rng: Random) -> None:
    for _ in range(turns):
        driver.turn()
    resumed = make_fidelity(driver.kind, **driver.options)
    shuffled = rng.sample(driver.runs, len(driver.runs))

    for may_start in (True, False):
        expected = driver.fidelity.next(driver.runs, may_start=may_start)
        assert expected == resumed.next(shuffled, may_start=may_start)


@given(drivers(kinds=("halving", "hyperband")))
def test_a_synchronous_rung_waits_for_all_of_it(driver: Driver) -> None:
    driver.run()

    for runs, step in promotions(driver):
        promoted = runs[step.number]
        peers = [run for run in runs if run.bracket == promoted.bracket]
        assert not any(run.state is RUNNING and run.epochs < promoted.epochs for run in peers)
        later = [run for run in driver.runs[len(runs) :] if run.bracket == promoted.bracket]
        assert not later


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 2**32), st.sampled_from(SIZES))
def test_every_rung_of_a_full_bracket_passes_on_its_share(
    brackets: int, workers: int, seed: int, options: Mapping[str, int]
) -> None:
    driver = Driver("halving", options, 0, workers, seed)
    size = driver.reduction ** (len(driver.rungs) - 1)
    driver.trials = min(brackets, 3) * size
    driver.run()

    for bracket in range(driver.trials // size):
        reached = [run.epochs for run in driver.runs if run.bracket == bracket]
        counts = [sum(epochs >= rung for epochs in reached) for rung in driver.rungs]
        assert counts == [size // driver.reduction**place for place in range(len(driver.rungs))]


@given(drivers(kinds=("asha",), failing=(0.0,)))
def test_asynchronous_rungs_are_never_larger_than_their_share(driver: Driver) -> None:
    driver.run()

    for runs, step in promotions(driver):
        epochs = runs[step.number].epochs
        reached = sum(run.epochs >= epochs for run in runs)
        beyond = sum(run.epochs > epochs or (run.epochs == epochs and run.state is RUNNING) for run in runs)
        last_chance = len(runs) == driver.trials and not any(run.state is RUNNING for run in runs)
        assert (beyond + 1) * driver.reduction <= reached or last_chance


@given(drivers(kinds=("asha",)))
def test_an_asynchronous_worker_never_waits_while_there_is_a_trial_to_start(driver: Driver) -> None:
    driver.run()

    assert all(len(runs) == driver.trials for runs, step in driver.steps if isinstance(step, Wait))


def test_hyperband_begins_its_brackets_as_the_paper_does() -> None:
    driver = Driver("hyperband", {"epochs": 81}, 81 + 34 + 15 + 8 + 5 + 1)
    driver.run()
    starts = [step for _, step in driver.steps if isinstance(step, Start)]
    counts = Counter((step.bracket, step.epochs) for step in starts)

    assert counts == {(0, 1): 81, (1, 3): 34, (2, 9): 15, (3, 27): 8, (4, 81): 5, (5, 1): 1}


def test_hyperband_narrows_its_brackets_as_the_paper_does() -> None:
    driver = Driver("hyperband", {"epochs": 81}, 81 + 34).run()
    reached = [[run.epochs for run in driver.runs if run.bracket == bracket] for bracket in (0, 1)]
    counts = [[sum(epochs >= rung for epochs in found) for rung in (1, 3, 9, 27, 81)] for found in reached]

    assert counts == [[81, 27, 9, 3, 1], [34, 34, 11, 3, 1]]


def test_one_worker_halves_step_by_step() -> None:
    halving = make_fidelity("halving", epochs=9, trials=3)
    runs = [Run(0, 0, 1, 0.1, PAUSED), Run(1, 0, 1, 0.7, PAUSED)]
    third = halving.next(runs, may_start=True)
    runs.append(Run(2, 0, 1, 0.7, PAUSED))
    promoted = halving.next(runs, may_start=True)
    runs[1] = Run(1, 0, 3, 0.6, PAUSED)
    to_the_end = halving.next(runs, may_start=True)
    runs[1] = Run(1, 0, 9, 0.9, ENDED)

    assert (third, promoted, to_the_end) == (Start(0, 1), Promote(1, 3), Promote(1, 9))
    assert halving.next(runs, may_start=True) == Start(1, 1)
    assert halving.next(runs, may_start=False) == Wait()


def test_a_free_worker_begins_the_next_bracket_while_a_rung_waits() -> None:
    halving = make_fidelity("halving", epochs=9, trials=3)
    runs = [Run(0, 0, 1, 0.1, PAUSED), Run(1, 0, 1, 0.7, PAUSED), Run(2, 0, 0, None, RUNNING)]

    assert halving.next(runs, may_start=True) == Start(1, 1)
    assert halving.next(runs, may_start=False) == Wait()


def test_the_earliest_bracket_is_promoted_first() -> None:
    halving = make_fidelity("halving", epochs=9, trials=3)
    runs = [Run(number, number // 3, 1, 0.1 * number, PAUSED) for number in range(6)]

    assert halving.next(runs[::-1], may_start=True) == Promote(2, 3)


def test_a_bracket_that_the_budget_cuts_short_shrinks_in_proportion() -> None:
    halving = make_fidelity("halving", epochs=9, trials=9)
    runs = [Run(number, 0, 1, 0.1 * number, PAUSED) for number in range(6)]
    first = halving.next(runs, may_start=False)
    runs[5] = Run(5, 0, 1, 0.5, RUNNING)
    second = halving.next(runs, may_start=False)
    runs[4] = Run(4, 0, 1, 0.4, RUNNING)

    assert (first, second) == (Promote(5, 3), Promote(4, 3))
    assert halving.next(runs, may_start=False) == Wait()


def test_where_no_rung_would_pass_on_any_the_best_of_the_highest_is_trained_to_the_end() -> None:
    asha = make_fidelity("asha", epochs=9)
    runs = [Run(0, 0, 3, 0.1, PAUSED), Run(1, 0, 1, 0.9, PAUSED), Run(2, 0, 1, 0.8, PAUSED)]

    assert asha.next(runs, may_start=True) == Start(0, 1)
    assert asha.next(runs, may_start=False) == Promote(0, 9)


def test_asynchronous_promotion_prefers_the_highest_rung() -> None:
    asha = make_fidelity("asha", epochs=9)
    low = [Run(number, 0, 1, 0.1 * number, PAUSED) for number in range(9)]
    high = [Run(number, 0, 3, 0.1, PAUSED) for number in range(9, 12)]

    assert asha.next(low[:2], may_start=True) == Start(0, 1)
    assert asha.next(low[:3], may_start=True) == Promote(2, 3)
    assert asha.next(low + high, may_start=True) == Promote(9, 9)


def test_a_trial_that_was_stopped_for_good_takes_part_in_no_promotion() -> None:
    halving = make_fidelity("halving", epochs=9, trials=3)
    stopped = Run(0, 0, 1, 0.9, ENDED)
    runs = [stopped, Run(1, 0, 1, 0.2, PAUSED), Run(2, 0, 1, 0.3, PAUSED)]

    assert halving.next(runs, may_start=True) == Promote(2, 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [None, -inf, inf, nan])
def test_what_has_no_value_is_never_promoted(kind: str, value: float | None) -> None:
    fidelity = make_fidelity(kind, epochs=9)
    runs = [Run(number, 0, 1, value, PAUSED) for number in range(9)]

    assert isinstance(fidelity.next(runs, may_start=True), Start)
    assert fidelity.next(runs, may_start=False) == Wait()


@pytest.mark.parametrize(
    ("numbers", "rungs"),
    [
        ((9, 1, 3), (1, 3, 9)),
        ((100, 1, 3), (1, 3, 11, 33, 100)),
        ((100, 4, 3), (11, 33, 100)),
        ((200, 12, 16), (12, 200)),
        ((2, 1, 2), (1, 2)),
    ],
)
def test_rungs_go_down_from_the_full_training(numbers: tuple[int, int, int], rungs: tuple[int, ...]) -> None:
    assert rungs_of(*numbers) == rungs


@given(st.integers(2, 500), st.integers(1, 20), st.integers(2, 5))
def test_rungs_rise_from_no_less_than_the_least(epochs: int, least: int, reduction: int) -> None:
    if epochs // reduction < least:
        with pytest.raises(UserError, match="a fidelity compares trials before their last epoch"):
            rungs_of(epochs, least, reduction)
        return
    rungs = rungs_of(epochs, least, reduction)

    assert rungs[-1] == epochs
    assert rungs[0] >= least
    assert rungs[0] // reduction < least
    assert list(rungs) == sorted(set(rungs))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("grid", {"epochs": 9}, "a fidelity must be one of asha, halving, hyperband; got 'grid'"),
        ("asha", {"epochs": 9, "trials": 3}, "fidelity asha takes the options least, reduction; got trials"),
        ("asha", {"epochs": 1}, "a fidelity's epochs must be an integer of at least 2; got 1"),
        ("halving", {"epochs": 9, "trials": 1}, "a fidelity's trials must be an integer of at least 2; got 1"),
        ("hyperband", {"epochs": 9, "reduction": 1}, "a fidelity's reduction must be an integer of at least 2; got 1"),
        ("hyperband", {"epochs": 9, "least": 0}, "a fidelity's least must be an integer of at least 1; got 0"),
    ],
)
def test_options_are_checked(name: str, options: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_fidelity(name, **options)
