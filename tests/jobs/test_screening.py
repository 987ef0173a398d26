"""Screening by a proxy and inheriting weights: which candidate and which parent is taken."""

from pathlib import Path
from typing import Any

import pytest

from archsmith.jobs.parents import Parents
from archsmith.jobs.progress import Message, TrialStarted
from archsmith.jobs.screening import Screen, Screening
from archsmith.jobs.study import resume_study, run_study
from archsmith.runtime.outcome import Outcome, Raised, Returned
from archsmith.spaces.decisions import Trace
from archsmith.storage.facts import Trial, TrialResult, TrialState
from archsmith.storage.store import open_store
from tests.jobs.files import NETS, POINTS, write


@pytest.fixture
def place(tmp_path: Path) -> dict[str, Any]:
    paths = write(tmp_path, nets=NETS, points=POINTS)
    return {
        "space": paths["nets"],
        "task": paths["points"],
        "store": f"sqlite:///{tmp_path / 'store.db'}",
        "searcher": "random",
        "settings": {"epochs": 1},
    }


def history(store: str, study: int) -> list[Trial]:
    with open_store(store).read() as tx:
        return tx.trials.history(study)


def trace(**answers: int) -> Trace:
    return Trace.of(answers)


def measured(value: float) -> Outcome:
    return Returned({"state": "measured", "value": None, "metrics": {"naswot": value, "macs": value}})


NOT_FINITE = Returned({"state": "not finite", "reason": "zen must be finite"})
RAISED = Raised("builtins.ValueError", "no", "", "")


@pytest.mark.parametrize(
    ("proxy", "outcomes", "best"),
    [
        ("naswot", [measured(1.0), measured(3.0), measured(3.0)], 1),
        ("macs", [measured(2.0), measured(1.0), measured(3.0)], 1),
        ("naswot", [RAISED, measured(float("nan")), measured(-5.0)], 2),
        ("naswot", [RAISED, NOT_FINITE, RAISED], 0),
    ],
)
def test_the_candidate_that_the_proxy_likes_best_is_taken(proxy: str, outcomes: list[Outcome], best: int) -> None:
    screen = Screen.parse(f"{proxy}:3")
    traces = [trace(a=1), trace(a=2), trace(a=3)]
    screening = Screening(0, None, None, traces)

    for place in (2, 0, 1):
        assert screening.best is None
        screening.note(place, outcomes[place], screen)

    assert screening.best == traces[best]


def test_a_screened_study_takes_the_smallest_of_its_candidates_and_resumes_so(place: dict[str, Any]) -> None:
    whole = run_study(**place, screen="parameters:5", trials=4)
    plain = run_study(**place, trials=4)

    def interrupt(message: Message) -> None:
        if isinstance(message, TrialStarted) and message.trial.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(**place, screen="parameters:5", trials=4, name="cut", listen=interrupt)
    part = resume_study("cut", store=place["store"])

    sizes = [
        sum(t.result.measurement["parameters"] for t in history(place["store"], study.id) if t.result is not None)
        for study in (whole, plain)
    ]
    traces = [[trial.trace for trial in history(place["store"], study.id)] for study in (whole, part)]
    assert sizes[0] < sizes[1]
    assert traces[0] == traces[1]
    assert len({str(one) for one in traces[0]}) == 4


def test_a_screened_study_ends_when_its_space_has_nothing_left(place: dict[str, Any]) -> None:
    study = run_study(**place, screen="parameters:3", trials=40, workers=2)

    assert (study.ended, study.reason) == (18, "exhausted: the space has nothing new left")


def test_the_nearest_parent_is_the_one_with_the_most_equal_decisions() -> None:
    parents = Parents()
    complete = TrialResult(TrialState.COMPLETE, 0.5, weights="a.pt")
    for number, known in enumerate([trace(a=1, b=1), trace(a=1, b=2), trace(a=1, b=2), trace(a=3, b=3)]):
        parents.note(number, known, "digest", complete)
    parents.note(4, trace(a=3, b=9), "digest", TrialResult(TrialState.STOPPED, 0.5, weights="a.pt"))
    parents.note(5, trace(a=3, b=9), "digest", TrialResult(TrialState.COMPLETE, 0.5))

    found = [parents.nearest(wanted, bool) for wanted in (trace(a=7, b=2), trace(a=3, b=9))]
    assert [one.number for one in found if one is not None] == [1, 3]
    assert parents.nearest(trace(a=1), lambda weights: None) is None
    assert Parents().nearest(trace(a=1), bool) is None


def test_a_child_says_from_which_trial_it_has_its_weights(place: dict[str, Any]) -> None:
    study = run_study(**place, trials=4, inherit=True)

    results = [trial.result for trial in history(place["store"], study.id)]
    parents = [result.measurement.get("parent") for result in results if result is not None]
    shares = [result.measurement.get("inherited") for result in results if result is not None]
    assert parents[:2] == [None, 0]
    assert all(parent is not None and parent < number for number, parent in enumerate(parents) if number)
    assert shares[0] is None
    assert all(share is not None and 0 <= share <= 1 for share in shares[1:])
    assert any(shares[1:])
