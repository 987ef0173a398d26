"""The contract of the studies in a store, and of the leases that studies and campaigns share."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.storage.facts import JobState, Study, StudySpec, TrialResult, TrialState
from archsmith.storage.store import Store

MINUTE = timedelta(minutes=1)


def alive(driver: str) -> bool:
    """Every driver's process is there."""
    return False


@pytest.fixture
def study(store: Store, study_spec: StudySpec, noon: datetime) -> Study:
    """A study that "ann" has just begun."""
    with store.begin() as t:
        return t.studies.create(study_spec, None, "ann", noon, MINUTE)


def state_of(store: Store, id: int, now: datetime) -> JobState:
    with store.read() as t:
        return t.studies.get(id, now).state


def test_a_study_comes_back_as_it_was_made(store: Store, study_spec: StudySpec, noon: datetime) -> None:
    with store.begin() as t:
        made = t.studies.create(study_spec, "first try", "ann", noon, MINUTE)
    with store.read() as t:
        by_name = t.studies.find("first try", noon)
        by_id = t.studies.find(str(made.id), noon)

    assert made == by_name == by_id
    assert made.spec == study_spec
    assert (made.state, made.driver, made.lease_until) == (JobState.RUNNING, "ann", noon + MINUTE)
    assert (made.created, made.finished, made.best_number, made.best_value) == (noon, None, None, None)
    assert made.counts == dict.fromkeys(TrialState, 0)


def test_times_are_utc_wherever_they_come_from(store: Store, study_spec: StudySpec, noon: datetime) -> None:
    there = noon.astimezone(timezone(timedelta(hours=5, minutes=30)))
    with store.begin() as t:
        made = t.studies.create(study_spec, None, "ann", there, MINUTE)

    assert made.created == noon
    assert made.created.utcoffset() == timedelta(0)


def test_a_time_without_a_timezone_is_refused(store: Store, study_spec: StudySpec, noon: datetime) -> None:
    with pytest.raises(ValueError, match="must carry a timezone"), store.begin() as t:
        t.studies.create(study_spec, None, "ann", noon.replace(tzinfo=None), MINUTE)


def test_names_default_to_the_id(store: Store, study_spec: StudySpec, noon: datetime) -> None:
    with store.begin() as t:
        made = [t.studies.create(study_spec, None, "ann", noon, MINUTE) for _ in range(3)]

    assert [(s.id, s.name) for s in made] == [(1, "study-1"), (2, "study-2"), (3, "study-3")]


def test_a_default_name_that_somebody_took_is_avoided(store: Store, study_spec: StudySpec, noon: datetime) -> None:
    with store.begin() as t:
        t.studies.create(study_spec, "study-2", "ann", noon, MINUTE)
        second = t.studies.create(study_spec, None, "ann", noon, MINUTE)

    assert (second.id, second.name) == (2, "study-2-2")


@pytest.mark.parametrize("name", ["", "  ", " a", "12", "a\nb", "x" * 201, "\ud800", "a\0"])
def test_what_cannot_be_a_name_is_refused(store: Store, study_spec: StudySpec, noon: datetime, name: str) -> None:
    with pytest.raises(UserError, match="name must"), store.begin() as t:
        t.studies.create(study_spec, name, "ann", noon, MINUTE)


@pytest.mark.parametrize("name", ["'; DROP TABLE study; --", "日本語 ✨", "<script>", "%s", "study/3", "²"])
def test_any_printable_name_is_a_name(store: Store, study_spec: StudySpec, noon: datetime, name: str) -> None:
    with store.begin() as t:
        made = t.studies.create(study_spec, name, "ann", noon, MINUTE)
        found = t.studies.find(name, noon)

    assert found == made
    assert found.name == name


def test_a_name_is_given_once(store: Store, study_spec: StudySpec, noon: datetime) -> None:
    with store.begin() as t:
        t.studies.create(study_spec, "mine", "ann", noon, MINUTE)

    with pytest.raises(UserError, match="'mine' is taken"), store.begin() as t:
        t.studies.create(study_spec, "mine", "bob", noon, MINUTE)


def test_a_study_that_is_not_there_is_answered_with_those_that_are(
    store: Store, study_spec: StudySpec, noon: datetime
) -> None:
    with store.read() as t, pytest.raises(UserError, match="it has none yet"):
        t.studies.find("x", noon)
    with store.begin() as t:
        for name in [f"s{i}" for i in range(12)]:
            t.studies.create(study_spec, name, "ann", noon, MINUTE)

    with store.read() as t:
        for given in ("x", "13", "9" * 30, "'"):
            with pytest.raises(UserError, match=r"it has s11, s10, .*, s2, \.\.\.$"):
                t.studies.find(given, noon)
        with pytest.raises(UserError, match="no study '99'"):
            t.studies.get(99, noon)


def test_an_integer_beyond_64_bits_is_refused(store: Store, study_spec: StudySpec, noon: datetime) -> None:
    with pytest.raises(UserError, match="must fit in 64 bits"), store.begin() as t:
        t.studies.create(replace(study_spec, seed=2**63), None, "ann", noon, MINUTE)


def test_studies_are_paged_newest_first(store: Store, study_spec: StudySpec, noon: datetime) -> None:
    with store.begin() as t:
        for _ in range(5):
            t.studies.create(study_spec, None, "ann", noon, MINUTE)
    with store.read() as t:
        first = t.studies.page(noon, limit=2)
        second = t.studies.page(noon, limit=2, before=first[-1].id)
        last = t.studies.page(noon, limit=2, before=second[-1].id)

        assert [[s.id for s in page] for page in (first, second, last)] == [[5, 4], [3, 2], [1]]
        with pytest.raises(UserError, match="1 to 10000 entries; got 0"):
            t.studies.page(noon, limit=0)


def test_a_page_counts_trials_and_knows_the_best(
    store: Store, study_spec: StudySpec, noon: datetime, graph_of: Callable[[int], Graph]
) -> None:
    with store.begin() as t:
        full = t.studies.create(study_spec, None, "ann", noon, MINUTE).id
        empty = t.studies.create(study_spec, None, "ann", noon, MINUTE).id
        graph = t.graphs.put(graph_of(1))
        for number, value in enumerate([0.5, 0.9, None, 0.9, 0.1]):
            state = TrialState.COMPLETE if value is not None else TrialState.CRASHED
            t.trials.start(full, number, {}, graph, noon)
            t.trials.finish(full, number, TrialResult(state, value), [], noon)
        t.trials.start(full, 5, {}, graph, noon)
        found = {study.id: study for study in t.studies.page(noon)}

    counted = {state: count for state, count in found[full].counts.items() if count}
    assert counted == {TrialState.COMPLETE: 4, TrialState.CRASHED: 1, TrialState.RUNNING: 1}
    assert (found[full].best_number, found[full].best_value) == (1, 0.9)
    assert (found[empty].best_number, found[empty].best_value) == (None, None)


def test_a_budget_only_grows(store: Store, study: Study, noon: datetime) -> None:
    with store.begin() as t:
        t.studies.extend(study.id, 50)
        grown = t.studies.get(study.id, noon)

    assert grown.spec.trials == 50
    with (
        pytest.raises(UserError, match="budget of 50 trials, which may only grow; got 49"),
        store.begin() as t,
    ):
        t.studies.extend(study.id, 49)


def test_a_lapsed_lease_reads_as_interrupted(store: Store, study: Study, noon: datetime) -> None:
    assert state_of(store, study.id, noon + MINUTE / 2) is JobState.RUNNING
    assert state_of(store, study.id, noon + MINUTE) is JobState.INTERRUPTED


def test_a_held_study_is_not_given_away(store: Store, study: Study, noon: datetime) -> None:
    refusal = "'study-1' must be idle to be run, and ann runs it .*12:01:00 UTC"
    with pytest.raises(UserError, match=refusal), store.begin() as t:
        t.studies.claim(study.id, "bob", noon + MINUTE / 2, MINUTE, dead=alive)


def test_a_lapsed_lease_is_taken_over_and_its_old_driver_fenced(store: Store, study: Study, noon: datetime) -> None:
    later = noon + 2 * MINUTE
    with store.begin() as t:
        taken = t.studies.claim(study.id, "bob", later, MINUTE, dead=alive)
    with store.begin() as t:
        renewed = t.studies.renew(study.id, "ann", later, MINUTE)
        released = t.studies.release(study.id, "ann", JobState.FINISHED, later)
        after = t.studies.get(study.id, later)

    assert (taken.driver, taken.state, taken.lease_until) == ("bob", JobState.RUNNING, later + MINUTE)
    assert (renewed, released) == (False, False)
    assert after == taken


def test_a_dead_driver_need_not_be_waited_for(store: Store, study: Study, noon: datetime) -> None:
    with store.begin() as t:
        taken = t.studies.claim(study.id, "bob", noon, MINUTE, dead=lambda driver: driver == "ann")

    assert taken.driver == "bob"


def test_a_lease_that_lapsed_while_nobody_came_is_still_renewed(store: Store, study: Study, noon: datetime) -> None:
    later = noon + 5 * MINUTE
    with store.begin() as t:
        renewed = t.studies.renew(study.id, "ann", later, MINUTE)
        after = t.studies.get(study.id, later)

    assert renewed
    assert (after.state, after.lease_until) == (JobState.RUNNING, later + MINUTE)


@pytest.mark.parametrize("end", [JobState.STOPPED, JobState.FINISHED])
def test_a_released_study_is_nobodys_and_can_be_resumed(
    store: Store, study: Study, noon: datetime, end: JobState
) -> None:
    with store.begin() as t:
        released = t.studies.release(study.id, "ann", end, noon + MINUTE)
        idle = t.studies.get(study.id, noon)
        renewed = t.studies.renew(study.id, "ann", noon, MINUTE)
        resumed = t.studies.claim(study.id, "bob", noon, MINUTE, dead=alive)

    assert (released, renewed) == (True, False)
    assert (idle.state, idle.driver, idle.lease_until) == (end, None, None)
    assert idle.finished == (noon + MINUTE if end is JobState.FINISHED else None)
    assert (resumed.state, resumed.driver, resumed.finished) == (JobState.RUNNING, "bob", None)


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.INTERRUPTED])
def test_a_study_is_left_stopped_or_finished_only(store: Store, study: Study, noon: datetime, state: JobState) -> None:
    with pytest.raises(ValueError, match="left stopped or finished"), store.begin() as t:
        t.studies.release(study.id, "ann", state, noon)
