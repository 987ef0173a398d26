"""Defaults are those with which PyTorch is called when an argument is left out."""

import pytest
import torch

from archsmith.fuzz.collect.defaults import defaults_of
from archsmith.graph.errors import UserError


@pytest.mark.parametrize(
    ("operator", "defaults"),
    [
        ("torch.chunk", {"dim": 0}),
        ("torch.roll", {"dims": "[]"}),
        ("torch.nn.functional.softplus", {"beta": 1, "threshold": 20}),
        ("torch.nn.functional.softmax", {"dim": None, "_stacklevel": 3, "dtype": None}),
    ],
)
def test_defaults_have_the_names_of_slots(operator: str, defaults: dict[str, object]) -> None:
    assert defaults_of(operator) == defaults


def test_lists_are_taken_apart() -> None:
    found = defaults_of("torch.nn.functional.conv2d")

    assert {found[f"{name}_{place}"] for name in ("stride", "dilation") for place in (0, 1)} == {1}
    assert (found["bias"], found["groups"]) == (None, 1)


def test_what_overloads_say_differently_is_left_out() -> None:
    schemas = torch._C._jit_get_schemas_for_operator("aten::norm")
    said = {a.default_value for s in schemas for a in s.arguments if a.name == "p" and a.has_default_value()}

    assert said == {2}
    assert "dim" not in defaults_of("torch.sum") or defaults_of("torch.sum")["dim"] is None
    assert defaults_of("torch.sum")["keepdim"] is False


def test_what_is_no_operator_is_a_mistake() -> None:
    with pytest.raises(UserError, match="must be a public one of PyTorch"):
        defaults_of("os.system")
