"""Recipes: settings that differ from trial to trial, and whether what measures the trials takes them."""

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

from archsmith.evaluate.evaluator import Evaluator
from archsmith.evaluate.settings import TrainingSettings, with_recipe
from archsmith.evaluate.task import Task, batched
from archsmith.evaluate.tasks import RECIPE, Score
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Scalar

IMAGE_RANK = 3
"""Channels, height and width."""


def takes_recipe(function: Callable[..., Any]) -> bool:
    """Whether a user's own measure has a parameter for the trial's recipe."""
    try:
        return RECIPE in signature(function).parameters
    except ValueError:  # some of Python's built-in functions have no signature
        return False


def check_settings_fit(task: Task, settings: TrainingSettings) -> None:
    """Raise a ``UserError`` if a setting is not for data such as the task's."""
    if settings.augmentation != "none" and len(task.input_shape) != IMAGE_RANK:
        raise UserError(
            f"setting augmentation={settings.augmentation!r} is for images [N, channels, height, width];"
            f" task {task.name} has samples {batched((1, *task.input_shape))}"
        )


def check_recipe(
    task: Task | Evaluator | Score, settings: Mapping[str, Any], recipe: Mapping[str, Sequence[Scalar]]
) -> None:
    """Look for mistakes in a study's settings and its recipe before any trial runs.

    ``recipe`` has the values that each setting may take, as far as they are known.

    Raises:
        UserError: what measures the trials takes no recipe, has no setting of that name, or not of that value.
    """
    if not isinstance(task, Task):
        measure = task.measure if isinstance(task, Evaluator) else task
        if recipe and not takes_recipe(measure):
            raise UserError(
                f"the space has a recipe ({', '.join(recipe)}), and the task's {_name(measure)}() takes none:"
                f" give it a parameter {RECIPE!r}"
            )
        return
    check_settings_fit(task, TrainingSettings.from_json(settings))
    first = {name: values[0] if values else None for name, values in recipe.items()}
    for name, values in recipe.items():
        for value in values or (None,):
            trial = with_recipe(settings, {**first, name: value})
            try:
                check_settings_fit(task, TrainingSettings.from_json(trial))
            except UserError as error:
                raise UserError(f"the space's recipe does not suit its task: {error}") from None


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)
