"""A study, its lease and its trials, against a model in plain Python."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.storage.facts import Epoch, JobState, StudySpec, TrialResult, TrialState
from archsmith.storage.store import Store, Transaction

LEASE = timedelta(minutes=3)
DRIVERS = st.sampled_from(["ann", "bob", "cyd"])
NUMBERS = st.integers(0, 3)
VALUES = st.sampled_from([None, 0.25, 0.5, 0.75])


@dataclass(slots=True)
class ModelTrial:
    attempt: int
    graph: str
    state: TrialState = TrialState.RUNNING
    value: float | None = None
    epochs: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True)
class Model:
    """What the store should say."""

    driver: str | None
    until: datetime
    state: JobState = JobState.RUNNING
    trials: dict[int, ModelTrial] = field(default_factory=dict)

    def runs(self, now: datetime) -> bool:
        return self.state is JobState.RUNNING and now < self.until

    def is_of(self, driver: str) -> bool:
        return self.state is JobState.RUNNING and self.driver == driver


class LifeCycle(RuleBasedStateMachine):
    """One study; the rules do to the store what people and processes do, and to the model the same."""

    def __init__(self, store: Store, spec: StudySpec, noon: datetime, graphs: list[Graph]) -> None:
        super().__init__()
        self.store = store
        self.now = noon
        with store.begin() as t:
            self.digests = [t.graphs.put(graph) for graph in graphs]
            self.id = t.studies.create(spec, None, "ann", noon, LEASE).id
        self.model = Model("ann", noon + LEASE)

    def attempt(self, step: Callable[[Transaction], object], *, allowed: bool) -> None:
        """Take a step that must succeed if it is allowed, and else be refused and change nothing."""
        try:
            with self.store.begin() as t:
                step(t)
        except UserError:
            assert not allowed
        else:
            assert allowed

    @rule(minutes=st.integers(1, 4))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(driver=DRIVERS, dead=st.booleans())
    def claim(self, driver: str, dead: bool) -> None:
        allowed = dead or not self.model.runs(self.now)
        self.attempt(
            lambda t: t.studies.claim(self.id, driver, self.now, LEASE, dead=lambda other: dead),
            allowed=allowed,
        )
        if allowed:
            self.model.driver, self.model.until = driver, self.now + LEASE
            self.model.state = JobState.RUNNING

    @rule(driver=DRIVERS)
    def renew(self, driver: str) -> None:
        with self.store.begin() as t:
            renewed = t.studies.renew(self.id, driver, self.now, LEASE)
        assert renewed == self.model.is_of(driver)
        if renewed:
            self.model.until = self.now + LEASE

    @rule(driver=DRIVERS, state=st.sampled_from([JobState.STOPPED, JobState.FINISHED]))
    def release(self, driver: str, state: JobState) -> None:
        with self.store.begin() as t:
            released = t.studies.release(self.id, driver, state, self.now)
        assert released == self.model.is_of(driver)
        if released:
            self.model.state, self.model.driver = state, None

    @rule(number=NUMBERS, graph=st.integers(0, 1))
    def start(self, number: int, graph: int) -> None:
        digest = self.digests[graph]
        old = self.model.trials.get(number)
        allowed = old is None or old.state is TrialState.RUNNING
        self.attempt(lambda t: t.trials.start(self.id, number, {"graph": graph}, digest, self.now), allowed=allowed)
        if allowed:
            self.model.trials[number] = ModelTrial(1 if old is None else old.attempt + 1, digest)

    @rule(number=NUMBERS, epochs=st.dictionaries(st.integers(1, 3), st.floats(0, 1)))
    def add_epochs(self, number: int, epochs: dict[int, float]) -> None:
        facts = [Epoch(n, {"loss": loss}) for n, loss in epochs.items()]
        trial = self.model.trials.get(number)
        running = trial is not None and trial.state is TrialState.RUNNING
        self.attempt(lambda t: t.trials.add_epochs(self.id, number, facts), allowed=running)
        if trial is not None and running:
            trial.epochs = epochs | trial.epochs

    @rule(number=NUMBERS, value=VALUES)
    def finish(self, number: int, value: float | None) -> None:
        state = TrialState.CRASHED if value is None else TrialState.COMPLETE
        trial = self.model.trials.get(number)
        running = trial is not None and trial.state is TrialState.RUNNING
        result = TrialResult(state, value)
        self.attempt(lambda t: t.trials.finish(self.id, number, result, [], self.now), allowed=running)
        if trial is not None and running:
            trial.state, trial.value = state, value

    @invariant()
    def the_study_is_as_the_model_says(self) -> None:
        model = self.model
        with self.store.read() as t:
            study = t.studies.get(self.id, self.now)
        lapsed = model.state is JobState.RUNNING and not model.runs(self.now)
        best = max(((v.value, -n) for n, v in model.trials.items() if v.value is not None), default=None)
        states = [trial.state for trial in model.trials.values()]

        assert study.state is (JobState.INTERRUPTED if lapsed else model.state)
        assert study.driver == model.driver
        assert study.counts == {state: states.count(state) for state in TrialState}
        assert (study.best_value, study.best_number) == ((best[0], -best[1]) if best else (None, None))

    @invariant()
    def the_trials_are_as_the_model_says(self) -> None:
        model = sorted(self.model.trials.items())
        with self.store.read() as t:
            history = t.trials.history(self.id)
            epochs = {trial.number: t.trials.epochs(self.id, trial.number) for trial in history}
            known = {digest: t.trials.known(self.id, digest) for digest in self.digests}
            curve = t.trials.curve(self.id)

        assert [(t.number, t.attempt, t.graph, t.state) for t in history] == [
            (number, trial.attempt, trial.graph, trial.state) for number, trial in model
        ]
        for number, trial in model:
            assert [(e.number, e.metrics["loss"]) for e in epochs[number]] == sorted(trial.epochs.items())
        for digest, found in known.items():
            same = [n for n, trial in model if trial.graph == digest and trial.value is not None]
            assert (found.number if found else None) == (same[0] if same else None)
        assert [(p.number, p.value) for p in curve] == [(n, t.value) for n, t in model if t.value is not None]


def test_leases_and_trials_live_as_the_model_says(
    store: Store, study_spec: StudySpec, noon: datetime, graph_of: Callable[[int], Graph]
) -> None:
    run_state_machine_as_test(
        # any callable that makes a machine will do, whatever the annotation says
        lambda: LifeCycle(store, study_spec, noon, [graph_of(1), graph_of(2)]),  # type: ignore[arg-type]
        settings=settings(max_examples=15, stateful_step_count=20),
    )
