"""A study of a space whose file defines a module of its own: measured in workers, exported, shown by the dashboard."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from archsmith.evaluate.weights import trained_module
from archsmith.graph.cost import macs, parameters
from archsmith.graph.own import own_operators
from archsmith.graph.text import digest
from archsmith.jobs.artifacts import beside
from archsmith.jobs.export import export_trial
from archsmith.jobs.study import resume_study, run_study
from archsmith.runtime.modules import book_of
from archsmith.spaces.decisions import Trace, replay
from archsmith.spaces.loading import load_space
from archsmith.storage.facts import Trial, TrialState
from archsmith.storage.store import open_store

SPACE = '''
"""Squeeze and excitation of the user's own, in the file of the space."""

import torch
from torch import nn

from archsmith.runtime.modules import module, size
from archsmith.spaces.nodes import chain, choose, op
from archsmith.spaces.space import search_space


class Excite(nn.Module):
    """Channels weighed by what is in all of them."""

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        self.down = nn.Linear(channels, channels // reduction)
        self.up = nn.Linear(channels // reduction, channels)

    def forward(self, x):
        return x * torch.sigmoid(self.up(torch.relu(self.down(x.mean((2, 3))))))[:, :, None, None]


space = search_space(
    chain(
        op("conv2d", out=choose(4, 8), kernel=3),
        op(module(Excite), channels=size(1), reduction=choose(2, 4)),
        op("global_avg_pool"),
        op("linear", out=10),
    ),
    input=(1, 8, 8),
)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the space's file and a finished study of it; the tests only read it."""
    made = tmp_path_factory.mktemp("own")
    (made / "net_own.py").write_text(SPACE, encoding="utf-8")
    run_study(
        str(made / "net_own.py"), task="digits", searcher="random", trials=2, store=url(made), settings={"epochs": 1}
    )
    return made


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'store.db'}"


def trials_of(folder: Path) -> list[Trial]:
    with open_store(url(folder)).read() as tx:
        return tx.trials.history(1)


def test_the_workers_find_the_class_and_measure_it(folder: Path) -> None:
    trials = trials_of(folder)

    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 2
    for trial in trials:
        with open_store(url(folder)).read() as tx:
            graph = tx.graphs.get(trial.graph)
        assert own_operators(graph) == (f"{folder / 'net_own.py'}:Excite",)
        assert trial.result is not None
        assert trial.result.measurement["parameters"] == parameters(graph, book_of(graph))
        assert trial.result.measurement["macs"] == macs(graph, book_of(graph))


def test_the_trace_leads_to_the_same_architecture_and_the_study_goes_on(folder: Path) -> None:
    space = load_space(str(folder / "net_own.py"))

    for trial in trials_of(folder):
        graph = replay(space, Trace.of(trial.trace)).graph
        assert graph is not None
        assert digest(graph) == trial.graph
    assert resume_study("1", store=url(folder), trials=3).ended == 3


def test_the_export_imports_the_class_from_the_file_beside_it(folder: Path) -> None:
    exported = export_trial("1/0", folder / "best.py", store=url(folder))
    text = exported.source.read_text(encoding="utf-8")
    run = subprocess.run([sys.executable, "best.py"], cwd=folder, capture_output=True, text=True, timeout=120)

    assert text.startswith('"""Trial 0 of study study-1')
    assert "needs torch and net_own.py where Python finds it." in text.partition("\n")[0]
    assert f"import net_own  # '{folder / 'net_own.py'}'\n" in text
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("tensor([[")


def test_the_weights_are_those_of_the_trial(folder: Path) -> None:
    trial = trials_of(folder)[0]
    assert trial.result is not None
    assert trial.result.weights is not None
    with open_store(url(folder)).read() as tx:
        graph = tx.graphs.get(trial.graph)

    network = trained_module(graph, beside(url(folder)).path(trial.result.weights))

    assert sum(p.numel() for p in network.parameters()) == trial.result.measurement["parameters"]


SHOW = """
import asyncio, json, sys
from datetime import UTC, datetime
import httpx
from archsmith.web.app import create_app

async def pages():
    transport = httpx.ASGITransport(create_app(sys.argv[1], clock=lambda: datetime.now(UTC)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return [await client.get(path) for path in ("/studies/1", "/studies/1/trials/0")]

found = asyncio.run(pages())
print(json.dumps({
    "codes": [page.status_code for page in found],
    "text": found[1].text,
    "loaded": [name for name in sys.modules if "net_own" in name or name == "torch"],
}))
"""


def test_the_dashboard_shows_it_and_runs_none_of_the_users_code(folder: Path) -> None:
    """In a process of its own, which has imported nothing yet."""
    shown = subprocess.run(
        [sys.executable, "-c", SHOW, url(folder)], capture_output=True, text=True, timeout=120, check=True, cwd=folder
    )
    found = json.loads(shown.stdout)

    assert found["codes"] == [200, 200]
    assert found["loaded"] == []
    assert ">Excite</text>" in found["text"]
    assert f"{folder / 'net_own.py'}:Excite(%1, channels=" in found["text"]
