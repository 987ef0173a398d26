"""What the declared rules say of a call is what PyTorch does with it: the types inside, the refusal outside."""

from dataclasses import replace
from itertools import islice
from random import Random

import pytest

from archsmith.graph.book import Operator
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from tests.graph.torch_calls import Call, steps, valid_calls

EVERY = pytest.mark.parametrize("operator", DECLARED.operators.values(), ids=lambda operator: operator.name)


@EVERY
def test_every_rule_accepts_a_call_and_gives_the_types_that_torch_computes(operator: Operator) -> None:
    for rule in operator.rules:
        calls = list(islice(valid_calls(rule, Random(0)), 3))

        assert calls, f"nothing meets {rule}"
        for call in calls:
            assert call.by_rules() == call.by_torch(), call


def stricter_on_purpose(call: Call) -> bool:
    """What PyTorch takes and the rules do not: to squeeze nothing, to count from the end, to dilate by 0."""
    below = any(int(call.attributes.get(name, 0)) < 0 for name in ("start", "amount"))
    return call.rule.operator == "squeeze" or below or call.attributes.get("dilation") == 0


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@EVERY
def test_one_step_outside_a_rule_torch_refuses_or_has_nothing_to_return(operator: Operator) -> None:
    rng = Random(1)
    demanding = [rule for rule in operator.rules if rule.requires]
    for rule in rng.sample(demanding, min(5, len(demanding))):
        edges = [edge for call in islice(valid_calls(rule, rng), 6) for edge in steps(call)]

        assert edges, f"no step leads out of {rule}"
        for inside, outside in edges:
            assert inside.by_rules() == inside.by_torch(), inside
            found = outside.by_torch()
            assert found is None or not all(t.elements for t in found) or stricter_on_purpose(outside), outside


def keeps_the_batch(call: Call) -> bool:
    """Whether the call stands in networks: one input with a batch in front, and no work along it."""
    along = call.attributes.get("dim", call.attributes.get("first"))
    return call.rule.ranks[0] >= 2 and len(call.rule.ranks) == 1 and along != 0


@EVERY
def test_a_layer_typed_with_one_sample_takes_three(operator: Operator) -> None:
    for rule in operator.rules:
        for call in filter(keeps_the_batch, islice(valid_calls(rule, Random(2)), 2)):
            batch = str(rule.inputs[0].dims[0].name)  # type: ignore[union-attr]  # sizes of inputs are symbols
            single = replace(call, sizes={**call.sizes, batch: 1})
            types = single.by_rules()
            if types is None:
                continue  # a group of one value: not normalised, whatever the batch
            several = replace(call, sizes={**call.sizes, batch: 3})

            assert [t.shape[0] for t in types] == [1] * len(types)
            assert several.by_torch() == tuple(TensorType((3, *t.shape[1:]), t.dtype) for t in types)
