"""Studies of spaces with a recipe: each trial is measured as its recipe says, and never as another's."""

from pathlib import Path
from typing import Any

import pytest

from archsmith.graph.errors import UserError
from archsmith.jobs.export import export_trial
from archsmith.jobs.stopping import EXHAUSTED
from archsmith.jobs.study import resume_study, run_study
from archsmith.spaces.decisions import Trace
from archsmith.spaces.nodes import chain, choose, floats, op, shared
from archsmith.spaces.recipe import recipe_of
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.storage.facts import Study, Trial
from archsmith.storage.store import open_store
from tests.jobs.files import write

SCORE = '''
"""Scores an architecture by its recipe, and writes down that it did."""

from pathlib import Path


def score(graph, recipe):
    with Path(__file__).with_name("log.txt").open("a") as log:
        log.write(f"{graph.nodes[1].attribute['out']} {recipe['rate']} {recipe['size']}\\n")
    return graph.nodes[1].attribute["out"] + recipe["rate"]


def blind(graph):
    return 1.0
'''

WIDTH = shared("width", choose(1, 2))
NET = chain(op("conv2d", out=WIDTH, kernel=1), op("relu"))
SPACE = search_space(NET, input=(1, 4, 4), recipe={"rate": choose(0.25, 0.5), "size": 8 * WIDTH})


@pytest.fixture
def place(tmp_path: Path) -> dict[str, str]:
    return {"task": f"{write(tmp_path, score=SCORE)['score']}:score", "store": f"sqlite:///{tmp_path / 'store.db'}"}


def trials_of(store: str, study: Study) -> list[Trial]:
    with open_store(store).read() as tx:
        return tx.trials.history(study.id)


def measured(tmp_path: Path) -> list[str]:
    return (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()


def test_every_architecture_is_measured_with_every_recipe(place: dict[str, str], tmp_path: Path) -> None:
    study = run_study(SPACE, searcher="random", trials=9, **place)  # type: ignore[arg-type]

    trials = trials_of(place["store"], study)
    assert sorted(measured(tmp_path)) == ["1 0.25 8", "1 0.5 8", "2 0.25 16", "2 0.5 16"]
    assert len({trial.graph for trial in trials}) == 2
    assert len(trials) == 4
    assert study.reason == EXHAUSTED
    for trial in trials:
        assert trial.result is not None
        recipe = recipe_of(SPACE, Trace.of(trial.trace))
        assert trial.result.value == int(trial.trace["width"]) + float(recipe["rate"])


def test_a_choice_that_does_not_reach_the_recipe_or_the_graph_is_measured_once(
    place: dict[str, str], tmp_path: Path
) -> None:
    idle = shared("idle", choose(1, 2, 3, 4))
    space = search_space(
        op("conv2d", out=idle - idle + 1, kernel=1), input=(1, 4, 4), recipe={"rate": 0.5, "size": idle % 2}
    )

    run_study(space, searcher="random", trials=4, **place)  # type: ignore[arg-type]

    assert sorted(measured(tmp_path)) == ["1 0.5 0", "1 0.5 1"]


def test_a_resumed_study_knows_the_recipes_of_before(place: dict[str, str], tmp_path: Path) -> None:
    study = run_study(SPACE, searcher="random", trials=4, **place)  # type: ignore[arg-type]
    resume_study(study.name, store=place["store"], trials=8, space=SPACE)

    assert len(measured(tmp_path)) == 4


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"learning_rat": choose(0.1, 0.2)}, "digits", "training takes epochs, .* learning_rate, .*; got learning_rat"),
    ({"optimizer": choose("sgd", "adam")}, "digits", "setting optimizer must be adamw or sgd; got 'adam'"),
    ({"rate": choose(0.1, 0.2)}, "blind", r"a recipe \(rate\), and the task's blind\(\) takes none"),
]


@pytest.mark.parametrize(("recipe", "task", "message"), MISTAKES)
def test_a_recipe_that_nobody_takes_is_reported_before_anything_is_written(
    recipe: dict[str, Any], task: str, message: str, place: dict[str, str], tmp_path: Path
) -> None:
    given = place["task"].replace(":score", ":blind") if task == "blind" else task

    with pytest.raises(UserError, match=message):
        run_study(digits_space(recipe), task=given, store=place["store"])
    assert not (tmp_path / "store.db").exists()


def digits_space(recipe: dict[str, Any]) -> TreeSpace:
    return search_space(chain(op("flatten"), op("linear", out=10)), input=(1, 8, 8), recipe=recipe)


def test_a_training_follows_its_recipe_and_an_export_names_it(tmp_path: Path) -> None:
    store, out = f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "net.py"
    space = digits_space({"learning_rate": floats(1e-6, 1e-2, log=True, count=2), "steps": 40})

    study = run_study(space, task="digits", searcher="random", trials=2, store=store)
    export_trial(f"{study.id}/best", out, store=store)

    values = {t.trace["recipe/learning_rate"]: t.result.value for t in trials_of(store, study) if t.result is not None}
    assert values.keys() == {1e-6, 1e-2}
    assert values[1e-2] > values[1e-6]  # type: ignore[operator]  # both trials are complete
    assert "needs only torch. Its recipe: learning_rate 0.01." in out.read_text(encoding="utf-8").splitlines()[0]
