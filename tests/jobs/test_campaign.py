"""Campaigns, with the real generator, sandbox and store, and the cheapest real oracle."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from archsmith.graph.errors import UserError
from archsmith.jobs.campaign import resume_campaign, run_campaign
from archsmith.jobs.driver import LEASE, utc_now
from archsmith.jobs.progress import CaseEnded, Message
from archsmith.jobs.replay import replay_finding
from archsmith.storage.facts import Campaign, CampaignSpec, JobState
from archsmith.storage.store import check_store, open_store

CASES = 12


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Campaign, list[Message]]:
    """A campaign that nothing interrupted."""
    heard: list[Message] = []
    store = f"sqlite:///{tmp_path_factory.mktemp('campaign') / 'store.db'}"
    campaign = run_campaign(
        minutes=None, cases=CASES, oracles=["aot_eager"], workers=2, seed=3, store=store, listen=heard.append
    )
    return store, campaign, heard


def counted(campaign: Campaign) -> dict[str, object]:
    """The counters that do not depend on the clock."""
    return {key: value for key, value in campaign.progress.counters.items() if key != "stage_seconds"}


def test_a_campaign_checks_every_case_once(whole: tuple[str, Campaign, list[Message]]) -> None:
    _, campaign, heard = whole

    assert campaign.state is JobState.FINISHED
    assert campaign.progress.next_case == CASES
    assert campaign.progress.beyond == ()
    assert campaign.progress.counters["cases"] == CASES
    assert campaign.progress.counters["ran"] == CASES
    assert sorted(m.number for m in heard if isinstance(m, CaseEnded)) == list(range(CASES))
    assert set(campaign.progress.counters["stage_seconds"]) == {"eager", "aot_eager"}


def test_a_campaign_survives_kill_9_and_checks_no_finished_case_again(
    whole: tuple[str, Campaign, list[Message]], tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    words = ["--cases", str(CASES), "--oracle", "aot_eager", "--seed", "3", "--workers", "2"]
    _kill_when(["fuzz", "run", *words, "--store", store], store, cases=2)
    first = _campaign(store)
    _kill_when(["fuzz", "run", "--resume", "1", "--workers", "2", "--store", store], store, cases=first + 2)
    with open_store(store).read() as tx:
        killed = tx.campaigns.get(1, utc_now() + 2 * LEASE)
    assert killed.state is JobState.INTERRUPTED

    resumed = resume_campaign("1", store=store, workers=2)

    assert resumed.state is JobState.FINISHED
    # Every case counted once: the sums are those of the campaign that was never interrupted.
    assert counted(resumed) == counted(whole[1])
    assert resumed.findings == whole[1].findings
    assert check_store(store) == []


def test_a_campaign_ends_with_its_minutes(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"

    campaign = run_campaign(minutes=0.05, oracles=["aot_eager"], store=store)

    assert campaign.state is JobState.FINISHED
    assert campaign.progress.seconds >= 3
    assert resume_campaign("1", store=store).progress.counters == campaign.progress.counters


def test_a_campaign_against_another_torch_is_not_resumed(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    spec = CampaignSpec(0, ("aot_eager",), None, 3, {"space": {}, "limits": {}}, {"torch": "1.0"})
    with open_store(store).begin() as tx:
        tx.campaigns.create(spec, None, "elsewhere:1:1", utc_now() - 2 * LEASE, LEASE)

    with pytest.raises(UserError, match=r"tests torch 1\.0"):
        resume_campaign("1", store=store)


def test_a_campaign_that_another_process_runs_is_not_resumed(
    whole: tuple[str, Campaign, list[Message]],
) -> None:
    store, campaign, _ = whole
    with open_store(store).begin() as tx:
        tx.campaigns.create(replace(campaign.spec), "taken", "elsewhere:1:1", utc_now(), LEASE)

    with pytest.raises(UserError, match="elsewhere:1:1 runs it"):
        resume_campaign("taken", store=store)


def test_a_finding_that_does_not_exist_is_not_replayed(whole: tuple[str, Campaign, list[Message]]) -> None:
    with pytest.raises(UserError, match="no finding 99"):
        replay_finding(99, store=whole[0])


def _kill_when(arguments: list[str], store: str, *, cases: int) -> None:
    """Start the command, and kill it as soon as that many cases are on record."""
    process = subprocess.Popen(
        [sys.executable, "-m", "archsmith", *arguments],
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while _campaign(store) < cases and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL


def _campaign(store: str) -> int:
    """Cases on record."""
    path = Path(store.removeprefix("sqlite:///"))
    if not path.exists() or path.stat().st_size == 0:
        return 0
    try:
        with open_store(store, create=False, read_only=True).read() as tx:
            kept = tx.campaigns.page(utc_now())
    except UserError:  # the other process is about to create it
        return 0
    return int(kept[0].progress.counters.get("cases", 0)) if kept else 0
