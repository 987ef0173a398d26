"""Campaigns: fuzzing of the installed PyTorch, begun, resumed and kept in the store."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archsmith.fuzz.generate import make_space
from archsmith.fuzz.oracles import ORACLES
from archsmith.fuzz.preload import PRELOAD, environment
from archsmith.graph.errors import UserError
from archsmith.jobs.cases import CaseLimits, CaseLoop
from archsmith.jobs.driver import LEASE, identity, is_gone, utc_now
from archsmith.jobs.lease import HeldJob
from archsmith.jobs.limits import check_bounds
from archsmith.jobs.progress import Listener, ignore
from archsmith.jobs.study import DEFAULT_STORE
from archsmith.runtime.pool import Pool
from archsmith.storage.facts import Campaign, CampaignSpec, JobState
from archsmith.storage.store import open_store


def run_campaign(
    *,
    minutes: float | None = None,
    cases: int | None = None,
    oracles: Sequence[str] | None = None,
    workers: int = 1,
    seed: int = 0,
    store: str = DEFAULT_STORE,
    name: str | None = None,
    space: Mapping[str, Any] | None = None,
    limits: CaseLimits | None = None,
    listen: Listener = ignore,
    clock: Callable[[], datetime] = utc_now,
) -> Campaign:
    """Fuzz the installed PyTorch until ``minutes`` or ``cases`` are spent; without either, until interrupted.

    ``oracles`` are names of ``archsmith.fuzz.oracles.ORACLES`` (default: all); ``space`` holds settings of the
    generator, those of ``archsmith.fuzz.generate.make_space``.

    Raises:
        UserError: an oracle or a setting does not exist, or a bound is not positive.
    """
    chosen = tuple(oracles) if oracles is not None else tuple(ORACLES)
    _check_oracles(chosen)
    check_bounds(minutes=minutes, cases=cases, workers=workers)
    settings = dict(space or {})
    make_space(settings)  # a mistake in the settings is reported before anything is written
    spec = CampaignSpec(
        seed=seed,
        oracles=chosen,
        minutes=minutes,
        cases=cases,
        settings={"space": settings, "limits": asdict(limits or CaseLimits())},
        versions={"torch": version("torch"), "archsmith": version("archsmith")},
    )
    with closing(open_store(store)) as opened:
        driver = identity()
        with opened.begin() as tx:
            campaign = tx.campaigns.create(spec, name, driver, clock(), LEASE)
            subject = f"campaign/{campaign.id}"
            tx.events.append("campaign started", subject, {"name": campaign.name}, clock())
        return _work(campaign, HeldJob(opened, "campaign", campaign.id, driver, clock), workers, listen)


def resume_campaign(
    campaign: str,
    *,
    store: str = DEFAULT_STORE,
    workers: int = 1,
    listen: Listener = ignore,
    clock: Callable[[], datetime] = utc_now,
) -> Campaign:
    """Go on with a campaign, by id or name, that was stopped or killed, until its minutes or cases are spent.

    Raises:
        UserError: there is no such campaign, another process runs it, or it tests another PyTorch than the one
            installed.
    """
    check_bounds(workers=workers)
    with closing(open_store(store, create=False)) as opened:
        with opened.read() as tx:
            kept = tx.campaigns.find(campaign, clock())
        tested, installed = kept.spec.versions.get("torch"), version("torch")
        if tested != installed:
            raise UserError(
                f"campaign {kept.name!r} tests torch {tested}, and {installed} is installed; start a new campaign"
            )
        driver = identity()
        with opened.begin() as tx:
            claimed = tx.campaigns.claim(kept.id, driver, clock(), LEASE, dead=is_gone)
            tx.events.append("campaign resumed", f"campaign/{kept.id}", {"name": kept.name}, clock())
        return _work(claimed, HeldJob(opened, "campaign", kept.id, driver, clock), workers, listen)


def _work(campaign: Campaign, held: HeldJob, workers: int, listen: Listener) -> Campaign:
    state = JobState.STOPPED
    try:
        loop = CaseLoop(campaign, held, listen)
        with (
            TemporaryDirectory(prefix="archsmith-") as cache,
            Pool(workers, preload=PRELOAD, environment=environment(Path(cache))) as pool,
        ):
            loop.run(pool)
        state = JobState.FINISHED
    finally:
        held.leave(state)
    with held.store.read() as tx:
        return tx.campaigns.get(campaign.id, held.clock())


def _check_oracles(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in ORACLES]
    if unknown or not names:
        given = ", ".join(unknown) or "none"
        raise UserError(f"oracles must be one or more of {', '.join(ORACLES)}; got {given}")
