"""Spaces of a user's own: what their code raises is one line about that code, at the first walk and later."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.jobs.driver import utc_now
from archsmith.jobs.study import resume_study, run_study
from archsmith.spaces.decisions import Space, Steps
from archsmith.spaces.nodes import chain, choose, op
from archsmith.spaces.space import search_space
from archsmith.storage.facts import JobState
from archsmith.storage.store import open_store
from tests.jobs.files import SCORE, write

INNER = search_space(chain(op("conv2d", out=choose(1, 2, 3, 4), kernel=1), op("relu")), input=(1, 4, 4))


@dataclass
class Breaking:
    """Walks well as often as it is told to, then no more."""

    walks: int
    space: Space = field(default_factory=lambda: INNER)

    def walk(self) -> Steps[Graph]:
        self.walks -= 1
        if self.walks < 0:
            raise KeyError("no walk left")
        return (yield from self.space.walk())

    def text(self) -> str:
        return self.space.text()


def test_a_walk_that_raises_is_told_with_its_place_and_nothing_is_written(tmp_path: Path) -> None:
    score = write(tmp_path, score=SCORE)["score"]

    with pytest.raises(UserError, match=r"a walk of its space raised KeyError: 'no walk left' \(.*test_user_space.py:"):
        run_study(Breaking(0), task=f"{score}:score", store=f"sqlite:///{tmp_path / 'store.db'}")

    assert not (tmp_path / "store.db").exists()


def test_a_walk_that_raises_later_leaves_a_study_that_can_be_resumed(tmp_path: Path) -> None:
    score = write(tmp_path, score=SCORE)["score"]
    store = f"sqlite:///{tmp_path / 'store.db'}"

    with pytest.raises(UserError, match="no walk left"):
        run_study(Breaking(4), task=f"{score}:score", searcher="random", trials=4, store=store)
    with open_store(store).read() as tx:
        stopped = tx.studies.get(1, utc_now())
    assert stopped.state is JobState.STOPPED
    assert 0 < stopped.ended < 4

    with pytest.raises(UserError, match="searches a Python object"):
        resume_study("1", store=store)
    assert resume_study("1", store=store, space=INNER).ended == 4
