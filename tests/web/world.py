"""A store with a life behind it, made through the store's own methods, and a client of the dashboard."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from archsmith.storage.facts import (
    CampaignSpec,
    Epoch,
    JobState,
    NewFinding,
    Progress,
    StudySpec,
    TrialResult,
    TrialState,
)
from archsmith.storage.goals import Constraint, Direction, Objective
from archsmith.storage.store import Store, Transaction
from tests.graph.nets import odd_graph, small_net

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NOW = START + timedelta(hours=3)
LEASE = timedelta(minutes=1)
TRIALS = 64
"""Trials of the main study, the last one running: more than a page of them."""

BROKEN = {
    5: (TrialState.RAISED, "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x512 and 256x10)"),
    9: (TrialState.CRASHED, "the sandbox ended by signal 11 (SIGSEGV)"),
    14: (TrialState.TIMED_OUT, "no answer within 120 s"),
    20: (TrialState.NOT_FINITE, "val_accuracy was nan after epoch 2"),
    21: (TrialState.OUT_OF_MEMORY, "more than 2048 MiB were wanted"),
    26: (TrialState.RAISED, "RuntimeError: output size is too small"),
}
BEST = 60
"""The number of the best trial."""

SPEC = StudySpec(
    space="cnn",
    space_source=None,
    space_text="cnn = stack(conv, repeat(1..6, block), pool, head)\nblock = residual(norm, act, conv)",
    space_digest="5d41402abc4b2a76b9719d911017c592",
    task="digits",
    searcher="mcts",
    seed=7,
    trials=80,
    settings={"epochs": 3, "batch_size": 64, "learning_rate": 0.001},
)

CAMPAIGN = CampaignSpec(
    seed=11,
    oracles=("eager vs compiled", "export"),
    minutes=60.0,
    settings={"nodes": 12},
    versions={"torch": "2.13.0"},
)

COUNTERS: Mapping[str, Any] = {
    "cases": 4821,
    "ran": 4610,
    "rejected": 180,
    "failures": 31,
    "operators": {"conv2d": 912, "add": 2210, "cat": 640, "amax": 233, "softmax": 512},
    "stages": {"compile": {"passed": 4400, "failed": 22}, "export": {"passed": 4391, "failed": 9}},
}

SCRIPT = """\
import torch


def f(a, b):
    left, right = (a * b).split([2, 4], dim=1)
    return torch.cat([right.sin(), left], dim=1)  # <- the compiler <b>swaps</b> them


a, b = torch.ones(2, 6, 5), torch.ones(2, 6, 5)
torch.testing.assert_close(torch.compile(f)(a, b), f(a, b))
"""


def new_finding(number: int, graph: str) -> NewFinding:
    """The ``number``-th failure: kinds and oracles take turns."""
    return NewFinding(
        bucket=f"bucket-{number}",
        oracle=("eager vs compiled", "export")[number % 2],
        kind=("wrong value", "exception", "crash", "wrong stride")[number % 4],
        where=f"torch/_inductor/lowering.py:{100 + number}",
        summary=f"amax after cat gives another value when compiled ({number})",
        detail="Mismatched elements: 3 / 12 (25.0%)\nGreatest absolute difference: 0.7311 at index (0, 4)",
        graph=graph,
        case_number=40 * number,
        case={"seed": 11, "number": 40 * number, "inputs": [[2, 6, 5], [2, 6, 5]]},
        script=SCRIPT,
    )


@dataclass(slots=True)
class World:
    """A store, its URL, and a clock that a test may set."""

    url: str
    store: Store
    now: datetime = NOW
    study: int = 0
    graphs: list[str] = field(default_factory=list)

    def clock(self) -> datetime:
        return self.now

    def end_trial(self, number: int, value: float) -> None:
        """Bring a running trial of the main study to a good end, and begin the next."""
        with self.store.begin() as tx:
            result = TrialResult(TrialState.COMPLETE, value, {"parameters": 4242}, seconds=4.25)
            tx.trials.finish(self.study, number, result, [], self.now)
            tx.trials.start(self.study, number + 1, {"depth": 1}, self.graphs[0], self.now)


def fill_study(world: World, rng: random.Random) -> None:
    """A running study: mostly complete trials, some of every kind of failure, and one that runs."""
    with world.store.begin() as tx:
        world.graphs = [tx.graphs.put(small_net(4 + 4 * (i % 3), 1 + i)) for i in range(6)]
        world.study = tx.studies.create(SPEC, "digits-mcts", "host:41", NOW, LEASE).id
        for number in range(TRIALS):
            trace = {f"stage {k}/block/{part}": rng.choice([1, 3, 5, "relu"]) for k in range(4) for part in "ab"}
            started = START + timedelta(minutes=2 * number)
            tx.trials.start(world.study, number, trace, world.graphs[number % 6], started)
            if number < TRIALS - 1:
                result = broken_result(number) if number in BROKEN else good_result(number, rng)
                epochs = [] if result.value is None else good_epochs(result.value)
                tx.trials.finish(world.study, number, result, epochs, started + timedelta(minutes=1))


def broken_result(number: int) -> TrialResult:
    state, reason = BROKEN[number]
    measured = {"train_loss": float("nan"), "gradient": float("inf")} if number == 20 else {}
    return TrialResult(state, None, measured, reason, seconds=1.5)


def good_result(number: int, rng: random.Random) -> TrialResult:
    value = 0.97 if number == BEST else min(0.96, 0.6 + 0.006 * number + rng.uniform(-0.12, 0.04))
    measured = {
        "parameters": 1200 + 9731 * number,
        "macs": 81_000 * (number + 1),
        "test_accuracy": value - 0.01,
    }
    reused = number - 6 if number in (17, 29) else None
    return TrialResult(TrialState.COMPLETE, value, measured, seconds=rng.uniform(3, 90), reused_from=reused)


def good_epochs(value: float) -> list[Epoch]:
    return [
        Epoch(n, {"train_loss": 2.3 / n, "val_loss": 2.4 / n, "val_accuracy": value * (1 - 0.5 / n)})
        for n in range(1, 9)
    ]


def fill_goals(world: World) -> int:
    """A study of two objectives and a constraint with trials in all the states that such a one has."""
    objectives = (Objective("val_accuracy"), Objective("macs", Direction.MIN))
    spec = replace(SPEC, objectives=objectives, constraints=(Constraint("latency_ms", "<=", 5.0),))
    values = [(0.9, 900.0, 1.0), (0.8, 100.0, 2.0), (0.7, 500.0, 3.0), (0.95, 90.0, 7.5)]
    with world.store.begin() as tx:
        study = tx.studies.create(spec, "tradeoff", "host:1", NOW, LEASE).id
        digest = tx.graphs.put(small_net(4, 1))
        for number in range(6):
            tx.trials.start(study, number, {"depth": number}, digest, NOW, bracket=0, until=3)
        for number, (accuracy, macs, latency) in enumerate(values):
            broken = max(0.0, latency / 5.0 - 1)
            measured = {"macs": macs, "latency_ms": latency}
            result = TrialResult(TrialState.COMPLETE, accuracy, measured, others=(macs,), violation=broken)
            tx.trials.finish(study, number, result, [], NOW)
        paused = TrialResult(TrialState.PAUSED, 0.5, {}, others=(70.0,))
        tx.trials.pause(study, 4, paused, [Epoch(1, {}), Epoch(2, {})], reached=2, checkpoint="a.ckpt")
        stopped = TrialResult(TrialState.STOPPED, 0.4, {}, "stopped after epoch 1")
        tx.trials.finish(study, 5, stopped, [], NOW)
        tx.studies.release(study, "host:1", JobState.FINISHED, NOW)
        tx.studies.explain(study, "patience: no improvement in 3 trials")
    return study


def fill_campaigns(tx: Transaction) -> None:
    """A running campaign with nine findings, and a finished one without any."""
    graph = tx.graphs.put(odd_graph())
    nightly = tx.campaigns.create(CAMPAIGN, "nightly", "host:42", NOW, LEASE).id
    for number in range(9):
        for hit in range(1 + number % 3):
            new = replace(new_finding(number, graph), case_number=40 * number + hit)
            tx.findings.record(nightly, new, START + timedelta(minutes=7 * number))
    tx.findings.mark(3, "reported")
    tx.campaigns.advance(nightly, "host:42", Progress(4821, (), COUNTERS, 2460.0), NOW)
    spec = CampaignSpec(12, ("export",), cases=100)
    quiet = tx.campaigns.create(spec, "quiet", "host:43", START, LEASE).id
    tx.campaigns.advance(quiet, "host:43", Progress(100, (), {"cases": 100}, 63.0), START)
    tx.campaigns.release(quiet, "host:43", JobState.FINISHED, START + LEASE)


def fill_older_studies(tx: Transaction) -> None:
    """Study 1 was killed, study 2 was stopped, study 3 is done."""
    tx.studies.create(replace(SPEC, searcher="random", seed=1), "killed", "host:7", START, LEASE)
    mobile = replace(SPEC, space="spaces/mobile.py:space")
    stopped = tx.studies.create(mobile, "stopped", "host:8", START, LEASE).id
    tx.studies.release(stopped, "host:8", JobState.STOPPED, START)
    spec = replace(SPEC, searcher="evolution", trials=2)
    done = tx.studies.create(spec, "done", "host:9", START, LEASE).id
    graph = tx.graphs.put(small_net(8, 2, "avg_pool2d"))
    for number, value in enumerate((0.91, 0.93)):
        tx.trials.start(done, number, {"depth": number}, graph, START)
        tx.trials.finish(done, number, TrialResult(TrialState.COMPLETE, value, {"macs": 10}, seconds=2), [], START)
    tx.studies.release(done, "host:9", JobState.FINISHED, START + LEASE)


def fill(world: World) -> World:
    """Four studies, of which the last one runs, two campaigns, and three events."""
    with world.store.begin() as tx:
        fill_older_studies(tx)
        fill_campaigns(tx)
        for kind, subject in (("started", "study/4"), ("finding", "campaign/1"), ("trial", "study/4")):
            tx.events.append(kind, subject, {"of": "a test"}, START)
    fill_study(world, random.Random(3))
    return world


@dataclass(slots=True)
class Client:
    """Asks an application directly, without a socket, and keeps its cookies as a browser does."""

    app: FastAPI
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> httpx.Response:
        """The answer to a request; ``path`` may be a whole URL."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            base = "http://localhost"
            async with httpx.AsyncClient(transport=transport, base_url=base, cookies=self.cookies) as client:
                answer = await client.request(method, path, headers=headers)
                self.cookies = client.cookies
                return answer

        return asyncio.run(ask())
