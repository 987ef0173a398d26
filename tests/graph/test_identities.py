"""The operators that a normal form leaves out are those that do nothing, by PyTorch's own word."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product
from random import Random

import pytest
import torch

from archsmith.graph.book import Operator
from archsmith.graph.builder import Builder
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.simplify import IDENTITIES, simplified
from archsmith.graph.types import TensorType
from tests.graph.rewording import STATELESS, computed, drawn
from tests.graph.torch_calls import Call, valid_calls

WITHOUT_WEIGHTS = [*STATELESS.operators.values(), DECLARED.operator("dropout")]


def calls_of(operator: Operator) -> Iterator[Call]:
    """Valid calls on one input, with attributes of all kinds, zeros, ones and sizes of the input among them."""
    rng = Random(0)
    for rule in operator.rules:
        if len(rule.inputs) != 1 or len(rule.outputs) != 1:
            continue
        for call in islice(valid_calls(rule, rng), 6):
            yield call
            numbers = [name for name in call.attributes if name not in dict(rule.constants)]
            for name, value in product(numbers, (0, 1, *call.sizes.values())):
                edge = replace(call, attributes={**call.attributes, name: value})
                if call.by_rules() is not None and within(operator, edge) and edge.by_rules() is not None:
                    yield edge


def within(operator: Operator, call: Call) -> bool:
    return all(entry.least <= float(call.attributes[entry.name]) <= entry.most for entry in operator.attributes)


@pytest.mark.parametrize("operator", WITHOUT_WEIGHTS, ids=lambda operator: operator.name)
def test_an_operator_is_dropped_if_and_only_if_torch_gives_back_the_input(operator: Operator) -> None:
    found = set()
    for call in calls_of(operator):
        build = Builder(DECLARED)
        x = build.input(call.inputs[0])
        graph = build.finish(build.apply(operator.name, [x], call.attributes)[0])
        dropped = not any(simplified(graph).operators())
        found.add(dropped)

        assert dropped == (looks_at_one_sample_only(call) and gives_back(graph)), call
    assert (True in found) == (operator.name in IDENTITIES)


def gives_back(graph: Graph) -> bool:
    (kind,) = graph.input_types
    trials = [drawn(kind) for _ in range(10)]
    return graph.output_types == (kind,) and all(torch.equal(computed(graph, [x], training=True)[0], x) for x in trials)


def looks_at_one_sample_only(call: Call) -> bool:
    """Whether it does not matter that the batch has any size, where it is 1 in the type."""
    if call.rule.operator == "repeat" or (call.rule.operator, call.attributes.get("shift")) == ("roll", 0):
        return True
    return 0 not in (call.attributes.get("dim"), call.attributes.get("first"))


def test_a_layer_typed_with_one_sample_is_kept_if_it_works_on_the_batch() -> None:
    for name, attributes in (("narrow", {"dim": 0, "length": 1}), ("flip", {"dim": 0}), ("cumsum", {"dim": 0})):
        build = Builder(DECLARED)
        graph = build.finish(build.apply(name, [build.input(TensorType((1, 3)))], attributes)[0])

        assert simplified(graph) == graph
