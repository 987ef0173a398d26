"""No query of a repository reads a table from end to end, or sorts what an index gives in order."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from archsmith.graph.graph import Graph
from archsmith.storage.facts import (
    CampaignSpec,
    Epoch,
    Inference,
    JobState,
    NewCall,
    NewFinding,
    Progress,
    StudySpec,
    TrialResult,
    TrialState,
)
from archsmith.storage.store import Store, Transaction

MINUTE = timedelta(minutes=1)
Seen = list[tuple[str, Any]]


@pytest.fixture
def seen() -> Iterator[Seen]:
    """The statements that the test sends to the database, with their parameters."""
    statements: Seen = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *more: Any) -> None:
        if re.match("SELECT|INSERT|UPDATE|DELETE", statement):
            statements.append((statement, parameters[0] if isinstance(parameters, list) else parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield statements
    event.remove(Engine, "before_cursor_execute", note)


def wasteful(path: Path, seen: Seen) -> list[str]:
    """The steps that read or sort more than they give, of the plans of all statements.

    To walk a table in the order of its keys until a limit is reached is no waste.
    """
    found = []
    connection = sqlite3.connect(path)
    for statement, parameters in seen:
        steps = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        sorts = any("TEMP B-TREE" in step for step in steps)
        bounded = "LIMIT" in statement and not sorts
        bad = [s for s in steps if "TEMP B-TREE" in s or (s.startswith("SCAN") and not bounded)]
        found += [f"{step}: {statement}" for step in bad if step != "SCAN CONSTANT ROW"]
    connection.close()
    return found


def use_studies(t: Transaction, spec: StudySpec, graph: Graph, now: datetime) -> None:
    study = t.studies.create(spec, "mine", "ann", now, MINUTE).id
    digest = t.graphs.put(graph)
    t.graphs.get(digest)
    t.studies.find("mine", now)
    t.studies.page(now)
    t.studies.page(now, before=9)
    t.studies.renew(study, "ann", now, MINUTE)
    t.studies.extend(study, 99)
    for number in (0, 1, 0):
        t.trials.start(study, number, {}, digest, now)
        t.trials.add_epochs(study, number, [Epoch(1, {})])
    t.trials.finish(study, 0, TrialResult(TrialState.COMPLETE, 0.5), [Epoch(2, {})], now)
    t.trials.finish(study, 1, TrialResult(TrialState.COMPLETE, 0.5, reused_from=0), [], now)
    t.trials.epochs(study, 0)
    t.trials.history(study)
    t.trials.start(study, 2, {}, digest, now, bracket=0, until=1)
    t.trials.pause(study, 2, TrialResult(TrialState.PAUSED, 0.5), [Epoch(1, {})], reached=1, checkpoint="a.ckpt")
    t.trials.promote(study, 2, 3)
    t.trials.finish(study, 2, TrialResult(TrialState.STOPPED, 0.5), [], now)
    t.trials.curve(study)
    t.trials.values(study)
    t.trials.front(study)
    t.studies.change(study, {"stopping": {}})
    t.studies.explain(study, "trials: all 20 were run")
    t.trials.known(study, digest)
    for state in (None, TrialState.COMPLETE, TrialState.RAISED):
        for after in (None, 0):
            t.trials.page(study, after, 10, state)
            t.trials.page(study, after, 10, state, "value")
    t.studies.release(study, "ann", JobState.STOPPED, now)
    t.studies.claim(study, "bob", now, MINUTE, dead=lambda driver: True)


def use_campaigns(t: Transaction, spec: CampaignSpec, failure: NewFinding, now: datetime) -> None:
    campaign = t.campaigns.create(spec, None, "ann", now, MINUTE).id
    t.campaigns.page(now)
    t.campaigns.page(now, before=9)
    t.campaigns.advance(campaign, "ann", Progress(1), now)
    found, _ = t.findings.record(campaign, failure, now)
    t.findings.record(campaign, failure, now)
    t.findings.mark(found.id, "known")
    choices: list[dict[str, Any]] = [{}, {"campaign": 1}, {"state": "new"}, {"campaign": 1, "state": "new"}]
    for filters in choices:
        t.findings.page(**filters)
        t.findings.page(before=9, **filters)
    t.events.append("k", "s", {}, now)
    t.events.since(0)
    t.events.since(0, subject="s")


def use_calls(t: Transaction, now: datetime) -> None:
    t.calls.add([NewCall(f"torch.f{n}", "2.13.0", "docs", {"n": n}) for n in range(3)])
    t.calls.operators("2.13.0")
    t.calls.operators("2.13.0", after="torch.f1")
    list(t.calls.of("2.13.0", "torch.f1"))
    t.inferences.put(Inference("torch.f1", "2.13.0", "ab", 0, {}, 1.0), now)
    t.inferences.get("2.13.0", "torch.f1")
    t.inferences.page("2.13.0")


def test_every_query_finds_its_rows_by_an_index(
    store: Store,
    path: Path,
    seen: Seen,
    noon: datetime,
    graph_of: Callable[[int], Graph],
    study_spec: StudySpec,
    campaign_spec: CampaignSpec,
    failure: Callable[[str, int, str], NewFinding],
) -> None:
    with store.begin() as t:
        use_studies(t, study_spec, graph_of(1), noon)
        use_campaigns(t, campaign_spec, failure("a", 0, t.graphs.put(graph_of(1))), noon)
        use_calls(t, noon)

    assert len(seen) > 100
    assert wasteful(path, seen) == []


def test_a_scan_or_a_sort_would_be_noticed(path: Path) -> None:
    scan = ("SELECT * FROM trial WHERE reason = ?", ("boom",))
    sort = ("SELECT * FROM trial WHERE study_id = ? ORDER BY started LIMIT 5", (1,))

    assert [line.split(":")[0] for line in wasteful(path, [scan, sort])] == [
        "SCAN trial",
        "USE TEMP B-TREE FOR ORDER BY",
    ]


def test_a_page_of_studies_costs_two_queries_however_many_there_are(
    store: Store, seen: Seen, noon: datetime, study_spec: StudySpec
) -> None:
    with store.begin() as t:
        for _ in range(7):
            t.studies.create(study_spec, None, "ann", noon, MINUTE)
    seen.clear()
    with store.read() as t:
        page = t.studies.page(noon)

    assert len(page) == 7
    assert len(seen) == 2
