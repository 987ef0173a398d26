"""Laws of the best so far and of figures, over any trials."""

from dataclasses import replace
from datetime import timedelta
from math import sqrt

from hypothesis import given
from hypothesis import strategies as st

from archsmith.jobs.curves import figure, reference_of, run_of
from archsmith.storage.facts import JobState, Study, Trial, TrialState
from archsmith.storage.goals import Direction, Objective
from tests.jobs.shelf import BOTH, SPEC, START, End, result

VALUES = st.integers(-8, 8).map(float)
DIRECTIONS = st.sampled_from(Direction)


def a_study(objectives: tuple[Objective, ...], trials: list[Trial]) -> Study:
    spec = replace(SPEC, objectives=objectives)
    counts = {state: sum(trial.state is state for trial in trials) for state in TrialState}
    return Study(1, "one", spec, JobState.FINISHED, START, None, None, None, counts, None, None)


def ended(ends: list[End]) -> list[Trial]:
    """Trials that ended like that, one after the other."""
    found = []
    for number, end in enumerate(ends):
        assert end is not None
        came, over = result(end), START + timedelta(seconds=10 * (number + 1))
        began = over - timedelta(seconds=10)
        found.append(Trial(number, 1, number, came.state, {}, "graph", 1, began, over, came))
    return found


@given(st.lists(VALUES | st.just(TrialState.CRASHED), max_size=12), DIRECTIONS)
def test_the_best_so_far_is_the_best_of_all_that_ended(ends: list[End], direction: Direction) -> None:
    trials = ended(ends)
    objectives = (Objective("score", direction),)
    run = run_of(a_study(objectives, trials), trials[::-1], "trials", None)
    best = max if direction is Direction.MAX else min

    for count in range(len(ends) + 1):
        values = [end for end in ends[:count] if isinstance(end, float)]
        assert run.at(count) == best(values, default=None)
        assert run.at(count + 0.5) == run.at(count)
    assert run.final == run.at(len(ends))
    assert (run.best is None) == (run.final is None)
    assert run.best is None or ends[run.best] == run.final
    assert (run.ended, run.failed, run.spent) == (len(ends), ends.count(TrialState.CRASHED), len(ends))


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=8))
def test_the_hypervolume_so_far_never_falls_and_every_extreme_adds_to_it(ends: list[End]) -> None:
    trials = ended(ends)
    reference = reference_of(BOTH, None, {1: trials})
    run = run_of(a_study(BOTH, trials), trials, "seconds", reference)

    heights = [step.value for step in run.steps]
    assert (run.steps[0].spent, heights[0]) == (0.0, 0.0)
    assert heights == sorted(heights)
    assert heights[-1] > 0.0
    assert run.spent == run.seconds == 10.0 * len(ends)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=6))
def test_a_figure_lies_among_its_values_however_large_they_are(values: list[float]) -> None:
    found = figure([None, *values])

    assert found is not None
    assert found.error is not None
    assert found.studies == len(values)
    low, high = min(values), max(values)
    slack = 1e-12 * max(map(abs, values))
    assert low - slack <= found.mean <= high + slack
    assert 0.0 <= found.error <= (high / 2 - low / 2) / sqrt(len(values) - 1) + slack + 5e-324
