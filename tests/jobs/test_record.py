"""What a sitting knows of trials that were measured before: what they are, without their networks."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from types import MappingProxyType

import pytest

from archsmith.graph.book import RuleBook
from archsmith.graph.graph import Graph
from archsmith.graph.simplify import simplified
from archsmith.graph.text import digest
from archsmith.jobs.objectives import Goals
from archsmith.jobs.record import Record
from archsmith.jobs.stopping import Ending, Stopping
from archsmith.jobs.user_space import UserSpace
from archsmith.search.searchers import make_searcher
from archsmith.spaces import space as space_module
from archsmith.spaces.catalog.darts import darts
from archsmith.spaces.catalog.mlp_table import mlp_table
from archsmith.spaces.catalog.nas_bench_101 import nas_bench_101
from archsmith.spaces.catalog.nas_bench_201 import nas_bench_201
from archsmith.spaces.decisions import Space, Trace, replay
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.proposals import draw_trace, identity_of, mutate_trace
from archsmith.storage.facts import Trial, TrialResult, TrialState
from archsmith.storage.goals import Objective
from tests.search.small_spaces import COMMUTING, CONDITIONAL, TRAINED, TREELESS, TWINS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPACES: Mapping[str, Space] = MappingProxyType(
    {
        "twins": TWINS,
        "commuting": COMMUTING,
        "conditional": CONDITIONAL,
        "with a recipe": TRAINED,
        "without a tree": TREELESS,
        "darts": darts(layers=3),
        "mlp table": mlp_table(),
        "nas-bench-101": nas_bench_101(),
        "nas-bench-201": nas_bench_201(cells=1),
    }
)


def stored(space: Space, trace: Trace) -> tuple[Trace, str]:
    """A trace and the digest of its graph as they come back from a store, which need not keep the order of answers."""
    graph = replay(space, trace).graph
    assert graph is not None

    return Trace.of(json.loads(json.dumps(dict(reversed(trace.answers))))), digest(graph)


def trial(number: int, trace: Trace, graph: str) -> Trial:
    result = TrialResult(TrialState.COMPLETE, Random(number).random())
    return Trial(number, 1, number, result.state, trace.as_dict(), graph, 1, NOW, NOW, result)


def record(space: Space, searcher: str) -> Record:
    goals = Goals((Objective("value"),), (), own=True)
    return Record(UserSpace(space, "space"), 0, goals, make_searcher(searcher, {}), Ending(Stopping(), goals, NOW))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Graph]:
    """The networks of trees that are built from now on."""
    found: list[Graph] = []

    def counted(graph: Graph, book: RuleBook) -> Graph:
        found.append(graph)
        return simplified(graph, book)

    monkeypatch.setattr(space_module, "simplified", counted)
    return found


@pytest.mark.parametrize("name", SPACES)
def test_what_the_store_knows_of_a_trace_is_its_identity(name: str) -> None:
    space, rng = SPACES[name], Random(0)
    traces = [draw_trace(space, rng) for _ in range(3)]
    traces += [mutate_trace(space, trace, rng) for trace in traces]
    user = UserSpace(space, "space")
    remembered = [user.remember(*stored(space, trace)) for trace in traces]
    asked = [identity_of(space, trace) for trace in traces]

    assert remembered == asked
    assert list(map(hash, remembered)) == list(map(hash, asked))
    for one, plain in zip(remembered, asked, strict=True):
        assert [one == other for other in asked] == [plain == other for other in asked]


def test_a_trial_of_the_store_is_not_built(built: list[Graph]) -> None:
    """Neither to say what it is nor to tell it from another trial of the same architecture."""
    every = [stored(TWINS, found.trace) for found in architectures(TWINS)]
    resumed = record(TWINS, "random")
    built.clear()
    for number, (trace, graph) in enumerate(every):
        resumed.note(trial(number, trace, graph))

    assert len(every) > len({graph for _, graph in every})
    assert resumed.ask(len(every), ()) is None
    assert built == []


@pytest.mark.parametrize("searcher", ["smbo", "mcts", "evolution", "random"])
def test_a_resumed_study_builds_nothing_before_its_first_proposal(searcher: str, built: list[Graph]) -> None:
    space, rng = darts(layers=3), Random(0)
    resumed = record(space, searcher)
    for number in range(20):
        resumed.note(trial(number, space.draw(rng), f"{number:032x}"))
    trace = resumed.ask(20, ())

    assert trace is not None
    assert built == []


def test_what_was_measured_is_known_by_whatever_trace(built: list[Graph]) -> None:
    every = [found.trace for found in architectures(TWINS)]
    first = stored(TWINS, every[0])
    twins = [trace for trace in every[1:] if stored(TWINS, trace)[1] == first[1]]
    user = UserSpace(TWINS, "space")
    built.clear()
    known = user.remember(*first)

    assert [user.identity(twin) == known for twin in twins] == [True] * len(twins)
    assert len(built) == len(twins) > 0
