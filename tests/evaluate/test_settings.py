"""Settings are checked before anything runs."""

import json
from typing import Any

import pytest

from archsmith.evaluate.settings import Budget, TrainingSettings
from archsmith.graph.errors import UserError


def test_settings_are_read_from_json() -> None:
    given = {"steps": 100, "epochs": None, "batch_size": 32, "optimizer": "sgd", "learning_rate": 1}

    assert TrainingSettings.from_json({}) == TrainingSettings()
    assert TrainingSettings.from_json(given) == TrainingSettings(
        budget=Budget(steps=100), batch_size=32, optimizer="sgd", learning_rate=1
    )


@pytest.mark.parametrize("settings", [TrainingSettings(), TrainingSettings(Budget(steps=7), schedule="constant")])
def test_settings_are_written_as_they_are_read(settings: TrainingSettings) -> None:
    written = settings.to_json()

    assert json.loads(json.dumps(written)) == written
    assert TrainingSettings.from_json(written) == settings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epoch": 3}, "training takes epochs, steps, batch_size, .* device; got epoch"),
        ({"budget": 3}, "got budget"),
        ({"epochs": 3, "steps": 5}, "either epochs or steps, .* got epochs=3, steps=5"),
        ({"epochs": 0}, "an integer of at least 1; got epochs=0"),
        ({"steps": 2.5}, "got epochs=None, steps=2.5"),
        ({"epochs": True}, "got epochs=True"),
        ({"batch_size": "64"}, "setting batch_size must be an integer of at least 1; got '64'"),
        ({"optimizer": "adam"}, "setting optimizer must be adamw or sgd; got 'adam'"),
        ({"schedule": ["cosine"]}, "setting schedule must be cosine or constant"),
        ({"learning_rate": 0}, "setting learning_rate must be a number above 0; got 0"),
        ({"learning_rate": float("nan")}, "setting learning_rate"),
        ({"weight_decay": -0.1}, "setting weight_decay must be a number of at least 0; got -0.1"),
        ({"augmentation": "zoom"}, "setting augmentation must be none or flip or crop or crop.flip; got 'zoom'"),
        ({"device": "tpu"}, "setting device must be cpu, cuda or cuda:NUMBER; got 'tpu'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_takes(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        TrainingSettings.from_json(given)
