"""The store that the contract tests run on, and small examples of what is kept in it.

A test that takes ``store`` holds for any database: a fixture of that name for another one runs them all.
"""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archsmith.graph.graph import INPUT, Graph, Node, Value, canonical
from archsmith.graph.types import TensorType
from archsmith.storage.facts import CampaignSpec, NewFinding, StudySpec
from archsmith.storage.store import Store, open_store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh store, to be copied: that is quicker than to make one for each test."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def path(tmp_path: Path, empty_file: Path) -> Path:
    """The file of a fresh store."""
    return Path(shutil.copy(empty_file, tmp_path / "store.db"))


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture
def study_spec() -> StudySpec:
    return StudySpec(
        space="small.py",
        space_source="space = chain(...)",
        space_text="chain(...)",
        space_digest="ab12",
        task="digits",
        searcher="tree",
        seed=7,
        trials=20,
        settings={"epochs": 3, "rate": 0.1, "limits": {"memory": None}},
    )


@pytest.fixture
def campaign_spec() -> CampaignSpec:
    return CampaignSpec(seed=3, oracles=("inductor", "export"), minutes=1.5, versions={"torch": "2.13.0"})


@pytest.fixture
def graph_of() -> Callable[[int], Graph]:
    """A graph of one rectifier, ``width`` wide."""

    def graph_of(width: int) -> Graph:
        type = TensorType((1, width))
        return canonical([Node(INPUT, (), (), (type,)), Node("relu", (Value(0),), (), (type,))], [Value(1)])

    return graph_of


@pytest.fixture
def failure() -> Callable[[str, int, str], NewFinding]:
    """A failure of ``bucket``, seen in case ``number`` of a graph that has been put in the store."""

    def failure(bucket: str, number: int, graph: str) -> NewFinding:
        return NewFinding(
            bucket=bucket,
            oracle="inductor",
            kind="wrong value",
            where="output 0",
            summary=f"wrong value of relu ({bucket})",
            detail="off by 0.5",
            graph=graph,
            case_number=number,
            case={"seed": 3, "number": number, "worst": float("inf")},
            script="import torch\n",
        )

    return failure
