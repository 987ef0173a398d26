"""How a network is trained: the settings of a study, checked before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from re import fullmatch
from typing import Any

from archsmith.graph.errors import UserError

OPTIMIZERS = ("adamw", "sgd")
SCHEDULES = ("cosine", "constant")
AUGMENTATIONS = ("none", "flip", "crop", "crop+flip")


def _is_count(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and given >= 1


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and isfinite(given)


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train: passes over the training data, or optimiser steps; one of the two."""

    epochs: int | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        given = [amount for amount in (self.epochs, self.steps) if amount is not None]
        if len(given) != 1 or not _is_count(given[0]):
            raise UserError(
                "a budget is either epochs or steps, an integer of at least 1;"
                f" got epochs={self.epochs!r}, steps={self.steps!r}"
            )


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Settings of ``TrainingEvaluator``; the defaults suit small images.

    No batch is smaller than ``batch_size``: what is left over makes them a little larger. ``sgd`` has a
    Nesterov momentum of 0.9. ``cosine`` lowers the learning rate to zero over the whole budget, step by step.
    ``augmentation`` is what training images go through, see ``archsmith.evaluate.augmentation``. ``device`` is
    "cpu" or "cuda" (a certain one: "cuda:1").
    """

    budget: Budget = Budget(epochs=8)
    batch_size: int = 64
    optimizer: str = "adamw"
    learning_rate: float = 5e-3
    weight_decay: float = 1e-2
    schedule: str = "cosine"
    augmentation: str = "none"
    device: str = "cpu"

    def __post_init__(self) -> None:
        rate, decay = self.learning_rate, self.weight_decay
        device = isinstance(self.device, str) and fullmatch(r"cpu|cuda(:\d+)?", self.device) is not None
        for name, met, demand in (
            ("batch_size", _is_count(self.batch_size), "an integer of at least 1"),
            ("optimizer", self.optimizer in OPTIMIZERS, " or ".join(OPTIMIZERS)),
            ("learning_rate", _is_number(rate) and rate > 0, "a number above 0"),
            ("weight_decay", _is_number(decay) and decay >= 0, "a number of at least 0"),
            ("schedule", self.schedule in SCHEDULES, " or ".join(SCHEDULES)),
            ("augmentation", self.augmentation in AUGMENTATIONS, " or ".join(AUGMENTATIONS)),
            ("device", device, "cpu, cuda or cuda:NUMBER"),
        ):
            if not met:
                raise UserError(f"setting {name} must be {demand}; got {getattr(self, name)!r}")

    @staticmethod
    def from_json(given: Mapping[str, Any]) -> "TrainingSettings":
        """The settings in a JSON object: the fields, with ``epochs`` or ``steps`` for the budget.

        A key that is missing or null has its default.

        Raises:
            UserError: there is no setting of that name, or it does not take that value.
        """
        names = [entry.name for entry in fields(TrainingSettings) if entry.name != "budget"]
        unknown = sorted(set(given) - {"epochs", "steps", *names})
        if unknown:
            raise UserError(f"training takes epochs, steps, {', '.join(names)}; got {', '.join(unknown)}")
        present: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        amounts = {name: present.pop(name) for name in ("epochs", "steps") if name in present}
        if amounts:
            present["budget"] = Budget(**amounts)
        return TrainingSettings(**present)

    def to_json(self) -> dict[str, Any]:
        """Every setting by name, as ``from_json`` takes them."""
        names = [entry.name for entry in fields(self) if entry.name != "budget"]
        settings = {name: getattr(self, name) for name in names}
        return {"epochs": self.budget.epochs, "steps": self.budget.steps} | settings


def with_recipe(settings: Mapping[str, Any], recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of one trial, as JSON: a study's, and in their place what the trial's recipe gives.

    ``epochs`` in a recipe take the place of the study's ``steps`` too, and the other way round.
    """
    amounts = {"epochs", "steps"}
    replaced = amounts if amounts & recipe.keys() else set()
    return {name: value for name, value in settings.items() if name not in replaced} | dict(recipe)
