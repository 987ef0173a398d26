"""Rules of some of PyTorch's own operators, whose documentation says what they must be."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
import torch
from torch.nn import functional

from archsmith.fuzz.call import Call, CallRecord, Point, Verdict, concrete
from archsmith.fuzz.collect.describing import describe
from archsmith.fuzz.collect.naming import named
from archsmith.fuzz.infer.learn import learn_operator
from archsmith.fuzz.infer.probe import Effort
from archsmith.fuzz.infer.solver import alike, domain, equivalent
from archsmith.fuzz.perform import perform, performed, quietly
from archsmith.graph.expr import parse
from archsmith.graph.rules import Provenance, Rule
from archsmith.graph.signature import Signature

ONE = Effort(signatures=1, found=0)


def ask(signature: Signature, points: Sequence[Point], fill: str) -> list[Verdict]:
    with quietly():
        return [performed(concrete(signature, point), fill=fill) for point in points]


def record(function: Callable[..., Any], *args: object, **kwargs: object) -> CallRecord:
    found = named(function, args, kwargs)
    assert found is not None
    operator, arguments, positional = found
    call = Call(operator, tuple((name, describe(value)) for name, value in arguments), positional)
    return CallRecord(call, perform(call), torch.__version__, "test")


def rule_of(function: Callable[..., Any], *args: object, **kwargs: object) -> Rule:
    (rule,) = learn_operator([record(function, *args, **kwargs)], ask, Random(1), ONE).rules
    return rule


def ones(*shape: int) -> torch.Tensor:
    return torch.ones(shape)


CASES = {
    "convolution": (
        (functional.conv2d, ones(2, 4, 9, 9), ones(4, 2, 3, 3), None, (2, 2), (1, 1), (1, 1), 2),
        (
            "input_0",
            "weight_0",
            "(input_2 + 2*padding_0 - dilation_0*(weight_2 - 1) - 1)//stride_0 + 1",
            "(input_3 + 2*padding_1 - dilation_1*(weight_3 - 1) - 1)//stride_1 + 1",
        ),
    ),
    "joining": (
        (torch.cat, [ones(3, 4), ones(3, 2)], 1),
        ("tensors_0_0", "tensors_0_1 + tensors_1_1"),
    ),
    "reduction": ((torch.sum, ones(3, 4, 5), 1), ("input_0", "input_2")),
    "product": ((torch.matmul, ones(3, 4), ones(4, 5)), ("input_0", "other_1")),
    "gathering": ((torch.gather, ones(3, 4), 1, torch.tensor([[0, 1, 3], [2, 2, 0]])), ("index_0", "index_1")),
    "view": ((torch.Tensor.view, ones(4, 6), (3, 8)), ("size_0", "size_1")),
}

DEMANDS = {
    "joining": ("tensors_0_0 == tensors_1_0",),
    "reduction": (),
    "product": ("input_1 == other_0",),
    "view": ("self_0*self_1 == size_0*size_1",),
}
"""Of operators that treat empty tensors like others: all that they demand."""


@pytest.mark.parametrize("case", CASES)
def test_a_rule_of_pytorch_is_what_its_documentation_says(case: str) -> None:
    (function, *args), truth = CASES[case]
    assert callable(function)
    rule = rule_of(function, *args)

    assert rule.provenance is Provenance.CONFIRMED
    assert rule.learned is not None
    space = domain(rule.learned.signature, most=8)
    sizes = [size for output in rule.outputs for size in output.dims]
    assert len(sizes) == len(truth)
    for size, documented in zip(sizes, truth, strict=True):
        assert equivalent(size, parse(documented), space, assuming=rule.requires) is True
    if case in DEMANDS:
        assert alike(rule.requires, [parse(demand) for demand in DEMANDS[case]], space) is True


def test_what_shares_storage_and_what_is_written_to_is_told() -> None:
    view, written = rule_of(torch.Tensor.view, ones(4, 6), (3, 8)), rule_of(torch.Tensor.add_, ones(3, 4), ones(3, 4))

    assert view.learned is not None
    assert written.learned is not None
    assert (view.learned.aliases, view.learned.mutates) == ((0,), ())
    assert (written.learned.aliases, written.learned.mutates) == ((0,), (0,))


def test_a_list_of_one_is_told_from_a_tensor() -> None:
    rules = learn_operator([record(torch.split, ones(6, 4), 2)], ask, Random(0), ONE).rules
    forms = {len(rule.outputs): rule.learned.form for rule in rules if rule.learned is not None}

    assert forms == {1: "(t,)", 2: "", 3: ""}


def test_what_hangs_on_elements_stays_unlearned() -> None:
    learnt = learn_operator([record(torch.nonzero, ones(3, 4))], ask, Random(0), ONE)

    assert learnt.rules == ()
    assert len(learnt.unlearned) == 1
