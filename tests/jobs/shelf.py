"""A store to put finished studies into, each trial with the end that it is given."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from archsmith.graph.builder import Builder
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.jobs import compare_studies
from archsmith.jobs.comparison import Comparison
from archsmith.storage.facts import JobState, StudySpec, TrialResult, TrialState
from archsmith.storage.goals import Direction, Objective
from archsmith.storage.store import Store, Transaction

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LEASE = timedelta(days=1)
SPEC = StudySpec(
    space="nets.py",
    space_source=None,
    space_text="nets = linear",
    space_digest="d1",
    task="points.py",
    searcher="random",
    seed=0,
    trials=100,
    settings={"training": {"epochs": 3}, "searcher": {}, "limits": {"seconds": 60.0}},
)
SMALL = (Objective("parameters", Direction.MIN),)
BOTH = (Objective("val_accuracy"), Objective("macs", Direction.MIN))

End = float | tuple[float, ...] | TrialState | TrialResult | None
"""How a trial ends: with a value or several, with a failure, as it says; None: it does not."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A store to put studies into."""

    url: str
    store: Store

    def put(
        self, name: str, ends: Sequence[End], spec: StudySpec = SPEC, *, reason: str | None = None, **changes: Any
    ) -> int:
        """A finished study whose trials ended like that, each after ten seconds."""
        with self.store.begin() as tx:
            study = tx.studies.create(replace(spec, **changes), name, "host:1:1", START, LEASE).id
            graph = a_graph(tx)
            for number, end in enumerate(ends):
                started = START + timedelta(seconds=10 * number)
                tx.trials.start(study, number, {"width": number}, graph, started)
                if end is not None:
                    ended = started + timedelta(seconds=10)
                    tx.trials.finish(study, number, result(end), [], ended)
            tx.studies.explain(study, reason)
            tx.studies.release(study, "host:1:1", JobState.FINISHED, START + LEASE)
        return study

    def compare(self, *studies: str, **wishes: Any) -> Comparison:
        return compare_studies(studies, store=self.url, clock=lambda: START, **wishes)


def result(end: float | tuple[float, ...] | TrialState | TrialResult) -> TrialResult:
    """That of a trial which ended like that, after ten seconds."""
    if isinstance(end, TrialResult):
        return end
    if isinstance(end, TrialState):
        return TrialResult(end, None, reason="broken", seconds=10.0)
    first, *others = end if isinstance(end, tuple) else (end,)
    tested = {"test_accuracy": first - 0.05}
    return TrialResult(TrialState.COMPLETE, first, tested, seconds=10.0, others=tuple(others))


def a_graph(tx: Transaction) -> str:
    """The name of a graph that the store has from now on."""
    build = Builder(DECLARED)
    return tx.graphs.put(build.finish(build.add("relu", build.input(TensorType((2, 3))))))
