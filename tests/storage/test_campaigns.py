"""The contract of the campaigns in a store; what they share with studies is tested there."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.storage.facts import CampaignSpec, JobState, NewFinding, Progress
from archsmith.storage.store import Store

MINUTE = timedelta(minutes=1)


def test_a_campaign_comes_back_as_it_was_made(store: Store, campaign_spec: CampaignSpec, noon: datetime) -> None:
    with store.begin() as t:
        made = t.campaigns.create(campaign_spec, None, "ann", noon, MINUTE)
    with store.read() as t:
        found = t.campaigns.find("campaign-1", noon + MINUTE)
        again = t.campaigns.get(made.id, noon)

    assert made == again
    assert made.spec == campaign_spec
    assert (made.progress, made.findings, made.advanced) == (Progress(), 0, None)
    assert (made.state, found.state) == (JobState.RUNNING, JobState.INTERRUPTED)


def test_progress_is_replaced_by_the_one_who_runs_the_campaign(
    store: Store, campaign_spec: CampaignSpec, noon: datetime
) -> None:
    progress = Progress(12, (14, 15), {"cases": 14, "operators": {"relu": 3, "weird $ name": 0.5}}, 61.5)
    with store.begin() as t:
        id = t.campaigns.create(campaign_spec, None, "ann", noon, MINUTE).id
        told = t.campaigns.advance(id, "ann", progress, noon + MINUTE / 2)
    with store.begin() as t:
        taken = t.campaigns.claim(id, "bob", noon + MINUTE, MINUTE, dead=lambda driver: False)
        fenced = t.campaigns.advance(id, "ann", Progress(), noon + MINUTE)
        after = t.campaigns.get(id, noon + MINUTE)

    assert (told, fenced) == (True, False)
    assert after == taken
    assert (after.progress, after.advanced, after.driver) == (progress, noon + MINUTE / 2, "bob")


def test_a_campaign_is_renewed_released_and_refused_like_a_study(
    store: Store, campaign_spec: CampaignSpec, noon: datetime
) -> None:
    with store.begin() as t:
        id = t.campaigns.create(campaign_spec, "night", "ann", noon, MINUTE).id
        renewed = t.campaigns.renew(id, "ann", noon + MINUTE, MINUTE)
        with pytest.raises(UserError, match="campaign 'night' must be idle"):
            t.campaigns.claim(id, "bob", noon + MINUTE, MINUTE, dead=lambda driver: False)
        released = t.campaigns.release(id, "ann", JobState.FINISHED, noon + MINUTE)
        after = t.campaigns.find("night", noon)

        assert (renewed, released) == (True, True)
        assert (after.state, after.finished) == (JobState.FINISHED, noon + MINUTE)
        assert not t.campaigns.advance(id, "ann", Progress(1), noon)
        with pytest.raises(UserError, match="'night' is taken"):
            t.campaigns.create(campaign_spec, "night", "ann", noon, MINUTE)
        with pytest.raises(UserError, match="no campaign 'day' in the store; it has night"):
            t.campaigns.find("day", noon)


def test_campaigns_are_paged_newest_first_with_their_findings(
    store: Store,
    campaign_spec: CampaignSpec,
    noon: datetime,
    graph_of: Callable[[int], Graph],
    failure: Callable[[str, int, str], NewFinding],
) -> None:
    with store.begin() as t:
        for _ in range(3):
            t.campaigns.create(campaign_spec, None, "ann", noon, MINUTE)
        graph = t.graphs.put(graph_of(1))
        for case, bucket in enumerate(["a", "b", "a"]):
            t.findings.record(2, failure(bucket, case, graph), noon)
        first = t.campaigns.page(noon, limit=2)
        second = t.campaigns.page(noon, limit=2, before=2)

    assert [(c.id, c.findings) for c in first] == [(3, 0), (2, 2)]
    assert [(c.id, c.findings) for c in second] == [(1, 0)]
