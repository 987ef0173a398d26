"""Defaults are those with which PyTorch is called when an argument is left out."""

import pytest

from archsmith.fuzz.collect.defaults import defaults_of
from archsmith.fuzz.collect.naming import operators
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
    """``padding`` of a convolution is a list of zeros in one overload, and a word in another."""
    found = defaults_of("torch.conv2d")

    assert "padding" not in found
    assert (found["padding_0"], found["stride"]) == (0, 1)


def test_what_is_no_operator_is_a_mistake() -> None:
    with pytest.raises(UserError, match="must be a public one of PyTorch"):
        defaults_of("os.system")


def test_every_operator_can_be_asked() -> None:
    assert all(isinstance(defaults_of(operator), dict) for operator in operators())
