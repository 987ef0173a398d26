"""Studies compared: the best so far by trials and by seconds, means over groups, tests against chance, refusals."""

import shutil
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archsmith.graph.errors import UserError
from archsmith.jobs.comparison import Group
from archsmith.jobs.contrast import contrast
from archsmith.jobs.curves import Figure, Run, Step
from archsmith.storage.facts import TrialResult, TrialState
from archsmith.storage.goals import Constraint
from archsmith.storage.store import open_store
from tests.jobs.shelf import BOTH, SMALL, SPEC, START, End, Shelf, a_graph


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without anything in it, to be copied: making one takes much longer."""
    path = tmp_path_factory.mktemp("empty") / "store.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def shelf(empty: Path, tmp_path: Path) -> Iterator[Shelf]:
    url = f"sqlite:///{shutil.copy(empty, tmp_path / 'store.db')}"
    store = open_store(url)
    yield Shelf(url, store)
    store.close()


def means(group: Group) -> list[float | None]:
    return [None if found is None else found.mean for found in group.figures]


def run(values: Mapping[float, float], spent: float = 10.0, *, seed: int = 0, settled: bool = False) -> Run:
    steps = tuple(Step(place, value) for place, value in values.items())
    final = steps[-1].value if steps else None
    return Run(1, "one", seed, 10, 0, 100.0, spent, settled, steps, final, 0, None)


def test_the_best_so_far_is_told_at_each_mark_with_its_error(shelf: Shelf) -> None:
    shelf.put("random-0", [0.5, 0.25, 0.75, 0.5], seed=0)
    shelf.put("random-1", [0.25, 0.25, 0.25, 1.0], seed=1)
    compared = shelf.compare("random-0", "2", at=[1, 3, 4])

    (group,) = compared.groups
    assert group.label == "random"
    assert group.figures == (Figure(0.375, 0.125, 2), Figure(0.5, 0.25, 2), Figure(0.875, 0.125, 2))
    assert group.final == Figure(0.875, 0.125, 2)
    assert [(one.best, one.final, one.test) for one in group.runs] == [(2, 0.75, 0.7), (3, 1.0, 0.95)]
    assert group.test is not None
    assert group.test.mean == pytest.approx(0.825)


def test_what_is_minimised_is_the_better_the_lower(shelf: Shelf) -> None:
    shelf.put("small", [30.0, 10.0, 20.0], objectives=SMALL)
    compared = shelf.compare("small", at=[1, 2, 3])

    assert means(compared.groups[0]) == [30.0, 10.0, 10.0]
    assert compared.objectives == ("min:parameters",)
    assert compared.measure == "parameters"


def test_failures_count_as_trials_and_what_breaks_a_constraint_is_no_best(shelf: Shelf) -> None:
    broken = TrialResult(TrialState.COMPLETE, 0.99, violation=0.5, seconds=10.0)
    ends: list[End] = [TrialState.CRASHED, broken, 0.5, TrialState.TIMED_OUT, 0.75, None]
    shelf.put("odd", ends, constraints=(Constraint("macs", "<=", 5.0),))
    compared = shelf.compare("odd", at=[1, 2, 3, 4, 5, 6])

    (one,) = compared.groups[0].runs
    assert means(compared.groups[0]) == [None, None, 0.5, 0.5, 0.75, None]
    assert (one.ended, one.failed, one.seconds) == (5, 2, 50.0)


def test_a_trial_that_was_stopped_early_counts_and_is_never_the_best(shelf: Shelf) -> None:
    stopped = TrialResult(TrialState.STOPPED, 0.9, seconds=10.0)
    shelf.put("early", [stopped, 0.5])

    assert means(shelf.compare("early", at=[1, 2]).groups[0]) == [None, 0.5]


def test_a_trial_that_waited_at_a_rung_counts_from_when_it_was_trained(shelf: Shelf) -> None:
    study = shelf.put("rungs", [])
    with shelf.store.begin() as tx:
        graph = a_graph(tx)
        for number, seconds in ((0, 5.0), (1, 60.0)):
            tx.trials.start(study, number, {"width": number}, graph, START, bracket=0, until=1)
            paused = TrialResult(TrialState.PAUSED, 0.25, seconds=seconds)
            tx.trials.pause(study, number, paused, [], reached=1, checkpoint=None)
        tx.trials.start(study, 2, {"width": 2}, graph, START + timedelta(seconds=5))
        tx.trials.finish(study, 2, TrialResult(TrialState.COMPLETE, 0.5, seconds=20.0), [], START + timedelta(30))
        stopped = TrialResult(TrialState.STOPPED, 0.25, seconds=5.0)
        tx.trials.finish(study, 0, stopped, [], START + timedelta(60))

    by_trials, by_seconds = shelf.compare("rungs", at=[1, 2]), shelf.compare("rungs", at=[24, 85], unit="seconds")
    assert means(by_trials.groups[0]) == [None, 0.5]  # the paused one has not ended
    assert means(by_seconds.groups[0]) == [None, 0.5]  # 5 s and 60 s at rungs, then 20 s
    assert by_seconds.groups[0].runs[0].spent == 85.0


def test_seconds_are_those_of_training_added_up(shelf: Shelf) -> None:
    reused = TrialResult(TrialState.COMPLETE, 0.5, reused_from=0)
    shelf.put("slow", [0.5, reused, 0.75])
    compared = shelf.compare("slow", at=[9.5, 10, 19, 20], unit="seconds")

    assert means(compared.groups[0]) == [None, 0.5, 0.5, 0.75]
    assert compared.groups[0].runs[0].spent == 20.0


def test_marks_are_chosen_by_how_far_the_studies_have_come(shelf: Shelf) -> None:
    shelf.put("short", [0.5] * 9)
    shelf.put("long", [0.5] * 55, searcher="smbo")

    assert shelf.compare("short").marks == ()
    assert shelf.compare("short", "long").marks == (10, 25, 50)
    assert shelf.compare("long", unit="seconds").marks == (25, 50, 100, 250, 500)


def test_a_study_that_was_cut_off_is_unknown_beyond_and_one_that_ended_itself_is_not(shelf: Shelf) -> None:
    shelf.put("cut", [0.5, 0.75], reason="trials: all 2 were run")
    shelf.put("done", [0.25], reason="exhausted: the space has nothing new left", seed=1)
    compared = shelf.compare("cut", "done", at=[1, 2, 3])

    assert compared.groups[0].figures == (Figure(0.375, 0.125, 2), Figure(0.5, 0.25, 2), Figure(0.25, None, 1))


def test_groups_are_told_apart_by_what_differs(shelf: Shelf) -> None:
    asha = {"fidelity": {"name": "asha", "options": {"least": 1, "reduction": 3}}, "inherit": True}
    screen = {"screen": {"proxy": "naswot", "candidates": 8}}
    longer = {"training": {"epochs": 9}, "limits": {"seconds": 5.0}, "stopping": {"minutes": 3.0}}
    shelf.put("a", [0.5], trials=7)
    shelf.put("b", [0.5], searcher="smbo", settings={**SPEC.settings, "searcher": {"surrogate": "forest"}})
    shelf.put("c", [0.5], settings={**SPEC.settings, **asha, **screen})
    shelf.put("d", [0.5], settings={**SPEC.settings, **longer})
    shelf.put("e", [0.5], seed=5, settings={**SPEC.settings, "limits": {"seconds": 1.0}})
    compared = shelf.compare("[a-e]")

    assert [(group.label, [one.name for one in group.runs]) for group in compared.groups] == [
        ("random epochs=3", ["a", "e"]),
        ("smbo surrogate=forest epochs=3", ["b"]),
        ("random epochs=3 fidelity=asha:least=1,reduction=3 inherit screen=naswot:8", ["c"]),
        ("random epochs=9", ["d"]),
    ]
    assert [group.label for group in shelf.compare("e", "a").groups] == ["random"]
    assert [group.label for group in shelf.compare("e", "a", by="study").groups] == ["e", "a"]


def test_studies_are_named_by_id_name_or_pattern_and_taken_once(shelf: Shelf) -> None:
    for name in ("mcts-1", "random-1", "mcts-2", "odd*name"):
        shelf.put(name, [0.5])

    def named(*studies: str) -> list[str]:
        return [group.label for group in shelf.compare(*studies, by="study").groups]

    assert named("mcts-*") == ["mcts-1", "mcts-2"]
    assert named("2", "mcts-?", "random-1", "1") == ["random-1", "mcts-1", "mcts-2"]
    assert named("odd*name") == ["odd*name"]
    with pytest.raises(UserError, match=r"no study in the store has a name like 'nsga\*'"):
        named("nsga*")
    with pytest.raises(UserError, match="no study 'nsga' in the store"):
        named("nsga")
    with pytest.raises(UserError, match="at least one study"):
        named()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"space": "other.py", "space_digest": "d2"}, r"different spaces \(nets.py, other.py\)"),
        ({"space_digest": "d2"}, r"different spaces \(nets.py changed between them\)"),
        ({"task": "digits"}, r"different tasks \(points.py, digits\)"),
        ({"objectives": SMALL}, r"different objectives \(max:val_accuracy; min:parameters\)"),
        ({"constraints": (Constraint("macs", "<=", 5.0),)}, r"different constraints \(none; macs <= 5\)"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_its_difference(
    shelf: Shelf, changes: dict[str, Any], message: str
) -> None:
    shelf.put("one", [0.5])
    shelf.put("two", [0.5], **changes)

    with pytest.raises(UserError, match=f"studies 'one' and 'two' cannot be compared: they .*{message}"):
        shelf.compare("one", "two")


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"at": []}, "whole numbers of trials above 0; got none"),
        ({"at": [10, 2.5]}, "whole numbers of trials above 0; got 2.5"),
        ({"at": [0.0, float("nan")], "unit": "seconds"}, "numbers of seconds above 0; got 0, nan"),
        ({"reference": [0.5]}, r"a reference is for several objectives; the studies have one \(max:val_accuracy\)"),
    ],
)
def test_marks_and_references_that_make_no_sense_are_refused(
    shelf: Shelf, wishes: dict[str, Any], message: str
) -> None:
    shelf.put("one", [0.5])

    with pytest.raises(UserError, match=message):
        shelf.compare("one", **wishes)


def test_several_objectives_are_compared_by_hypervolume_beyond_one_reference(shelf: Shelf) -> None:
    shelf.put("a", [(0.5, 50.0), (0.25, 100.0), (0.75, 60.0)], objectives=BOTH)
    shelf.put("b", [TrialState.RAISED, (0.5, 40.0)], objectives=BOTH, searcher="nsga2")
    given_one = shelf.compare("a", "b", at=[1, 2, 3], reference=[0.25, 100.0])
    own = shelf.compare("a", "b", at=[1])

    assert means(given_one.groups[0]) == [0.25 * 50, 0.25 * 50, 0.25 * 50 + 0.25 * 40]
    assert means(given_one.groups[1]) == [0.0, 0.25 * 60, None]
    assert given_one.measure == "hypervolume"
    assert given_one.groups[0].runs[0].best is None
    assert own.reference == pytest.approx((0.25 - 0.05, 100.0 + 6.0))
    with pytest.raises(UserError, match=r"a number for each objective \(max:val_accuracy, min:macs\); got 1"):
        shelf.compare("a", reference=[1.0])


def test_studies_without_any_trial_have_no_figures(shelf: Shelf) -> None:
    shelf.put("empty", [])
    shelf.put("pareto", [], objectives=BOTH)

    assert shelf.compare("empty", at=[1]).groups[0].figures == (None,)
    assert shelf.compare("empty").groups[0].curve() == []
    assert shelf.compare("pareto").reference == (0.0, 0.0)


def test_groups_of_five_are_tested_against_the_first(shelf: Shelf) -> None:
    for seed in range(5):
        shelf.put(f"random-{seed}", [0.1, 0.2 + seed / 100, 0.9], seed=seed)
        shelf.put(f"smbo-{seed}", [0.1, 0.6 + seed / 100], searcher="smbo", seed=seed)
    compared = shelf.compare("random-*", "smbo-*")
    few = shelf.compare("random-*", "smbo-0", "smbo-1")

    first, second = compared.groups
    assert first.against is None
    assert second.against is not None
    assert (second.against.spent, second.against.better, second.against.paired) == (2, 1.0, False)
    assert second.against.p == pytest.approx(2 / 252)  # one of 252 ways to share ranks is as clear, on either side
    assert few.groups[1].against is None


def test_equal_seeds_make_pairs_if_there_are_enough() -> None:
    ours = [run({1: 0.5 + seed / 10}, seed=seed) for seed in range(6)]
    theirs = [run({1: 0.45 + seed / 10}, seed=seed) for seed in reversed(range(6))]
    found = contrast(ours, theirs, 1, 100.0)
    lower = contrast(ours, theirs, -1, 100.0)
    unpaired = contrast(ours, [*theirs[:-1], run({1: 0.45}, seed=9)], 1, 100.0)

    assert found is not None
    assert (found.spent, found.better, found.paired) == (10.0, 1.0, True)
    assert found.p == pytest.approx(2 / 64)  # all six signs alike, on either side
    assert lower is not None
    assert lower.better == 0.0
    assert unpaired is not None
    assert not unpaired.paired
    assert unpaired.p > 0.1


def test_nothing_is_worse_than_no_value_at_all() -> None:
    none, some = [run({}) for _ in range(5)], [run({3: -1e300}, seed=seed) for seed in range(5)]
    found = contrast(none, some, 1, 100.0)
    early = contrast(none, some, 1, 2.0)

    assert found is not None
    assert (found.better, found.spent) == (0.0, 10.0)
    assert early is not None
    assert (early.better, early.p, early.spent) == (0.5, 1.0, 2.0)


def test_equal_pairs_are_no_evidence() -> None:
    runs = [run({1: 0.5}, seed=seed, settled=True) for seed in range(6)]
    found = contrast(runs, runs, 1, float("inf"))

    assert found is not None
    assert (found.better, found.p, found.paired, found.spent) == (0.5, 1.0, True, 10.0)


def test_a_curve_goes_from_where_all_have_a_value_to_where_the_first_ends() -> None:
    runs = (
        run({2: 0.5, 6: 1.0}, spent=8),
        run({3: 0.25, 9: 0.75}, spent=20),
        run({1: 0.0, 4: 0.25}, spent=5, settled=True),
    )
    group = Group("random", runs, (), None, None)
    alone = Group("alone", runs[2:], (), None, None)

    assert [(place, found.mean) for place, found in group.curve()] == [(3, 0.25), (4, 1 / 3), (6, 0.5), (8, 0.5)]
    assert alone.curve() == [(1, Figure(0.0, None, 1)), (4, Figure(0.25, None, 1)), (5, Figure(0.25, None, 1))]


def test_options_are_labelled_as_they_are_given(shelf: Shelf) -> None:
    nested = {"sampler": "tpe", "options": {"n_startup_trials": 3}}
    shelf.put("a", [0.5], searcher="optuna", settings={"searcher": nested})
    shelf.put("b", [0.5], searcher="mcts", settings={"searcher": {"widening": [1, 0.5], "trust": None}})

    labels = [group.label for group in shelf.compare("a", "b").groups]
    assert labels == ["optuna options.n_startup_trials=3 sampler=tpe", "mcts trust=none widening=1,0.5"]
