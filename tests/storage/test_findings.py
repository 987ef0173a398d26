"""The contract of the findings in a store."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.storage.facts import CampaignSpec, NewFinding
from archsmith.storage.store import Store

MINUTE = timedelta(minutes=1)
MakeFailure = Callable[[str, int, str], NewFinding]


@pytest.fixture
def campaign(store: Store, campaign_spec: CampaignSpec, noon: datetime) -> int:
    with store.begin() as t:
        return t.campaigns.create(campaign_spec, None, "ann", noon, MINUTE).id


@pytest.fixture
def graph(store: Store, graph_of: Callable[[int], Graph]) -> str:
    with store.begin() as t:
        return t.graphs.put(graph_of(1))


def test_the_first_case_opens_a_bucket_and_the_next_ones_hit_it(
    store: Store, campaign: int, graph: str, noon: datetime, failure: MakeFailure
) -> None:
    with store.begin() as t:
        first, opened = t.findings.record(campaign, failure("a", 3, graph), noon)
        second, reopened = t.findings.record(campaign, failure("a", 9, graph), noon + MINUTE)
    with store.read() as t:
        found = t.findings.get(first.id)

    assert (opened, reopened) == (True, False)
    assert (first.hits, first.state, first.found) == (1, "new", noon)
    assert first.content == failure("a", 3, graph)
    assert found == second == replace(first, hits=2)


def test_a_case_that_is_recorded_again_counts_once(
    store: Store, campaign: int, graph: str, noon: datetime, failure: MakeFailure
) -> None:
    for _ in range(2):
        with store.begin() as t:
            t.findings.record(campaign, failure("a", 3, graph), noon)
            t.findings.record(campaign, failure("a", 4, graph), noon)
            found, opened = t.findings.record(campaign, failure("a", 3, graph), noon)

        assert (found.hits, opened) == (2, False)


def test_buckets_belong_to_their_campaign(
    store: Store, campaign: int, graph: str, noon: datetime, failure: MakeFailure, campaign_spec: CampaignSpec
) -> None:
    with store.begin() as t:
        other = t.campaigns.create(campaign_spec, None, "ann", noon, MINUTE).id
        one, _ = t.findings.record(campaign, failure("a", 0, graph), noon)
        two, opened = t.findings.record(other, failure("a", 0, graph), noon)

    assert opened
    assert one.id != two.id
    assert (one.campaign, two.campaign) == (campaign, other)


def test_hostile_text_comes_back_readable(
    store: Store, campaign: int, graph: str, noon: datetime, failure: MakeFailure
) -> None:
    hostile = "'; DROP TABLE finding; -- \0 \ud800 </script> ☠ \r\n %s {x}"
    new = replace(failure(hostile, 0, graph), detail=hostile, case={hostile: hostile}, script=hostile * 1000)
    with store.begin() as t:
        found, _ = t.findings.record(campaign, new, noon)
        again, opened = t.findings.record(campaign, new, noon)

    readable = hostile.replace("\0", r"\x00").replace("\ud800", r"\ud800")
    assert (found, opened) == (again, False)
    assert (found.content.bucket, found.content.detail) == (readable, readable)
    assert found.content.script == readable * 1000
    assert found.content.case == {hostile: hostile}


def test_findings_are_paged_newest_first_and_filtered(
    store: Store, campaign: int, graph: str, noon: datetime, failure: MakeFailure, campaign_spec: CampaignSpec
) -> None:
    with store.begin() as t:
        other = t.campaigns.create(campaign_spec, None, "ann", noon, MINUTE).id
        for number, (owner, bucket) in enumerate([(1, "a"), (2, "a"), (1, "b"), (1, "c"), (2, "b")]):
            t.findings.record(owner, failure(bucket, number, graph), noon)
        marked = t.findings.mark(3, "reported")

        def ids(**filters: Any) -> list[int]:
            return [f.id for f in t.findings.page(**filters)]

        assert (campaign, other) == (1, 2)
        assert marked == t.findings.get(3)
        assert ids(limit=2) == [5, 4]
        assert ids(limit=2, before=4) == [3, 2]
        assert ids(campaign=1) == [4, 3, 1]
        assert ids(state="reported") == [3]
        assert ids(campaign=1, state="new", before=4) == [1]
        assert ids(campaign=2, state="reported") == []


def test_a_finding_needs_its_campaign_its_graph_and_a_state(
    store: Store, campaign: int, graph: str, noon: datetime, failure: MakeFailure
) -> None:
    with store.begin() as t:
        with pytest.raises(UserError, match="no campaign 9"):
            t.findings.record(9, failure("a", 0, graph), noon)
        with pytest.raises(UserError, match="no graph 'beef'"):
            t.findings.record(campaign, failure("a", 0, "beef"), noon)
        with pytest.raises(UserError, match="no finding 4"):
            t.findings.get(4)
        with pytest.raises(UserError, match="no finding 4"):
            t.findings.mark(4, "fixed")
        found, _ = t.findings.record(campaign, failure("a", 0, graph), noon)
        with pytest.raises(UserError, match="state must be a word"):
            t.findings.mark(found.id, " ")
