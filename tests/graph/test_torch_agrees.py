"""What the declared rules say of a call is what PyTorch does with it: the types inside, the refusal outside."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice, product
from random import Random

import pytest

from archsmith.graph.book import Operator
from archsmith.graph.expr import Sym, show
from archsmith.graph.ops import DECLARED
from archsmith.graph.rules import Rule
from archsmith.graph.types import TensorType
from tests.graph.torch_calls import Call, steps, valid_calls

OPERATORS = tuple(DECLARED.operators.values())


def operators(those: Iterable[Operator]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operator", list(those), ids=lambda operator: operator.name)


@operators(OPERATORS)
def test_every_rule_accepts_a_call_and_gives_the_types_that_torch_computes(operator: Operator) -> None:
    for rule in operator.rules:
        calls = list(islice(valid_calls(rule, Random(0)), 4))

        assert calls, f"nothing meets {rule}"
        for call in calls:
            assert call.by_rules() == call.by_torch(), call


def stricter_on_purpose(call: Call) -> bool:
    """What PyTorch takes and the rules do not: to squeeze nothing, to count from the end, to dilate by 0."""
    below = any(int(call.attributes.get(name, 0)) < 0 for name in ("start", "amount"))
    return call.rule.operator == "squeeze" or below or call.attributes.get("dilation") == 0


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@operators(operator for operator in OPERATORS if any(rule.requires for rule in operator.rules))
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


@pytest.mark.parametrize(("shape", "groups"), [((1, 4, 1), 4), ((1, 2, 1, 1), 2), ((1, 1, 1), 1)])
def test_a_group_of_one_value_is_not_normalised(shape: tuple[int, ...], groups: int) -> None:
    rule = next(rule for rule in DECLARED.operator("group_norm").rules if rule.ranks == (len(shape),))
    sizes = dict(zip(map(show, rule.inputs[0].dims), shape, strict=True))
    single = Call(rule, sizes, {}, {"groups": groups})

    assert single.by_rules() is None
    assert single.by_torch() is None
    assert batch_of(single, 2).by_rules() == batch_of(single, 2).by_torch() is not None


def is_a_layer(rule: Rule) -> bool:
    """Whether the rule's calls stand in networks: one input with a batch in front, and no work along it."""
    constants = dict(rule.constants)
    return len(rule.ranks) == 1 and rule.ranks[0] >= 2 and constants.get("dim", constants.get("first")) != 0


@operators(operator for operator in OPERATORS if any(map(is_a_layer, operator.rules)))
def test_a_layer_typed_with_one_sample_takes_three(operator: Operator) -> None:
    for rule in filter(is_a_layer, operator.rules):
        call = next(call for call in valid_calls(rule, Random(2)) if batch_of(call, 1).by_rules())
        types = batch_of(call, 1).by_rules()

        assert types is not None
        assert [kind.shape[0] for kind in types] == [1] * len(types)
        assert batch_of(call, 3).by_torch() == tuple(TensorType((3, *t.shape[1:]), t.dtype) for t in types)


def batch_of(call: Call, samples: int) -> Call:
    """The same call on another number of samples."""
    batch = call.rule.inputs[0].dims[0]
    assert isinstance(batch, Sym)
    return replace(call, sizes={**call.sizes, batch.name: samples})


@operators(operator for operator in OPERATORS if any(a.kind is float for a in operator.attributes))
def test_torch_takes_a_fraction_at_the_bounds_of_an_attribute(operator: Operator) -> None:
    for attribute in operator.attributes:
        if attribute.kind is float:
            for rule, bound in product(operator.rules, (attribute.least, attribute.most)):
                call = next(valid_calls(rule, Random(3)))
                extreme = replace(call, attributes={**call.attributes, attribute.name: bound})

                assert extreme.by_rules() == extreme.by_torch() == call.by_rules()
