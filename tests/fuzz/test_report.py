"""A reproducer runs where only torch is, with the very tensors of the campaign, and its exit code tells."""

from typing import Any

import pytest
import torch

from archsmith.fuzz.case import Case
from archsmith.fuzz.generate import make_case, make_space
from archsmith.fuzz.inputs import inputs, network
from archsmith.fuzz.oracles.protocol import KINDS, Failure
from archsmith.fuzz.report import script
from archsmith.graph.ops import DECLARED
from tests.fuzz.faults import chain

SPACE = make_space()


def failure(kind: str, **changes: Any) -> Failure:
    place = {"output": 0, "element": (), "allowed": 1e-5} if kind.startswith("wrong") else {}
    return Failure("eager", kind, "relu", "what\nhappened", **{**place, **changes})


def loaded(case: Case, shown: Failure) -> dict[str, Any]:
    """The names that the reproducer defines when it is imported and not run."""
    scope: dict[str, Any] = {"__name__": "reproducer"}
    exec(script(case, shown, DECLARED), scope)
    return scope


def test_parameters_and_inputs_are_those_of_the_campaign_to_the_last_bit() -> None:
    for number in range(40):
        case = make_case(41, number, SPACE)
        scope = loaded(case, failure("wrong value"))
        pairs = [*zip(scope["inputs"], inputs(case), strict=True)]
        weights = network(case, DECLARED).state_dict()

        assert all(a.equal(b) and a.stride() == b.stride() and a.dtype == b.dtype for a, b in pairs), case
        assert scope["network"].state_dict().keys() == weights.keys()
        assert all(torch.equal(scope["network"].state_dict()[name], weights[name]) for name in weights), case
        assert scope["network"].training is False


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("several", [False, True])
def test_no_kind_of_bug_is_seen_in_a_healthy_case(kind: str, several: bool) -> None:
    case = chain(4, through=("split_in_two",), fixed={"dim": 0, "size": 2}) if several else chain()
    shown = failure(kind, element=(1,) if several and kind == "wrong value" else None)
    present = loaded(case, shown)["bug"]()

    # what does not raise in either run is another bug than that both raise differently
    assert present is (kind == "different exception")
