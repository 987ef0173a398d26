"""A trial's recipe takes the place of a study's settings, where what measures it takes one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from archsmith.evaluate.digits import DIGITS
from archsmith.evaluate.entry import measure
from archsmith.evaluate.recipe import check_recipe, takes_recipe
from archsmith.evaluate.settings import TrainingSettings, with_recipe
from archsmith.evaluate.tasks import load_task
from archsmith.graph.errors import UserError
from archsmith.graph.text import to_json
from tests.evaluate.toys import DIGITS_NET, signs

OWN = """
from archsmith.evaluate.evaluator import Measurement

def score(graph, recipe):
    return recipe.get("warmth", 0.0)

def keyword(graph, *, recipe):
    return {"value": recipe["warmth"], "nodes": len(graph.nodes)}

def plain(graph):
    return 1.0

class Asking:
    def measure(self, graph, budget, seed, report, recipe):
        return Measurement(recipe["warmth"] * budget.epochs)

class Silent:
    def measure(self, graph, budget, seed, report):
        return Measurement(1.0)
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    return str(tmp_path / "own.py")


def measured(task: str, **payload: Any) -> Any:
    usual = {"task": task, "settings": TrainingSettings().to_json(), "seed": 4, "graph": to_json(DIGITS_NET)}
    return measure({**usual, **payload}, lambda message: None)


@pytest.mark.parametrize(
    ("recipe", "changed"),
    [
        ({}, {}),
        ({"learning_rate": 0.1, "optimizer": "sgd"}, {"learning_rate": 0.1, "optimizer": "sgd"}),
        ({"epochs": 3}, {"epochs": 3}),
        ({"steps": 3}, {"epochs": None, "steps": 3}),
    ],
)
def test_a_recipe_takes_the_place_of_settings(recipe: Mapping[str, Any], changed: Mapping[str, Any]) -> None:
    settings = TrainingSettings().to_json()
    found = TrainingSettings.from_json(with_recipe(settings, recipe))

    assert found.to_json() == {**settings, **changed}
    assert settings == TrainingSettings().to_json()


def test_a_training_is_of_its_recipe() -> None:
    slow = measured("digits", recipe={"steps": 20, "learning_rate": 1e-6})
    given = measured("digits", recipe={"steps": 20, "learning_rate": 0.01, "augmentation": "crop"})
    settings = {"steps": 20, "learning_rate": 0.01, "augmentation": "crop"}
    same = measured("digits", settings=settings)

    assert given["value"] == same["value"]
    assert given["metrics"]["train_loss"] == same["metrics"]["train_loss"] < slow["metrics"]["train_loss"]


@pytest.mark.parametrize(("name", "value"), [("score", 2.5), ("keyword", 2.5), ("Asking", 20.0), ("plain", 1.0)])
def test_a_measure_of_the_users_own_is_given_the_recipe_it_asks_for(name: str, value: float, own: str) -> None:
    answer = measured(f"{own}:{name}", recipe={"warmth": 2.5})

    assert answer["state"] == "complete"
    assert answer["value"] == value


def test_a_measure_that_takes_a_recipe_gets_an_empty_one_without(own: str) -> None:
    assert measured(f"{own}:score")["value"] == 0.0


def test_only_a_parameter_of_that_name_asks_for_the_recipe() -> None:
    assert takes_recipe(lambda graph, recipe=None: 0.0)
    assert not takes_recipe(lambda graph, recipes=None: 0.0)
    assert not takes_recipe(lambda graph, **anything: 0.0)
    assert not takes_recipe(max)


SETTINGS = TrainingSettings().to_json()


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"learning_rate": (0.1, 0.01), "optimizer": ("adamw", "sgd"), "augmentation": ("none", "crop+flip")},
        {"batch_size": (), "steps": (10, 20)},
    ],
)
def test_settings_are_a_recipe_for_training(recipe: dict[str, Any]) -> None:
    check_recipe(DIGITS, SETTINGS, recipe)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"warmth": (1, 2)}, "recipe does not suit its task: training takes epochs, .* augmentation, .*; got warmth"),
        ({"warmth": ()}, "training takes epochs, .*; got warmth"),
        (
            {"learning_rate": (0.1, 0.0)},
            "does not suit its task: setting learning_rate must be a number above 0; got 0.0",
        ),
        ({"optimizer": ("adamw", "adam")}, "setting optimizer must be adamw or sgd; got 'adam'"),
        ({"epochs": (1, 2), "steps": (10, 20)}, "either epochs or steps"),
    ],
)
def test_a_recipe_that_is_not_for_training_is_refused(recipe: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_recipe(DIGITS, SETTINGS, recipe)


def test_an_augmentation_is_for_images() -> None:
    with pytest.raises(UserError, match="recipe does not suit its task: setting augmentation='crop' is for images"):
        check_recipe(signs(), SETTINGS, {"augmentation": ("none", "crop")})
    with pytest.raises(UserError, match="^setting augmentation='flip' is for images"):
        check_recipe(signs(), {**SETTINGS, "augmentation": "flip"}, {})


@pytest.mark.parametrize(("name", "told"), [("plain", "plain"), ("Silent", "measure")])
def test_a_measure_without_a_recipe_is_not_for_a_space_with_one(name: str, told: str, own: str) -> None:
    task = load_task(f"{own}:{name}")

    check_recipe(task, SETTINGS, {})
    with pytest.raises(UserError, match=rf"has a recipe \(warmth\), .* {told}\(\) takes none: .* parameter 'recipe'"):
        check_recipe(task, SETTINGS, {"warmth": (1, 2)})


@pytest.mark.parametrize("name", ["score", "keyword", "Asking"])
def test_names_are_free_where_the_users_own_code_takes_them(name: str, own: str) -> None:
    check_recipe(load_task(f"{own}:{name}"), SETTINGS, {"warmth": (1, 2)})
