"""The loop of a campaign, with a pool that loses a worker on demand."""

from collections.abc import Hashable
from pathlib import Path

from archsmith.fuzz.oracles import protocol
from archsmith.fuzz.oracles.protocol import Failure
from archsmith.jobs.cases import EAGER, CaseLoop
from archsmith.jobs.driver import LEASE, utc_now
from archsmith.jobs.lease import HeldJob
from archsmith.jobs.progress import ignore
from archsmith.runtime.job import Job
from archsmith.runtime.outcome import Crashed
from archsmith.runtime.pool import Done, Event, Report
from archsmith.storage.facts import CampaignSpec
from archsmith.storage.store import open_store

FAILURE = Failure("aot_eager", "wrong value", "relu", "message")


class Twice:
    """A pool whose worker is lost after it told of a failure: the case begins again, tells it again, and crashes."""

    free = 1

    def __init__(self) -> None:
        self._key: Hashable = None

    def submit(self, key: Hashable, job: Job) -> None:
        self._key, self.free = key, 0

    def wait(self, timeout: float) -> list[Event]:
        self.free = 1
        told = [{"stage": EAGER}, {"stage": "aot_eager"}, {"failure": protocol.to_json(FAILURE)}]
        return [*(Report(self._key, message) for message in told * 2), Done(self._key, Crashed(11, None))]


def test_a_case_that_begins_again_tells_each_failure_once(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    spec = CampaignSpec(0, ("aot_eager",), None, 1, {"space": {}, "limits": {}})
    with store.begin() as tx:
        campaign = tx.campaigns.create(spec, None, "here", utc_now(), LEASE)

    CaseLoop(campaign, HeldJob(store, "campaign", 1, "here", utc_now), ignore).run(Twice())  # type: ignore[arg-type]

    with store.read() as tx:
        ended = tx.campaigns.get(1, utc_now())
    assert ended.progress.counters["failures"] == 2  # what it told, and the crash
    assert ended.findings == 2
