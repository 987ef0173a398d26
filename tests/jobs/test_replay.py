"""Findings that cannot be replayed: an oracle or a case of another archsmith is not taken for a fault that is gone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from archsmith.fuzz import case as cases
from archsmith.fuzz.generate import make_case, make_space
from archsmith.graph.errors import UserError
from archsmith.jobs.driver import LEASE, utc_now
from archsmith.jobs.replay import replay_finding
from archsmith.storage.facts import CampaignSpec, NewFinding
from archsmith.storage.store import open_store

CASE = make_case(0, 0, make_space())


def recorded(folder: Path, oracle: str, case: Mapping[str, Any]) -> str:
    """A store with one finding."""
    store = f"sqlite:///{folder / 'store.db'}"
    now = utc_now()
    with open_store(store).begin() as tx:
        campaign = tx.campaigns.create(CampaignSpec(0, ("aot_eager",)), None, "elsewhere:1:1", now, LEASE)
        graph = tx.graphs.put(CASE.graph)
        new = NewFinding("bucket", oracle, "crash", "relu", "summary", "detail", graph, 0, case, "import torch\n")
        tx.findings.record(campaign.id, new, now)
    return store


@pytest.mark.parametrize(
    ("oracle", "changed", "message"),
    [
        ("onnx", {}, "found by oracle 'onnx', and there are aot_eager, inductor"),
        ("aot_eager", {"format": 2}, "finding 1 holds a case that this archsmith cannot read: .* format 1"),
    ],
)
def test_a_finding_of_another_archsmith_is_not_replayed(
    tmp_path: Path, oracle: str, changed: dict[str, int], message: str
) -> None:
    store = recorded(tmp_path, oracle, cases.to_json(CASE) | changed)

    with pytest.raises(UserError, match=message):
        replay_finding(1, store=store)


def test_a_finding_of_the_eager_run_needs_no_oracle(tmp_path: Path) -> None:
    store = recorded(tmp_path, "eager", cases.to_json(CASE))

    replayed = replay_finding(1, store=store)

    assert not replayed.still_fails
    assert replayed.failures == ()
